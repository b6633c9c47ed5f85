"""WeChat's truth against our books, to the fen.

At any moment the books hold nothing that WeChat does not: `false_entries`. When nothing moves any
more they hold all of it: `missing_entries`. Settlement to the bank, fees and top-ups are booked
nowhere yet, so account 10109 is compared with what was collected less what was refunded, and
10108 with what transfers carried away.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from app.models import (
    FundAccount,
    Journal,
    PaymentCase,
    PaymentOrder,
    Payout,
    PayoutLeg,
    Posting,
    SubAccount,
    WechatPayment,
)
from tests.sim.world import Sim

IN_TRANSIT, OPERATING, SUSPENSE, FLEXIBLE = "10109", "10108", "21901", "20102"
_SIDES = {
    "deposit-received": (IN_TRANSIT, FLEXIBLE),
    "payment-suspended": (IN_TRANSIT, SUSPENSE),
}
_OUT_OF = {"refund": IN_TRANSIT, "transfer": OPERATING}


@dataclass(frozen=True)
class Truth:
    """What WeChat knows: payments by transaction, refunds and transfers by our number."""

    payments: dict[str, int]
    refunds: dict[str, tuple[int, str]]
    transfers: dict[str, tuple[int, str]]

    def sent(self, channel: str) -> dict[str, tuple[int, str]]:
        """What went out over this channel."""
        return self.refunds if channel == "refund" else self.transfers


def truth_of(sim: Sim) -> Truth:
    """WeChat's books as they stand now."""
    books = sim.house.books()
    transfers = sim.inside.control("GET", "transfers")["transfers"]
    return Truth(
        {each["transaction_id"]: each["amount_total"] for each in books["transactions"]},
        {each["out_refund_no"]: (each["amount"], each["status"]) for each in books["refunds"]},
        {each["out_bill_no"]: (each["transfer_amount"], each["state"]) for each in transfers},
    )


def false_entries(sim: Sim, truth: Truth) -> list[str]:
    """What the books hold and WeChat does not, or holds otherwise."""
    return [*_false_payments(sim, truth), *_false_legs(sim, truth), *_broken(sim)]


def missing_entries(sim: Sim, truth: Truth) -> list[str]:
    """What WeChat holds and the books do not, and accounts that do not come to the same."""
    return [
        *_missing_payments(sim, truth),
        *_missing_legs(sim, truth),
        *_accounts(sim, truth),
        *_balances(sim),
        *_suspense(sim),
    ]


def _broken(sim: Sim) -> list[str]:
    return [f"verify {name}: {what}" for name, what in sim.house.broken_invariants().items()]


def _booked(sim: Sim, source_kind: str) -> dict[int, list[tuple[str, str, str, int]]]:
    """Source to its lines: (kind, debit, credit, amount)."""
    query = select(
        Journal.source_id, Journal.kind, Posting.debit_code, Posting.credit_code, Posting.amount_fen
    ).join(Posting, Posting.journal_id == Journal.id)
    lines: dict[int, list[tuple[str, str, str, int]]] = {}
    for source_id, *line in sim.house.rows(query.where(Journal.source_kind == source_kind)):
        lines.setdefault(source_id, []).append(tuple(line))
    return lines


def _false_payments(sim: Sim, truth: Truth) -> list[str]:
    found, lines = [], _booked(sim, "wechat_payment")
    for row in sim.house.rows(
        select(
            WechatPayment.id,
            WechatPayment.transaction_id,
            WechatPayment.amount_fen,
            WechatPayment.outcome,
        )
    ):
        kind = "deposit-received" if row.outcome == "credited" else "payment-suspended"
        if truth.payments.get(row.transaction_id) != row.amount_fen:
            found.append(f"payment {row.transaction_id}: {row.amount_fen} fen are not WeChat's")
        if lines.get(row.id) != [(kind, *_SIDES[kind], row.amount_fen)]:
            found.append(f"payment {row.transaction_id}: booked as {lines.get(row.id)}")
    return found


def _false_legs(sim: Sim, truth: Truth) -> list[str]:
    found, lines = [], _booked(sim, "payout_leg")
    for leg in _legs(sim):
        has_paid = leg.state == "succeeded"
        says = truth.sent(leg.channel).get(leg.provider_no)
        if has_paid and says != (leg.amount_fen, "SUCCESS"):
            found.append(f"{leg.channel} {leg.provider_no}: succeeded here, {says} at WeChat")
        if leg.state == "failed" and says is not None and says[1] == "SUCCESS":
            found.append(f"{leg.channel} {leg.provider_no}: failed here, {says} at WeChat")
        booked = [(debit, credit, fen) for _, debit, credit, fen in lines.get(leg.id, [])]
        debit = SUSPENSE if leg.purpose == "suspense-return" else FLEXIBLE
        expected = [(debit, _OUT_OF[leg.channel], leg.amount_fen)] if has_paid else []
        if booked != expected:
            found.append(f"{leg.channel} {leg.provider_no}: {leg.state}, booked as {booked}")
    return found


def _legs(sim: Sim) -> list[Any]:
    columns = PayoutLeg.id, PayoutLeg.channel, PayoutLeg.provider_no, PayoutLeg.amount_fen
    query = select(*columns, PayoutLeg.state, Payout.purpose)
    return sim.house.rows(query.join(Payout, Payout.id == PayoutLeg.payout_id))


def _missing_payments(sim: Sim, truth: Truth) -> list[str]:
    known = Counter(no for (no,) in sim.house.rows(select(WechatPayment.transaction_id)))
    return [
        f"payment {number} of {fen} fen: {known[number]} times in the books"
        for number, fen in truth.payments.items()
        if known[number] != 1
    ]


def _missing_legs(sim: Sim, truth: Truth) -> list[str]:
    stands = {leg.provider_no: leg.state for leg in _legs(sim)}
    found = [f"leg {number}: still {state}" for number, state in stands.items() if _is_open(state)]
    for number, (fen, says) in (truth.refunds | truth.transfers).items():
        expected = "succeeded" if says == "SUCCESS" else "failed"
        if stands.get(number) != expected:
            found.append(f"{number} of {fen} fen: {says} at WeChat, {stands.get(number)} here")
    return found


def _is_open(state: str) -> bool:
    return state not in ("succeeded", "failed")


def _accounts(sim: Sim, truth: Truth) -> list[str]:
    collected = sum(truth.payments.values())
    refunded = sum(fen for fen, status in truth.refunds.values() if status == "SUCCESS")
    transferred = sum(fen for fen, state in truth.transfers.values() if state == "SUCCESS")
    expected = {IN_TRANSIT: collected - refunded, OPERATING: -transferred}
    return [
        f"account {code}: {_stands(sim, code)} fen in the books, {fen} fen at WeChat"
        for code, fen in expected.items()
        if _stands(sim, code) != fen
    ]


def _stands(sim: Sim, code: str) -> int:
    """Debits less credits."""
    debit, credit = (
        sim.house.rows(select(func.coalesce(func.sum(Posting.amount_fen), 0)).where(side == code))
        for side in (Posting.debit_code, Posting.credit_code)
    )
    return int(debit[0][0]) - int(credit[0][0])


def _balances(sim: Sim) -> list[str]:
    """Each depositor has what he paid in less what reached him, and all of them have 20102."""
    paid_in = dict(
        sim.house.rows(
            select(PaymentOrder.person_id, func.sum(WechatPayment.amount_fen))
            .join(WechatPayment, WechatPayment.order_id == PaymentOrder.id)
            .where(WechatPayment.outcome == "credited")
            .group_by(PaymentOrder.person_id)
        )
    )
    reached = dict(
        sim.house.rows(
            select(Payout.sub_account_id, func.sum(PayoutLeg.amount_fen))
            .join(PayoutLeg, PayoutLeg.payout_id == Payout.id)
            .where(PayoutLeg.state == "succeeded", Payout.sub_account_id.is_not(None))
            .group_by(Payout.sub_account_id)
        )
    )
    rows = sim.house.rows(
        select(SubAccount.id, SubAccount.balance_fen, FundAccount.person_id)
        .join(FundAccount, FundAccount.id == SubAccount.account_id)
        .where(SubAccount.kind == "flexible")
    )
    found = []
    for sub_id, balance_fen, person_id in rows:
        expected = int(paid_in.pop(person_id, 0)) - int(reached.get(sub_id, 0))
        if balance_fen != expected:
            found.append(f"sub-account {sub_id}: {balance_fen} fen, should be {expected}")
    if paid_in:
        found.append(f"people {sorted(paid_in)} have paid in and have no account")
    if (total := sum(fen for _, fen, _ in rows)) != -_stands(sim, FLEXIBLE):
        found.append(f"account {FLEXIBLE}: {-_stands(sim, FLEXIBLE)} fen, depositors have {total}")
    return found


def _suspense(sim: Sim) -> list[str]:
    """What stands in 219 has an open case each, and what has none any more went back."""
    waiting = sim.house.rows(
        select(WechatPayment.amount_fen)
        .join(PaymentCase, PaymentCase.payment_id == WechatPayment.id)
        .where(
            WechatPayment.outcome == "suspended",
            PaymentCase.kind == "suspended",
            PaymentCase.resolved_at.is_(None),
        )
    )
    total, stands = sum(fen for (fen,) in waiting), -_stands(sim, SUSPENSE)
    if total == stands:
        return []
    return [f"account {SUSPENSE}: {stands} fen, but open cases wait for {total}"]
