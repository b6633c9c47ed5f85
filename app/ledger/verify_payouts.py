"""P5 and L7: an instruction to pay has one number and one end, and what it needs is held for it."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import and_, case, func, or_, select

from app.db import db
from app.ledger.entries import PAID_FROM
from app.ledger.holds import held_fen
from app.models import Journal, PaymentCase, Payout, PayoutLeg, Posting, SubAccount, WechatPayment

P5 = "payout legs keep their number and parameters, succeed at most once, and are booked"
L7 = "what is promised to be paid out is there"


def p5_numbers_and_parameters() -> Iterator[str]:
    """P5: what is sent is what was stored before the first call, about this leg's money."""
    rows = db.session().execute(
        select(PayoutLeg, WechatPayment.transaction_id, WechatPayment.amount_fen).outerjoin(
            WechatPayment, WechatPayment.id == PayoutLeg.payment_id
        )
    )
    for leg, transaction_id, paid_fen in rows:
        sha256 = hashlib.sha256(leg.parameters.encode()).hexdigest()
        said = json.loads(leg.parameters)
        if sha256 != leg.parameters_sha256:
            yield f"payout leg {leg.id}: its parameters are not those that were stored"
        elif not _is_about(leg, said, transaction_id, paid_fen):
            yield f"payout leg {leg.id}: its parameters are about other money"


def _is_about(leg: PayoutLeg, said: dict[str, Any], transaction_id: str, paid_fen: int) -> bool:
    if leg.channel == "refund":
        amount = {"refund": leg.amount_fen, "total": paid_fen, "currency": "CNY"}
        told = (said["out_refund_no"], said["transaction_id"], said["amount"])
        return told == (leg.provider_no, transaction_id, amount)
    names = (
        ("out_bill_no", "transfer_amount")
        if leg.channel == "transfer"
        else ("number", "amount_fen")
    )
    return tuple(said[name] for name in names) == (leg.provider_no, leg.amount_fen)


def p5_states_and_facts_agree() -> Iterator[str]:
    """P5: a leg's state is what happened to it, and a payout's what happened to its legs."""
    session = db.session()
    strange = select(PayoutLeg.id).where(
        or_(
            (PayoutLeg.state == "ready") != PayoutLeg.first_called_at.is_(None),
            (PayoutLeg.state == "succeeded") != PayoutLeg.journal_id.is_not(None),
            PayoutLeg.first_called_at < PayoutLeg.opened_at,
        )
    )
    for leg_id in session.scalars(strange):
        yield f"payout leg {leg_id}: its state and its facts disagree"
    rows = session.execute(
        select(
            Payout.id,
            Payout.state,
            Payout.amount_fen,
            _sum_of(PayoutLeg.state != "failed"),
            _sum_of(PayoutLeg.state == "succeeded"),
        )
        .outerjoin(PayoutLeg, PayoutLeg.payout_id == Payout.id)
        .group_by(Payout.id, Payout.state, Payout.amount_fen)
    )
    for payout_id, state, amount, legs, paid in rows:
        # An open one may have lost a leg that nothing could replace; it ends with its others.
        is_right = {
            "open": paid < amount and paid < legs <= amount,
            "done": legs == paid == amount,
            "failed": legs == paid < amount,
        }[state]
        if not is_right:
            yield f"payout {payout_id} ({state}) of {amount}: legs {legs}, paid {paid}"


def p5_within_what_was_paid() -> Iterator[str]:
    """P5: no payment is given back beyond what it was."""
    rows = db.session().execute(
        select(WechatPayment.id, WechatPayment.amount_fen, func.sum(PayoutLeg.amount_fen))
        .join(PayoutLeg, PayoutLeg.payment_id == WechatPayment.id)
        .where(PayoutLeg.state != "failed")
        .group_by(WechatPayment.id, WechatPayment.amount_fen)
        .having(func.sum(PayoutLeg.amount_fen) > WechatPayment.amount_fen)
    )
    for payment_id, paid, returned in rows:
        yield f"payment {payment_id} of {paid} is given back as {returned}"


def p5_booked_as_paid() -> Iterator[str]:
    """P5: a leg's journal takes its amount from whose money it is, out of where its channel pays
    from, in one posting."""
    paid_from = case(PAID_FROM, value=PayoutLeg.channel)
    is_withdrawal = Payout.sub_account_id.is_not(None)
    is_right = and_(
        Posting.credit_code == paid_from,
        Posting.amount_fen == PayoutLeg.amount_fen,
        Posting.sub_account_id.is_not_distinct_from(Payout.sub_account_id),
        or_(is_withdrawal, Posting.debit_code == "21901"),
        Journal.kind == case((is_withdrawal, "withdrawal-paid"), else_="suspense-returned"),
    )
    query = (
        select(PayoutLeg.id)
        .join(Payout, Payout.id == PayoutLeg.payout_id)
        .join(Journal, Journal.id == PayoutLeg.journal_id)
        .outerjoin(Posting, Posting.journal_id == Journal.id)
        .group_by(PayoutLeg.id)
        .having(or_(func.count() != 1, func.sum(case((is_right, 1), else_=0)) != 1))
    )
    for leg_id in db.session().scalars(query):
        yield f"payout leg {leg_id}: its journal says something else"


def p5_cases_end_with_their_return() -> Iterator[str]:
    """P5: a suspended payment is open while it goes back, and ended by its return."""
    cases = select(Payout.id).join(PaymentCase, PaymentCase.id == Payout.payment_case_id)
    wrong = or_(
        and_(Payout.state == "open", PaymentCase.resolved_at.is_not(None)),
        and_(Payout.state == "done", PaymentCase.resolution != "returned-to-payer"),
        and_(Payout.state == "done", PaymentCase.resolved_at.is_(None)),
    )
    for payout_id in db.session().scalars(cases.where(wrong)):
        yield f"payout {payout_id} and its case disagree"


def l7_promises_are_covered() -> Iterator[str]:
    """L7: no sub-account holds less than its open payouts still have to take."""
    promised = select(Payout.sub_account_id).where(
        Payout.state == "open", Payout.sub_account_id.is_not(None)
    )
    for row in db.session().scalars(select(SubAccount).where(SubAccount.id.in_(promised))):
        if row.balance_fen < (held := held_fen(row.id)):
            yield f"sub-account {row.id} holds {row.balance_fen} of {held} promised"


def _sum_of(condition: Any) -> Any:
    return func.coalesce(func.sum(case((condition, PayoutLeg.amount_fen), else_=0)), 0)


CHECKS = (
    ("L7", L7, l7_promises_are_covered),
    ("P5", P5, p5_numbers_and_parameters),
    ("P5", P5, p5_states_and_facts_agree),
    ("P5", P5, p5_within_what_was_paid),
    ("P5", P5, p5_booked_as_paid),
    ("P5", P5, p5_cases_end_with_their_return),
)
