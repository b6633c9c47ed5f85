"""Where the merchant's money lies: what was collected, taken, topped up and sent to the bank."""

import secrets
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta

from sandbox.books_platform import read_setting
from sandbox.clock import BEIJING
from sandbox.orders import Order

BASIC, OPERATION, FEES = "BASIC", "OPERATION", "FEES"
ACCOUNTS = (BASIC, OPERATION, FEES)

COLLECTED, FEE_TAKEN, FEE_RETURNED = "交易", "扣除交易手续费", "退还交易手续费"
TOPPED_UP, SETTLED = "充值", "提现"

FEE_RATE_BP, RETAINED_FEN = "fee_rate_bp", "retained_fen"
BP = 10_000
# T+1: what a day brought leaves for the bank at three in the night after it.
SETTLED_AT_HOUR = 3


class NotEnough(Exception):
    """Less lies in the account than was to be taken; nothing has moved."""


@dataclass(frozen=True)
class Reason:
    """Why money moves, in the words of a fund flow bill.

    `business_no` is WeChat's number of the business, `voucher_no` the merchant's. Money that
    comes back with the business_no with which it left is what it was before it left.
    """

    business_no: str
    name: str
    kind: str
    voucher_no: str
    note: str = ""


@dataclass(frozen=True)
class Settlement:
    """What one day's end brought to the merchant's bank; no flow number where it was nothing."""

    day: str
    fen: int
    at_s: int
    flow_no: str | None


@dataclass(frozen=True)
class _Held:
    # fresh: collected today. topped: not collected at all, so no settlement takes it.
    all_fen: int
    fresh_fen: int
    topped_fen: int


def collect(db: sqlite3.Connection, order: Order, *, at_s: int) -> None:
    """The payment lies in the basic account, less its fee, which is on record."""
    rate_bp = read_setting(db, FEE_RATE_BP) or 0
    fee_fen = half_up(order.total_fen * rate_bp, BP)
    number = order.transaction_id or ""
    _move(db, BASIC, fen=order.total_fen, at_s=at_s, fresh_fen=order.total_fen,
          reason=Reason(number, "交易", COLLECTED, order.out_trade_no))  # fmt: skip
    if fee_fen:
        _move(db, BASIC, fen=-fee_fen, at_s=at_s, fresh_fen=-fee_fen,
              reason=Reason(number, "交易", FEE_TAKEN, order.out_trade_no))  # fmt: skip
    rate = f"{rate_bp // 100}.{rate_bp % 100:02d}%"
    db.execute("INSERT INTO order_fee VALUES (?, ?, ?)", (order.out_trade_no, fee_fen, rate))


def take(
    db: sqlite3.Connection, account: str, *, fen: int, at_s: int, reason: Reason,
    only_settled: bool = False,
) -> None:  # fmt: skip
    """The money has left the account. Raises NotEnough.

    What was collected today goes first, and with `only_settled` not at all.
    """
    settle_due(db, at_s=at_s)
    held = _held(db, account, at_s=at_s)
    fresh_fen = 0 if only_settled else min(fen, held.fresh_fen)
    if fen > held.all_fen or fen - fresh_fen > held.all_fen - held.fresh_fen:
        raise NotEnough(account)
    topped_fen = max(0, fen - (held.all_fen - held.topped_fen))
    if only_settled:
        topped_fen = max(0, fen - (held.all_fen - held.fresh_fen - held.topped_fen))
    _move(db, account, fen=-fen, at_s=at_s, reason=reason,
          fresh_fen=-fresh_fen, topped_fen=-topped_fen)  # fmt: skip


def put(db: sqlite3.Connection, account: str, *, fen: int, at_s: int, reason: Reason) -> None:
    """The money lies in the account."""
    settle_due(db, at_s=at_s)
    topped_fen = fen
    if reason.kind != TOPPED_UP:
        row = db.execute(
            "SELECT coalesce(-sum(topped_fen), 0) AS fen FROM move WHERE business_no = ?",
            (reason.business_no,),
        ).fetchone()
        topped_fen = max(0, min(fen, row["fen"]))
    _move(db, account, fen=fen, at_s=at_s, reason=reason, topped_fen=topped_fen)


def available(db: sqlite3.Connection, account: str, *, at_s: int) -> int:
    """The fen of the account are returned, without what was collected today."""
    settle_due(db, at_s=at_s)
    held = _held(db, account, at_s=at_s)
    return held.all_fen - held.fresh_fen


def unsettled(db: sqlite3.Connection, *, at_s: int) -> int:
    """The fen of the basic account that were collected today are returned."""
    settle_due(db, at_s=at_s)
    return _held(db, BASIC, at_s=at_s).fresh_fen


def at_end_of(db: sqlite3.Connection, account: str, day: date, *, at_s: int) -> tuple[int, int]:
    """What was available, and what was unsettled, when that past day ended is returned."""
    settle_due(db, at_s=at_s)
    start_s, end_s = _midnight_s(day), _midnight_s(day + timedelta(days=1))
    fresh_fen = _sum(db, account, "fresh_fen", from_s=start_s, until_s=end_s)
    return _sum(db, account, "fen", until_s=end_s) - fresh_fen, fresh_fen


def settle_due(db: sqlite3.Connection, *, at_s: int) -> None:
    """Every past day is settled, once: what it left above the retained sum is at the bank.

    What was topped up stays, until refunds have used it. A payment dated back into a day that
    is settled already leaves with the next one.
    """
    for day in _days_due(db, at_s=at_s):
        end = day + timedelta(days=1)
        left_at_s = _midnight_s(end) + SETTLED_AT_HOUR * 3600
        # Whatever came since midnight is of the next day, less what a refund has used of it.
        lying_fen = _sum(db, BASIC, "fen", until_s=left_at_s) - _sum(
            db, BASIC, "fresh_fen", from_s=_midnight_s(end), until_s=left_at_s
        )
        topped_fen = _sum(db, BASIC, "topped_fen", until_s=left_at_s)
        fen = max(0, lying_fen - max(topped_fen, read_setting(db, RETAINED_FEN) or 0))
        flow_no = None
        if fen:
            reason = Reason(f"7{_digits(21)}", "提现", SETTLED, f"{day:%Y%m%d}", "T+1自动提现")
            flow_no = _move(db, BASIC, fen=-fen, at_s=left_at_s, reason=reason)
        db.execute(
            "INSERT INTO settlement VALUES (?, ?, ?, ?)", (day.isoformat(), fen, left_at_s, flow_no)
        )


def settlements(db: sqlite3.Connection, *, at_s: int) -> list[Settlement]:
    """Every day's settlement is returned, the oldest first."""
    settle_due(db, at_s=at_s)
    return [Settlement(**row) for row in db.execute("SELECT * FROM settlement ORDER BY day")]


def balances(db: sqlite3.Connection, *, at_s: int) -> dict[str, dict[str, int]]:
    """What lies where is returned, by account."""
    found = {
        account.lower(): {"available_fen": available(db, account, at_s=at_s)}
        for account in ACCOUNTS
    }
    found["basic"]["unsettled_fen"] = unsettled(db, at_s=at_s)
    return found


def fee_of(db: sqlite3.Connection, out_trade_no: str) -> int:
    """The fee of that payment is returned."""
    row = db.execute(
        "SELECT fee_fen FROM order_fee WHERE out_trade_no = ?", (out_trade_no,)
    ).fetchone()
    return int(row["fee_fen"]) if row else 0


def half_up(counted: int, by: int) -> int:
    """The quotient is returned, a half rounded up; both must be positive or zero."""
    return (2 * counted + by) // (2 * by)


def _days_due(db: sqlite3.Connection, *, at_s: int) -> Iterator[date]:
    row = db.execute(
        "SELECT (SELECT max(day) FROM settlement) AS last,"
        " (SELECT min(at_s) FROM move WHERE account = ?) AS first_s",
        (BASIC,),
    ).fetchone()
    if row["first_s"] is None:
        return
    day = _day(row["first_s"])
    if row["last"] is not None:
        day = date.fromisoformat(row["last"]) + timedelta(days=1)
    while at_s >= _midnight_s(day + timedelta(days=1)) + SETTLED_AT_HOUR * 3600:
        yield day
        day += timedelta(days=1)


def _held(db: sqlite3.Connection, account: str, *, at_s: int) -> _Held:
    today = _day(at_s)
    fresh_fen = _sum(
        db, account, "fresh_fen", from_s=_midnight_s(today),
        until_s=_midnight_s(today + timedelta(days=1)),
    )  # fmt: skip
    return _Held(_sum(db, account, "fen"), fresh_fen, _sum(db, account, "topped_fen"))


def _sum(
    db: sqlite3.Connection, account: str, column: str, *, from_s: int = 0, until_s: int = 2**62
) -> int:
    row = db.execute(
        f"SELECT coalesce(sum({column}), 0) AS fen FROM move"  # noqa: S608 - our own three words
        " WHERE account = ? AND at_s >= ? AND at_s < ?",
        (account, from_s, until_s),
    ).fetchone()
    return int(row["fen"])


def _move(
    db: sqlite3.Connection, account: str, *, fen: int, at_s: int, reason: Reason,
    fresh_fen: int = 0, topped_fen: int = 0,
) -> str:  # fmt: skip
    flow_no = f"4{_digits(24)}"
    values = asdict(reason) | {"account": account, "at_s": at_s, "flow_no": flow_no, "fen": fen}
    values |= {"fresh_fen": fresh_fen, "topped_fen": topped_fen}
    db.execute(
        "INSERT INTO move (account, at_s, business_no, flow_no, name, kind, fen, note, voucher_no,"
        " fresh_fen, topped_fen) VALUES (:account, :at_s, :business_no, :flow_no, :name, :kind,"
        " :fen, :note, :voucher_no, :fresh_fen, :topped_fen)",
        values,
    )
    return flow_no


def _day(at_s: int) -> date:
    return datetime.fromtimestamp(at_s, UTC).astimezone(BEIJING).date()


def _midnight_s(day: date) -> int:
    return int(datetime.combine(day, time(), BEIJING).timestamp())


def _digits(count: int) -> str:
    return f"{secrets.randbelow(10**count):0{count}d}"
