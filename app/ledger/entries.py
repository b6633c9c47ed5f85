"""Money moves only through here: one function per business event, in accountants' words.

Every docstring gives the entry. Events are valued on the Shanghai day they happened at WeChat or
the bank, and booked on the open accounting day.
"""

from collections.abc import Sequence
from datetime import date, datetime

from app import clock
from app.ledger import chart
from app.ledger.posting import HOLDER, Event, Line, post
from app.models import (
    Journal,
    ManualJournal,
    PayoutLeg,
    SubAccount,
    WechatBillDay,
    WechatPayment,
)

# Where each channel takes its money from.
PAID_FROM = {
    "refund": chart.WECHAT_IN_TRANSIT,
    "transfer": chart.WECHAT_OPERATING,
    "bank": chart.BANK,
}


def deposit_received(
    payment: WechatPayment, *, into: SubAccount, actor: str, at: datetime
) -> Journal:
    """A worker's deposit stands in his sub-account (Seed §4).

    Dr 10109 WeChat in transit / Cr 20102 flexible money, valued on the day WeChat took it.
    """
    line = Line(chart.WECHAT_IN_TRANSIT, into.control_code, payment.amount_fen, into.id)
    return post(_event(payment, "deposit-received", "灵活就业人员缴存", actor, at), [line])


def payment_suspended(payment: WechatPayment, *, actor: str, at: datetime) -> Journal:
    """Money that belongs to nobody's order yet stands in suspense, with an open case.

    Dr 10109 WeChat in transit / Cr 21901 payments to be cleared.
    """
    line = Line(chart.WECHAT_IN_TRANSIT, chart.SUSPENSE, payment.amount_fen)
    return post(_event(payment, "payment-suspended", "待查收款", actor, at), [line])


def suspense_returned(leg: PayoutLeg, *, success_at: datetime, actor: str, at: datetime) -> Journal:
    """A payment that belonged to nobody's order went back to its payer.

    Dr 21901 payments to be cleared / Cr 10109 WeChat in transit, valued on the day WeChat paid.
    """
    line = Line(chart.SUSPENSE, PAID_FROM[leg.channel], leg.amount_fen)
    return post(_paid_out(leg, "suspense-returned", "待查收款退回", success_at, actor, at), [line])


def withdrawal_paid(
    leg: PayoutLeg, *, out_of: SubAccount, success_at: datetime, actor: str, at: datetime
) -> Journal:
    """A part of a withdrawal reached its owner: a withdrawal also where WeChat calls it a refund.

    Dr 20102 flexible money / Cr where the channel pays from (10109 WeChat in transit, 10108 WeChat
    operating account, 10101 bank), valued on the day the provider paid.
    """
    line = Line(out_of.control_code, PAID_FROM[leg.channel], leg.amount_fen, out_of.id)
    event = _paid_out(leg, "withdrawal-paid", "灵活就业人员提取", success_at, actor, at)
    return post(event, [line])


def wechat_day(
    source: WechatBillDay, *, lines: Sequence[Line], actor: str, at: datetime
) -> Journal:
    """What WeChat took in fees, sent to the bank and got from it, on a day that is reconciled.

    Fees Dr 41102 collection fees / Cr 10109 WeChat in transit; settlement Dr 10101 bank / Cr 10109;
    top-up Dr 10109 or 10108 WeChat operating account / Cr 10101; valued on the day of the bill.
    """
    event = Event(
        kind="wechat-day",
        reason="微信支付手续费、结算与充值",
        actor=actor,
        source_kind="wechat_bill_day",
        source_id=source.id,
        value_on=source.day,
        at=at,
    )
    return post(event, lines)


def manual_journal(
    source: ManualJournal, *, lines: Sequence[Line], value_on: date, actor: str, at: datetime
) -> Journal:
    """What an accountant proposed and another person approved stands in the books.

    Dr / Cr as its lines say, valued on the day they say.
    """
    event = Event(
        kind="manual-journal",
        reason="手工凭证",
        actor=actor,
        source_kind="manual_journal",
        source_id=source.id,
        value_on=value_on,
        at=at,
    )
    return post(event, lines)


def manual_journal_reversed(
    source: ManualJournal, *, of: Journal, lines: Sequence[Line], actor: str, at: datetime
) -> Journal:
    """A manual journal's mirror image stands in the books, valued on the same day, in red.

    Dr what was credited / Cr what was debited.
    """
    event = Event(
        kind="manual-journal-reversed",
        reason="手工凭证冲正",
        actor=actor,
        source_kind="manual_journal",
        source_id=source.id,
        value_on=of.value_on,
        at=at,
        reverses_id=of.id,
    )
    return post(event, lines)


def _event(payment: WechatPayment, kind: str, reason: str, actor: str, at: datetime) -> Event:
    return Event(
        kind=kind,
        reason=reason,
        actor=actor,
        source_kind="wechat_payment",
        source_id=payment.id,
        value_on=clock.day_of(payment.success_at),
        at=at,
    )


def _paid_out(
    leg: PayoutLeg, kind: str, reason: str, success_at: datetime, actor: str, at: datetime
) -> Event:
    return Event(
        kind=kind,
        reason=reason,
        actor=actor,
        source_kind=HOLDER,
        source_id=leg.id,
        value_on=clock.day_of(success_at),
        at=at,
    )
