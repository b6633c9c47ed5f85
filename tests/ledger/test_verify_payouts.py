"""P5 and L7: whatever is done to payouts by the database's owner is found and named."""

from __future__ import annotations

import pytest

from app.db import db
from tests.house import House
from tests.ledger.ruined import owner_of
from tests.scenarios.paying_out import Till

KEPT = "lingcun_paid_out"
# What was done, and to what.
TAMPERING: dict[str, tuple[str, ...]] = {
    "another amount": ("UPDATE payout_leg SET amount_fen = amount_fen + 1 WHERE state = 'ready'",),
    "another number": (
        "UPDATE payout_leg SET provider_no = 'RFOTHER' WHERE id ="
        " (SELECT min(id) FROM payout_leg WHERE state = 'ready')",
    ),
    "another hash": ("UPDATE payout_leg SET parameters_sha256 = 'f' WHERE state = 'ready'",),
    "parameters of another leg": (
        "UPDATE payout_leg SET parameters = (SELECT parameters FROM payout_leg"
        " WHERE state = 'succeeded' ORDER BY id LIMIT 1) WHERE state = 'ready'",
    ),
    "of another payment": (
        "UPDATE payout_leg SET payment_id = (SELECT min(id) FROM wechat_payment"
        " WHERE id <> payout_leg.payment_id) WHERE state = 'ready'",
    ),
    "sent and never called": ("UPDATE payout_leg SET state = 'processing' WHERE state = 'ready'",),
    "called before it was there": (
        "UPDATE payout_leg SET first_called_at = '2026-01-01 00:00:00' WHERE state = 'succeeded'",
    ),
    "done before it was paid": (
        "UPDATE payout SET state = 'done', ended_at = opened_at WHERE state = 'open'",
    ),
    "failed although it was paid": ("UPDATE payout SET state = 'failed' WHERE state = 'done'",),
    "a larger payout": ("UPDATE payout SET amount_fen = amount_fen + 1 WHERE state = 'open'",),
    "a leg removed": ("DELETE FROM payout_leg WHERE state = 'ready'",),
    "a journal of another amount": (
        "UPDATE posting SET amount_fen = amount_fen + 1 WHERE journal_id IN"
        " (SELECT id FROM journal WHERE kind = 'withdrawal-paid')",
    ),
    "a journal out of another account": (
        "UPDATE posting SET credit_code = '10101' WHERE journal_id IN"
        " (SELECT id FROM journal WHERE kind = 'withdrawal-paid')",
    ),
    "a journal of another kind": (
        "UPDATE journal SET kind = 'gift' WHERE kind = 'suspense-returned'",
    ),
    "a return whose case is open again": (
        "UPDATE payment_case SET resolved_at = NULL, resolution = NULL",
    ),
    "the payee's card": ("UPDATE payout SET payee_bank = '别的银行' WHERE state = 'open'",),
}
# What only the promise notices, or the approval.
NAMED_OTHERWISE = {"the payee's card": "W5", "a larger payout": "W5"}


@pytest.fixture
def town(house_to_break: House) -> House:
    """A withdrawal that was paid, one that waits, and suspended money that went back."""
    house = house_to_break
    till = Till(house, 60_000, 50_000)
    house.arrange("refunds/plan", takes_s=0)
    till.give_back()
    till.withdraw(20_000)
    till.carry_out(2)
    till.withdraw(40_000)
    assert house.broken_invariants() == {}
    _let_go(house)
    house.database.keep(KEPT)
    return house


def test_every_tampering_with_a_payout_is_found(town: House) -> None:
    unseen = []
    for what, statements in TAMPERING.items():
        with owner_of(town) as owner, owner.triggers_aside():
            owner.run(list(statements))
        if NAMED_OTHERWISE.get(what, "P5") not in town.broken_invariants():
            unseen.append(what)
        _let_go(town)
        town.database.reset(KEPT)

    assert unseen == []
    assert town.broken_invariants() == {}


def test_what_is_promised_and_no_longer_there_is_found(town: House) -> None:
    with owner_of(town) as owner, owner.triggers_aside():
        owner.run(["UPDATE sub_account SET balance_fen = 39999"])

    assert "L7" in town.broken_invariants()


def test_legs_that_could_be_changed_are_found(town: House) -> None:
    with owner_of(town) as owner, owner.triggers_aside():
        assert "P5" in town.broken_invariants()


def _let_go(house: House) -> None:
    with house.app.app_context():
        db.engine.dispose()
