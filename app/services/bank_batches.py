"""Payouts by the bank: instructions leave in one file, their results come back in one, by two.

What WeChat cannot carry (interest, subsidy, deposits older than a year) goes to the payee's own
card. The file is plain CSV, because every bank takes one; nothing is sent to the bank from here.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import func, select

from app import clock, ids
from app.db import db, reading, retried, transaction
from app.errors import Absent, Conflict, Unacceptable
from app.models import Approval, BankBatch, BankBatchResult, Payout, PayoutLeg
from app.money import Fen, plain_yuan
from app.rules import duties
from app.services import pages, payouts, tables
from app.services.approval_action import Action, Decision, Payload, Proposal
from app.services.pages import Asked, Page
from app.services.payouts import Word
from app.services.staff import Staff, refuse_unless_still

_HEAD = ("指令号", "收款人", "卡号", "开户银行", "金额（元）", "用途")
RESULT_HEAD = ("指令号", "结果", "金额（元）", "支付日期", "失败原因")
_PAID, _NOT_PAID = "成功", "失败"
_LONGEST_REASON = 64


class NothingForTheBank(Conflict):
    """No payout waits for the bank."""

    sentence = "目前没有等待银行支付的款项。"


@dataclass(frozen=True)
class BatchView:
    """A file of instructions; `open_count` of them have no result yet."""

    batch_id: str
    made_on: date
    made_at: datetime
    count: int
    amount_fen: Fen
    open_count: int


@dataclass(frozen=True)
class _Result:
    """A line of the bank's answer."""

    number: str
    is_paid: bool
    amount: str
    paid_on: date | None
    reason: str


@retried
def make_batch(*, staff: Staff, at: datetime) -> BatchView:
    """Every instruction of the staff's district (of all at the centre) is in one new file.

    An instruction is in one file for ever: two who ask at once do not both get it. Raises
    `NothingForTheBank`.
    """
    with transaction() as session:
        refuse_unless_still(staff)
        waiting = (
            select(PayoutLeg)
            .join(Payout, Payout.id == PayoutLeg.payout_id)
            .join(Approval, Approval.id == Payout.approval_id)
            .where(PayoutLeg.channel == "bank", PayoutLeg.state == "ready")
            .order_by(PayoutLeg.id)
            .with_for_update(of=PayoutLeg)
        )
        if staff.district != duties.CENTRE:
            waiting = waiting.where(Approval.district == staff.district)
        legs = session.scalars(waiting).all()
        if not legs:
            raise NothingForTheBank()
        batch = BankBatch(
            public_id=ids.new_public_id("bat"),
            made_on=clock.day_of(at),
            made_at=at,
            made_by=staff.account_id,
            district=staff.district,
        )
        session.add(batch)
        session.flush()
        for leg in legs:
            leg.batch_id, leg.state, leg.first_called_at = batch.id, "processing", at
        session.flush()
        return _view(_with_counts().where(BankBatch.id == batch.id))


def batches(*, staff: Staff, asked: Asked) -> Page[BatchView]:
    """A page of the files, newest first."""
    query = _with_counts()
    if staff.district != duties.CENTRE:
        query = query.where(BankBatch.district == staff.district)
    with reading():
        return pages.page(
            query,
            order=pages.newest_first(BankBatch.id),
            place=f"bank-batches:{staff.account_id}",
            asked=asked,
            shown=_shown,
        )


def batch_lines(*, staff: Staff, batch_id: str) -> Iterator[str]:
    """The file as CSV lines, a spreadsheet's byte order mark first; raises `Absent`."""
    with reading() as session:
        batch = _batch(batch_id)
        if not staff.sees(batch.district):
            raise Absent()
        rows = [
            _instruction(leg)
            for leg in session.scalars(
                select(PayoutLeg).where(PayoutLeg.batch_id == batch.id).order_by(PayoutLeg.id)
            )
        ]
    return tables.csv_lines(_HEAD, rows)


def _instruction(leg: PayoutLeg) -> tuple[str, ...]:
    said = payouts.parameters_of(leg)
    amount = plain_yuan(leg.amount_fen)
    return (leg.provider_no, said["name"], said["card"], said["bank"], amount, said["remark"])


# --- the action: the bank's result file ---


def _prepare(payload: Payload, at: datetime) -> Proposal:
    """`batch_id`, and `result`: the bank's file, whole; each line about an open instruction."""
    batch = _batch(payload["batch_id"])
    results, problems = _read(payload["result"])
    legs = _legs_of(batch)
    today = clock.day_of(at)
    for number, each in enumerate(results, start=2):
        leg = legs.get(each.number)
        problems += [f"第{number}行：{why}" for why in _line_problems(each, leg, batch, today)]
    numbers = [each.number for each in results]
    problems += [
        f"指令号 {each} 出现多次" for each in sorted(set(numbers)) if numbers.count(each) > 1
    ]
    if problems:
        raise Unacceptable(fields={"result": problems})
    return Proposal(payload=dict(payload), district=batch.district)


def _apply(payload: Payload, decision: Decision) -> dict[str, Any]:
    """Each instruction ended as the bank says, its payout with it."""
    session = db.session()
    answer = BankBatchResult(
        batch_id=_batch(payload["batch_id"]).id,
        approval_id=decision.approval_id,
        recorded_at=decision.at,
    )
    session.add(answer)
    session.flush()
    for each in sorted(_read(payload["result"])[0], key=lambda result: result.number):
        leg = payouts.locked_leg(each.number)
        if leg is None:
            raise Absent()
        leg.batch_result_id = answer.id
        payouts.record(leg, _word(each), at=decision.at)
    return {"batch_id": payload["batch_id"]}


def _in_words(payload: Payload) -> list[str]:
    results, _ = _read(payload["result"])
    paid = [each for each in results if each.is_paid]
    failed = [each for each in results if not each.is_paid]
    return [
        f"银行代付批次 {payload['batch_id']}：成功 {len(paid)} 笔，失败 {len(failed)} 笔。",
        *(f"{each.number} 支付成功 {each.amount}元（{each.paid_on}）。" for each in paid),
        *(f"{each.number} 支付失败：{each.reason}。" for each in failed),
    ]


def _word(result: _Result) -> Word:
    if result.paid_on is None:
        return Word("failed", fail_code=result.reason)
    # The bank tells a day, no hour: noon of it is on that day everywhere it is read.
    noon = datetime.combine(result.paid_on, time(12), clock.SHANGHAI)
    return Word("succeeded", provider_id=result.number, success_at=noon)


def _read(text: str) -> tuple[list[_Result], list[str]]:
    try:
        rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    except csv.Error:
        return [], ["不是可读的 CSV 文件"]
    if not rows or tuple(cell.strip() for cell in rows[0]) != RESULT_HEAD:
        return [], [f"第1行应为表头：{'，'.join(RESULT_HEAD)}"]
    results, problems = [], []
    for number, row in enumerate(rows[1:], start=2):
        cells = [cell.strip() for cell in row]
        if len(cells) != len(RESULT_HEAD) or cells[1] not in (_PAID, _NOT_PAID):
            problems.append(f"第{number}行：应有5列，结果为“成功”或“失败”")
            continue
        paid_on = _day(cells[3]) if cells[1] == _PAID else None
        if cells[1] == _PAID and paid_on is None:
            problems.append(f"第{number}行：支付日期应为 2026-03-02 这样的日期")
            continue
        if cells[1] == _NOT_PAID and not 0 < len(cells[4]) <= _LONGEST_REASON:
            problems.append(f"第{number}行：失败须写明原因（不超过{_LONGEST_REASON}字）")
            continue
        results.append(_Result(cells[0], cells[1] == _PAID, cells[2], paid_on, cells[4]))
    return results, problems or ([] if results else ["没有结果行"])


def _line_problems(
    result: _Result, leg: PayoutLeg | None, batch: BankBatch, today: date
) -> list[str]:
    if leg is None:
        return ["指令号不属于本批次"]
    if leg.state in payouts.ENDED:
        return ["该指令已有结果"]
    problems = []
    if result.amount != plain_yuan(leg.amount_fen):
        problems.append(f"金额应为 {plain_yuan(leg.amount_fen)}")
    if result.paid_on is not None and not batch.made_on <= result.paid_on <= today:
        problems.append("支付日期应在出批之日至今天之间")
    return problems


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _legs_of(batch: BankBatch) -> dict[str, PayoutLeg]:
    rows = db.session().scalars(select(PayoutLeg).where(PayoutLeg.batch_id == batch.id))
    return {leg.provider_no: leg for leg in rows}


def _batch(public_id: str) -> BankBatch:
    found = db.session().scalars(select(BankBatch).where(BankBatch.public_id == public_id))
    batch = found.one_or_none()
    if batch is None:
        raise Absent()
    return batch


def _with_counts() -> Any:
    is_open = PayoutLeg.state.not_in(payouts.ENDED)
    return (
        select(
            BankBatch,
            func.count(PayoutLeg.id),
            func.sum(PayoutLeg.amount_fen),
            func.count(PayoutLeg.id).filter(is_open),
        )
        .join(PayoutLeg, PayoutLeg.batch_id == BankBatch.id)
        .group_by(BankBatch.id)
    )


def _view(query: Any) -> BatchView:
    return _shown(db.session().execute(query).one())


def _shown(row: Any) -> BatchView:
    batch, count, amount_fen, open_count = row
    return BatchView(
        batch_id=batch.public_id,
        made_on=batch.made_on,
        made_at=batch.made_at,
        count=count,
        amount_fen=int(amount_fen),
        open_count=open_count,
    )


def _district_of(payload: Payload) -> str | None:
    _, problems = _read(payload["result"])
    if problems:  # of the file alone: they tell nothing about the batch
        raise Unacceptable(fields={"result": problems})
    query = select(BankBatch.district).where(BankBatch.public_id == payload["batch_id"])
    return db.session().scalar(query)


RESULT = Action(prepare=_prepare, apply=_apply, in_words=_in_words, district_of=_district_of)
