"""Days of WeChat's bills: how they come about, and how the staff see them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select

from app import clock
from app.models import Journal, PaymentCase, Posting
from sandbox.world import world_of
from tests.house import House
from tests.office import seated

DAY, NEXT_DAY = "2026-03-02", "2026-03-03"
MORNING = "2026-03-03T10:30:00"
Row = dict[str, Any]

# What WeChat's books offer a bill of money that is no payment; filled by `fill`.
_PAGES = {
    "billed_refund": (
        "out_trade_no, refund_id, out_refund_no, fen, fee_fen, status, accepted_s, success_s"
    ),
    "billed_move": (
        "account, seq, at_s, business_no, flow_no, name, kind, fen, balance_fen, note, voucher_no"
    ),
    "billed_fee": "out_trade_no, fee_fen, rate",
}


def reconcile(house: House, moment: str = MORNING) -> dict[str, int]:
    """The job ran at that moment."""
    house.at(moment)
    return house.run_job("reconcile")


def bill_day(house: House, day: str = DAY) -> dict[str, Any]:
    """The day as an accountant sees it."""
    return dict(seated(house, "accountant").get(f"/bill-days/{day}"))


def cases(house: House, day: str = DAY) -> list[tuple[str, str, str | None]]:
    """(kind, WeChat's number, how it ended) of every case of the day."""
    found = bill_day(house, day)["cases"]
    return [(each["kind"], each["transaction_id"], each["resolution"]) for each in found]


def all_cases(house: House) -> list[str]:
    """The kinds of all payment cases there are, open or not."""
    return sorted(kind for (kind,) in house.rows(select(PaymentCase.kind)))


def numbers(house: House) -> list[str]:
    """WeChat's numbers of the payments it took, in their order."""
    return [str(each["transaction_id"]) for each in house.books()["transactions"]]


def instant(moment: str) -> int:
    """A moment of Beijing in Unix seconds."""
    return int(datetime.fromisoformat(f"{moment}+08:00").timestamp())


def fill(house: House, **pages: list[tuple[object, ...]]) -> None:
    """WeChat's books have exactly these rows of refunds, moves and fees."""
    sandbox = house._wechat._sandbox
    assert sandbox is not None
    with world_of(sandbox).books.open() as db:
        for name, columns in _PAGES.items():
            kinds = db.execute("SELECT type FROM sqlite_master WHERE name = ?", (name,)).fetchone()
            if kinds is not None:
                db.execute(f"DROP {kinds[0]} {name}")
            db.execute(f"CREATE TABLE {name} ({columns})")
        for name, rows in pages.items():
            marks = ", ".join("?" * len(_PAGES[name].split(",")))
            db.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)  # noqa: S608


def moves(*told: tuple[str, str, str, int, str, str]) -> list[tuple[object, ...]]:
    """Rows of `billed_move` of (account, moment, kind, fen, WeChat's number, ours).

    Each balance is the sum of what moved before.
    """
    balances: dict[str, int] = {}
    rows: list[tuple[object, ...]] = []
    for seq, (account, moment, kind, fen, number, ours) in enumerate(told, start=1):
        balances[account] = balances.get(account, 0) + fen
        at_s, flow_no = instant(moment), f"4{seq:024d}"
        balance_fen = balances[account]
        rows.append((account, seq, at_s, number, flow_no, kind, kind, fen, balance_fen, "", ours))
    return rows


def paid_in(house: House, *, fee_fen: int = 0) -> list[tuple[str, str, str, int, str, str]]:
    """The moves of every payment WeChat took, in their order, each with its fee."""
    found = []
    for paid in house.books()["transactions"]:
        local = datetime.fromisoformat(paid["success_time"]).astimezone(clock.SHANGHAI)
        moment = local.replace(tzinfo=None).isoformat()
        ours = (paid["transaction_id"], paid["out_trade_no"])
        found.append(("BASIC", moment, "交易", paid["amount_total"], *ours))
        if fee_fen:
            found.append(("BASIC", moment, "扣除交易手续费", -fee_fen, *ours))
    return found


def booked(house: House, kind: str = "wechat-day") -> list[tuple[date, str, str, int]]:
    """(value day, Dr, Cr, fen) of every line of the journals of a kind."""
    query = (
        select(Journal.value_on, Posting.debit_code, Posting.credit_code, Posting.amount_fen)
        .join(Posting, Posting.journal_id == Journal.id)
        .where(Journal.kind == kind)
        .order_by(Posting.id)
    )
    return [tuple(row) for row in house.rows(query)]


def hours_later(moment: str, hours: int) -> str:
    """That many hours after the moment."""
    return (datetime.fromisoformat(moment) + timedelta(hours=hours)).isoformat()
