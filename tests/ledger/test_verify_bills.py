"""P6 is checked: what the owner of the database does to a reconciled day is found."""

from __future__ import annotations

import pytest

from app.db import db
from tests.house import House
from tests.ledger.ruined import owner_of
from tests.office import seated
from tests.scenarios.bill_days import fill, moves, paid_in, reconcile
from tests.short_cuts import a_phone

# What was done, and to what.
TAMPERING = {
    "a payment that the bill does not have": (
        "DELETE FROM wechat_bill_line WHERE kind = 'trade'",
        "UPDATE wechat_bill_day SET payments_count = 0, payments_fen = 0",
    ),
    "an amount in the bill": (
        "UPDATE wechat_bill_line SET amount_fen = amount_fen + 1 WHERE kind = 'trade'",
        "UPDATE wechat_bill_day SET payments_fen = payments_fen + 1 WHERE payments_count > 0",
    ),
    "a payment of another day": ("UPDATE wechat_payment SET success_at = '2026-03-03 04:00:00'",),
    "money that never came": ("DELETE FROM wechat_bill_line WHERE flow_kind = '交易'",),
    "money that came twice": (
        "UPDATE wechat_bill_line SET flow_kind = '交易', fen = 1 WHERE flow_kind = '提现'",
        "UPDATE wechat_bill_day SET settled_fen = 0",
    ),
    "a sum of the day": ("UPDATE wechat_bill_day SET refunds_fen = 1",),
    "a fee after it was booked": (
        "UPDATE wechat_bill_line SET fen = fen - 1 WHERE flow_kind = '扣除交易手续费'",
        "UPDATE wechat_bill_day SET fees_fen = fees_fen + 1 WHERE fees_fen > 0",
    ),
    "a journal of another kind": (
        "UPDATE journal SET kind = 'gift' WHERE source_kind = 'wechat_bill_day'",
    ),
    "a journal to another account": (
        "UPDATE posting SET debit_code = '10101' WHERE debit_code = '41102'",
    ),
    "a day never matched by a bill": (
        "UPDATE wechat_bill_day SET reading = 0, read_at = NULL WHERE booked_approval_id IS NULL",
    ),
    "a case opened again": ("UPDATE payment_case SET resolved_at = NULL, resolution = NULL",),
}


KEPT = "lingcun_reconciled_days"


@pytest.fixture
def town(house_to_break: House) -> House:
    """Two reconciled days, one of them booked; a difference was mended by itself."""
    house = house_to_break
    phone, _ = a_phone(house)
    house.deposit(phone, 500_000)
    [order] = house.books()["transactions"]
    settled = ("BASIC", "2026-03-03T03:00:00", "提现", -497_000, "7001", "20260302")
    fill(
        house,
        billed_fee=[(order["out_trade_no"], 3_000, "0.60%")],
        billed_move=moves(*paid_in(house, fee_fen=3_000), settled),
    )
    house.faults(bill_line_doubled=1)
    reconcile(house, "2026-03-04T10:30:00")
    reconcile(house, "2026-03-04T12:30:00")
    accountant, reviewer = seated(house, "accountant"), seated(house, "reviewer")
    reviewer.approve(accountant.propose("wechat-day-entries", "手续费", day="2026-03-02"))
    assert house.broken_invariants() == {}
    _let_go(house)
    house.database.keep(KEPT)
    return house


def test_every_tampering_with_a_reconciled_day_is_found(town: House) -> None:
    unseen = []
    for what, statements in TAMPERING.items():
        with owner_of(town) as owner, owner.triggers_aside():
            owner.run(list(statements))
        if "P6" not in town.broken_invariants():
            unseen.append(what)
        _let_go(town)
        town.database.reset(KEPT)

    assert unseen == []
    assert town.broken_invariants() == {}


def test_lines_that_could_be_changed_are_found(town: House) -> None:
    with owner_of(town) as owner, owner.triggers_aside():
        assert "P6" in town.broken_invariants()


def _let_go(house: House) -> None:
    with house.app.app_context():
        db.engine.dispose()
