"""Payouts: money sent to a person in legs, each with one number for ever (P5).

A payout is opened in the transaction that decides it, and carried out afterwards: nobody waits for
WeChat while a decision is made. What of a withdrawal has not been paid is held on its sub-account.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app import ids, log
from app.db import db
from app.ledger import entries
from app.models import (
    FundAccount,
    PaymentCase,
    Payout,
    PayoutLeg,
    Person,
    SubAccount,
)
from app.money import Fen
from app.services import notifications, payment_cases, payout_legs
from app.services.members import locked_person
from app.services.payout_legs import Way

SUSPENSE_RETURN, WITHDRAWAL = "suspense-return", "counter-withdrawal"
RETURNED = "returned-to-payer"
ACTOR = "job:follow-up-payouts"
ENDED = ("succeeded", "failed")
UNSETTLED = "payout-unsettled"


@dataclass(frozen=True)
class Order:
    """What is to be paid out: for a case, or from a sub-account to its owner."""

    purpose: str
    approval_id: int
    amount_fen: Fen
    case_id: int | None = None
    sub_account_id: int | None = None
    card: str | None = None
    bank: str | None = None


@dataclass(frozen=True)
class Word:
    """What a provider says of a leg, in our states; `differing` fields are about other money.

    `success_at` stands once it succeeded, `package_info` while the payee has to confirm.
    """

    state: str
    provider_id: str = ""
    success_at: datetime | None = None
    fail_code: str = ""
    package_info: str = ""
    differing: tuple[str, ...] = ()


def open_payout(order: Order, ways: Sequence[Way], owner: Person | None, *, at: datetime) -> Payout:
    """The payout stands with its legs, in the caller's transaction; the next run sends them."""
    payout = Payout(
        public_id=ids.new_public_id("pay"),
        purpose=order.purpose,
        approval_id=order.approval_id,
        payment_case_id=order.case_id,
        sub_account_id=order.sub_account_id,
        payee_card=order.card,
        payee_bank=order.bank,
        amount_fen=order.amount_fen,
        state="open",
        opened_at=at,
    )
    db.session().add(payout)
    db.session().flush()
    for way in ways:
        payout_legs.add_leg(payout, way, owner, at=at)
    return payout


def record(leg: PayoutLeg, word: Word, *, at: datetime) -> None:
    """The leg stands as its provider says, its payout with it; in the caller's transaction.

    The leg is locked by `locked_leg`. A later word never takes an end back. Only a word about the
    same money counts: `differing` is empty.
    """
    if leg.state in ENDED:
        return
    leg.provider_id = word.provider_id or leg.provider_id
    leg.package_info = word.package_info or leg.package_info
    if word.state == "succeeded" and word.success_at is not None:
        _succeed(leg, word.success_at, at)
    elif word.state == "failed":
        _fail(leg, word.fail_code, at)
    elif word.state == "abnormal" and leg.state != "abnormal":
        leg.state, leg.next_at = word.state, at  # the next run tells people
    elif leg.state != "abnormal":
        leg.state = word.state
    db.session().flush()
    if leg.state in ENDED:
        payment_cases.close_case(UNSETTLED, leg.provider_no, leg.state, at=at)


def locked_leg(provider_no: str) -> PayoutLeg | None:
    """The leg with this number, locked; None if there is none.

    Locked before it: its owner, its case, its payout, in this order, as everybody does.
    """
    session = db.session()
    found = session.execute(
        select(PayoutLeg.id, Payout.id, Payout.payment_case_id, FundAccount.person_id)
        .join(Payout, Payout.id == PayoutLeg.payout_id)
        .outerjoin(SubAccount, SubAccount.id == Payout.sub_account_id)
        .outerjoin(FundAccount, FundAccount.id == SubAccount.account_id)
        .where(PayoutLeg.provider_no == provider_no)
    ).one_or_none()
    if found is None:
        return None
    leg_id, payout_id, case_id, person_id = found
    if person_id is not None:
        locked_person(person_id)
    if case_id is not None:
        session.get_one(PaymentCase, case_id, with_for_update=True, populate_existing=True)
    session.get_one(Payout, payout_id, with_for_update=True, populate_existing=True)
    return session.get_one(PayoutLeg, leg_id, with_for_update=True, populate_existing=True)


def _succeed(leg: PayoutLeg, success_at: datetime, at: datetime) -> None:
    session = db.session()
    payout = session.get_one(Payout, leg.payout_id)
    if payout.sub_account_id is None:
        journal = entries.suspense_returned(leg, success_at=success_at, actor=ACTOR, at=at)
    else:
        sub_account = session.get_one(SubAccount, payout.sub_account_id, with_for_update=True)
        journal = entries.withdrawal_paid(
            leg, out_of=sub_account, success_at=success_at, actor=ACTOR, at=at
        )
    leg.state, leg.success_at, leg.journal_id = "succeeded", success_at, journal.id
    session.flush()
    _end_if_over(payout, at)


def _fail(leg: PayoutLeg, code: str, at: datetime) -> None:
    """The leg certainly paid nothing: another way is taken, or the payout lets go of its money."""
    session = db.session()
    payout = session.get_one(Payout, leg.payout_id)
    leg.state, leg.fail_code = "failed", code
    session.flush()
    owner = owner_of(payout)
    if owner is not None and leg.channel == "refund":
        ways = payout_legs.ways_for(
            owner.id, leg.amount_fen, card=payout.payee_card, at=at, but_not=leg.payment_id
        )
        for way in ways or ():
            payout_legs.add_leg(payout, way, owner, at=at)
    _end_if_over(payout, at)


def _end_if_over(payout: Payout, at: datetime) -> None:
    session = db.session()
    legs = session.execute(
        select(PayoutLeg.state, PayoutLeg.amount_fen).where(PayoutLeg.payout_id == payout.id)
    ).all()
    if any(state not in ENDED for state, _ in legs):
        return
    paid_fen = sum(amount_fen for state, amount_fen in legs if state == "succeeded")
    payout.state = "done" if paid_fen == payout.amount_fen else "failed"
    payout.ended_at = at
    log.get().info("payout-ended", payout=payout.public_id, state=payout.state)
    _tell(payout, paid_fen, at)
    if payout.payment_case_id is not None and payout.state == "done":
        case = session.get_one(PaymentCase, payout.payment_case_id)
        payment_cases.resolve(case, RETURNED, at=at)


def _tell(payout: Payout, paid_fen: Fen, at: datetime) -> None:
    """The depositor hears what reached him, and what did not and is his again."""
    owner = owner_of(payout)
    if owner is None:
        return
    source = f"payout:{payout.public_id}"
    paid: dict[str, int | str] = {"amount_fen": paid_fen, "paid_at": at.isoformat()}
    failed: dict[str, int | str] = {"amount_fen": payout.amount_fen - paid_fen}
    for kind, params in (("payout-paid", paid), ("payout-failed", failed)):
        if params["amount_fen"]:
            notifications.notify(person_id=owner.id, kind=kind, source=source, params=params, at=at)


def parameters_of(leg: PayoutLeg) -> dict[str, Any]:
    """What the leg's provider is told, every time the same."""
    said: dict[str, Any] = json.loads(leg.parameters)
    return said


def owner_of(payout: Payout) -> Person | None:
    """Whose money a withdrawal is, in the caller's transaction; None for other purposes."""
    if payout.sub_account_id is None:
        return None
    return (
        db.session()
        .scalars(
            select(Person)
            .join(FundAccount, FundAccount.person_id == Person.id)
            .join(SubAccount, SubAccount.account_id == FundAccount.id)
            .where(SubAccount.id == payout.sub_account_id)
        )
        .one()
    )
