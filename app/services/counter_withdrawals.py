"""A withdrawal at the counter (4.3): a clerk proposes it, a reviewer decides, legs carry it."""

from datetime import datetime
from typing import Any

from sqlalchemy import select

from app import vault
from app.db import db
from app.errors import Absent, Unacceptable
from app.ledger import holds
from app.models import Person, SubAccount
from app.money import yuan
from app.services import payout_legs, payouts
from app.services.accounts import open_flexible
from app.services.approval_action import Action, Decision, Payload, Proposal
from app.services.members import locked_person
from app.services.work_items import district_of_person

_NO_WAY = "近一年微信缴存的可退金额不足，其余部分请填写本人银行卡号和开户银行，由银行转账支付。"
_LUHN_DOUBLED = str.maketrans("0123456789", "0246813579")


def _prepare(payload: Payload, at: datetime) -> Proposal:
    """`person_id` (public), `amount_fen` within what is free, perhaps his own card and its bank."""
    person = _person(payload["person_id"])
    if person is None:
        raise Absent()
    locked_person(person.id)
    sub_account, problems = open_flexible(person.id), _card_problems(payload)
    if sub_account is None:
        problems["person_id"] = ["此人没有在用的灵活就业缴存账户。"]
    elif payload["amount_fen"] > (free_fen := _free_fen(sub_account)):
        problems["amount_fen"] = [f"超过可提取余额 {yuan(free_fen)}元（已扣除在途的支付）。"]
    if not problems and _ways(person.id, payload, at) is None:
        problems["card"] = [_NO_WAY]
    if problems:
        raise Unacceptable(fields=problems)
    return Proposal(
        payload=dict(payload),
        district=district_of_person(person.id),
        depositor_ids=(person.id,),
    )


def _apply(payload: Payload, decision: Decision) -> dict[str, Any]:
    """The money is held and on its way; what is not paid in the end is the depositor's again."""
    person = _person(payload["person_id"])
    sub_account = None if person is None else open_flexible(person.id)
    ways = None if person is None else _ways(person.id, payload, decision.at)
    if person is None or sub_account is None or ways is None:  # prepared just now: cannot be
        raise Absent()
    order = payouts.Order(
        payouts.WITHDRAWAL,
        decision.approval_id,
        payload["amount_fen"],
        sub_account_id=sub_account.id,
        card=payload.get("card"),
        bank=payload.get("bank"),
    )
    payout = payouts.open_payout(order, ways, person, at=decision.at)
    return {"payout_id": payout.public_id}


def _in_words(payload: Payload) -> list[str]:
    person = _person(payload["person_id"])
    name = "" if person is None else vault.masked_name(person.name)
    said = [f"{name}（{payload['person_id']}）提取 {yuan(payload['amount_fen'])}元。"]
    if payload.get("card"):
        said.append(f"微信原路退回不足的部分转账至{payload['bank']}尾号 {payload['card'][-4:]}。")
    return said


def _shown(payload: Payload) -> Payload:
    card = payload.get("card")
    return {**payload, "card": f"尾号 {card[-4:]}" if card else None}


def _district_of(payload: Payload) -> str | None:
    person = _person(payload["person_id"])
    return None if person is None else district_of_person(person.id)


def _ways(person_id: int, payload: Payload, at: datetime) -> list[payout_legs.Way] | None:
    return payout_legs.ways_for(person_id, payload["amount_fen"], card=payload.get("card"), at=at)


def _free_fen(sub_account: SubAccount) -> int:
    row = db.session().get_one(
        SubAccount, sub_account.id, with_for_update=True, populate_existing=True
    )
    return row.balance_fen - holds.held_fen(row.id)


def _card_problems(payload: Payload) -> dict[str, list[str]]:
    card, bank = payload.get("card"), payload.get("bank")
    problems = {}
    if card is not None and not _is_card(card):
        problems["card"] = ["银行卡号应为12至19位数字，且校验位正确。"]
    if (card is None) != (bank is None):
        problems["bank"] = ["银行卡号和开户银行须同时填写。"]
    return problems


def _is_card(card: str) -> bool:
    """12 to 19 digits whose last one is right (ISO/IEC 7812 Luhn)."""
    if not (12 <= len(card) <= 19 and card.isascii() and card.isdigit()):
        return False
    doubled = card[-2::-2].translate(_LUHN_DOUBLED)
    return sum(int(digit) for digit in card[-1::-2] + doubled) % 10 == 0


def _person(public_id: str) -> Person | None:
    return db.session().scalars(select(Person).where(Person.public_id == public_id)).one_or_none()


WITHDRAWAL = Action(
    prepare=_prepare, apply=_apply, in_words=_in_words, shown=_shown, district_of=_district_of
)
