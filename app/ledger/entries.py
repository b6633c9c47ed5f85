"""Money moves only through here: one function per business event, in accountants' words.

Every docstring gives the entry. Events are valued on the Shanghai day they happened at WeChat or
the bank, and booked on the open accounting day.
"""

from collections.abc import Sequence
from datetime import date, datetime

from app import clock
from app.ledger import chart
from app.ledger.posting import Event, Line, post
from app.models import Journal, ManualJournal, SubAccount, WechatPayment


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
