"""Fees, settlement and top-ups of a reconciled day: proposed by an accountant, approved by another.

What is booked is what the fund flow of the day says, and stands in the proposal line by line: the
decider sees every amount, and a bill that says something else by then is not booked unseen.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import select

from app.db import db
from app.errors import Unacceptable
from app.ledger import chart, entries, wechat_day
from app.ledger.posting import Line
from app.ledger.wechat_day import Move
from app.models import WechatBillDay
from app.money import yuan
from app.services import bill_book
from app.services.approval_action import Action, Decision, Payload, Proposal
from app.services.bill_readings import RECONCILED

_NAMES = {each.code: each.name for each in chart.CHART}


def _prepare(payload: Payload, at: datetime) -> Proposal:
    """`day` that is reconciled, not booked, and has something to book; `lines` are added."""
    row = _locked(payload["day"])
    if row is None or row.reading == 0:
        raise _refusal("没有读到这一天的微信账单。")
    if row.state != RECONCILED:
        raise _refusal("这一天尚未对平，请先办结差错事项。")
    if row.booked_approval_id is not None:
        raise _refusal("这一天的手续费、结算和充值已经入账。")
    lines = [_told(each) for each in _moves(row)]
    if not lines:
        raise _refusal("这一天没有需要入账的手续费、结算或充值。")
    return Proposal(payload={"day": payload["day"], "lines": lines})


def _apply(payload: Payload, decision: Decision) -> dict[str, Any]:
    """One journal stands in the books, valued on the day of the bill."""
    row = _locked(payload["day"])
    if row is None:  # prepared just now: cannot be
        raise _refusal("没有读到这一天的微信账单。")
    lines = [
        Line(each["debit_code"], each["credit_code"], each["amount_fen"])
        for each in payload["lines"]
    ]
    journal = entries.wechat_day(row, lines=lines, actor=decision.actor, at=decision.at)
    row.booked_approval_id, row.journal_id = decision.approval_id, journal.id
    db.session().flush()
    return {"day": payload["day"]}


def _in_words(payload: Payload) -> list[str]:
    return [
        f"按 {payload['day']} 的微信支付资金账单入账：",
        *(
            f"{each['words']} {yuan(each['amount_fen'])}元"
            f"（借 {_account(each['debit_code'])}，贷 {_account(each['credit_code'])}）。"
            for each in payload["lines"]
        ),
    ]


def _account(code: str) -> str:
    return f"{code} {_NAMES[code]}"


def _told(move: Move) -> dict[str, Any]:
    line = move.line
    return {
        "words": move.words,
        "debit_code": line.debit_code,
        "credit_code": line.credit_code,
        "amount_fen": line.amount_fen,
    }


def _moves(row: WechatBillDay) -> Sequence[Move]:
    return wechat_day.moves(bill_book.lines_of(row))


def _locked(day: str) -> WechatBillDay | None:
    query = select(WechatBillDay).where(WechatBillDay.day == date.fromisoformat(day))
    locked = query.with_for_update().execution_options(populate_existing=True)
    return db.session().scalars(locked).one_or_none()


def _refusal(sentence: str) -> Unacceptable:
    return Unacceptable(fields={"day": [sentence]})


ENTRIES = Action(prepare=_prepare, apply=_apply, in_words=_in_words)
