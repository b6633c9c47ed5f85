"""What the accountant asks every morning: is there enough at WeChat for what is to be paid out?

Refunds draw on the basic account (what was collected and not yet settled to the bank), transfers
on the operating account, which only a top-up fills.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from app import wechat
from app.db import db, reading
from app.ledger import balances, chart
from app.models import PayoutLeg
from app.money import Fen
from app.wechat.funds import BASIC, OPERATION

# Sent and not refused: WeChat has taken the money for it already.
_STILL_TO_DRAW = ("ready", "unknown", "waiting-for-money")


@dataclass(frozen=True)
class FundsView:
    """Fen; `*_due_fen` is what waits to be drawn, `top_up_*_fen` what is missing for it.

    `in_transit_fen` and `operating_fen` are the books' own word (10109, 10108).
    """

    asked_at: datetime
    available_fen: Fen
    unsettled_fen: Fen
    operating_available_fen: Fen
    in_transit_fen: Fen
    operating_fen: Fen
    refunds_due_fen: Fen
    transfers_due_fen: Fen
    bank_due_fen: Fen
    forecast_fen: Fen
    top_up_basic_fen: Fen
    top_up_operating_fen: Fen


def funds(*, at: datetime) -> FundsView:
    """Balances at WeChat and what is to leave them; raises `WechatUnavailable`, `WechatRefused`."""
    basic = wechat.pay().funds.balance(BASIC)
    operation = wechat.pay().funds.balance(OPERATION)

    with reading():
        due = _due()
        booked = {line.code: line.debit_fen - line.credit_fen for line in balances.trial_balance()}
    forecast = basic.available_amount + basic.pending_amount - due["refund"]
    return FundsView(
        asked_at=at,
        available_fen=basic.available_amount,
        unsettled_fen=basic.pending_amount,
        operating_available_fen=operation.available_amount,
        in_transit_fen=booked.get(chart.WECHAT_IN_TRANSIT, 0),
        operating_fen=booked.get(chart.WECHAT_OPERATING, 0),
        refunds_due_fen=due["refund"],
        transfers_due_fen=due["transfer"],
        bank_due_fen=due["bank"],
        forecast_fen=forecast,
        top_up_basic_fen=max(0, -forecast),
        top_up_operating_fen=max(0, due["transfer"] - operation.available_amount),
    )


def _due() -> dict[str, Fen]:
    rows = db.session().execute(
        select(PayoutLeg.channel, func.sum(PayoutLeg.amount_fen))
        .where(PayoutLeg.state.in_(_STILL_TO_DRAW))
        .group_by(PayoutLeg.channel)
    )
    found = {channel: int(fen) for channel, fen in rows}
    return {channel: found.get(channel, 0) for channel in ("refund", "transfer", "bank")}
