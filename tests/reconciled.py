"""A day of WeChat's bills written straight into the tables, as the job leaves it."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import WechatBillDay, WechatBillLine
from tests.short_cuts import noon

# Before anybody deposited: nothing happened but a fee.
DAY = date(2026, 2, 27)
FEE_FEN = 60


def a_reconciled_day(session: Session) -> str:
    """A day of the house's past that is reconciled, with a fee to book; written once."""
    if session.scalar(select(WechatBillDay.id).where(WechatBillDay.day == DAY)) is not None:
        return DAY.isoformat()
    read_at = noon(DAY + timedelta(days=1))
    row = WechatBillDay(
        day=DAY,
        state="reconciled",
        tries=0,
        next_at=read_at,
        reading=1,
        trade_sha1="",
        basic_sha1="0" * 40,
        operation_sha1="",
        payments_count=0,
        payments_fen=0,
        refunds_count=0,
        refunds_fen=0,
        fees_fen=FEE_FEN,
        settled_fen=0,
        topped_up_fen=0,
        read_at=read_at,
        matched_at=read_at,
    )
    session.add(row)
    session.flush()
    session.add(
        WechatBillLine(
            bill_day_id=row.id,
            reading=1,
            kind="BASIC",
            line=1,
            moment=noon(DAY),
            business_no="4200",
            flow_no="1",
            name="扣除交易手续费",
            flow_kind="扣除交易手续费",
            fen=-FEE_FEN,
            balance_fen=0,
            voucher_no="",
        )
    )
    session.flush()
    return DAY.isoformat()
