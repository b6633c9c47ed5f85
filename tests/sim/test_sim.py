"""Chance acts for a while, and truth and ledger agree; what is broken on purpose is noticed.

PostgreSQL takes twice as long for an operation, and is asked for a quarter of them: that everything
promised was reached is asked of SQLite's run alone.
"""

from __future__ import annotations

import pytest

from app.services import payments
from tests.api.asking import on_sqlite_alone
from tests.house import House
from tests.ledger.ruined import dialect, owner_of
from tests.sim.promises import broken_promises
from tests.sim.run import LedgerIsWrong, begin, check_in_calm, run
from tests.sim.world import Sim

SEED = 1
OPERATIONS = {"sqlite": 2_000, "postgresql": 500}
# What chance meets changes with every statement of the service: a run that has not been through
# everything it promises goes on a while.
AT_MOST = 4_000


def test_truth_and_ledger_agree_after_whatever_chance_did(house: House) -> None:
    kind = dialect(house)
    asked, is_whole = OPERATIONS[kind], kind == "sqlite"
    at_most = AT_MOST if is_whole else asked

    result = run(house, operations=asked, seed=SEED, check_every=400, at_most=at_most)

    assert result.happened.operations >= asked
    assert result.collected_fen > result.refunded_fen > 0
    assert result.transferred_fen > 0
    assert not is_whole or broken_promises(result.happened) == []


@on_sqlite_alone
def test_the_same_seed_takes_the_same_way(house: House) -> None:
    ways = []
    for seed in (7, 7, 8):
        house.reset()
        ways.append(run(house, operations=120, seed=seed).trace_hash)

    assert ways[0] == ways[1] != ways[2]


@on_sqlite_alone
def test_a_notice_believed_too_easily_is_noticed(
    house_to_break: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = payments.differences
    monkeypatch.setattr(
        payments,
        "differences",
        lambda paid, order: [each for each in plain(paid, order) if each.field != "amount"],
    )

    with pytest.raises(LedgerIsWrong, match="fen are not WeChat's"):
        run(house_to_break, operations=400, seed=SEED, check_every=50)


@on_sqlite_alone
def test_a_payment_nobody_books_is_noticed(
    house_to_break: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payments, "_suspend", lambda *_: payments.SUSPENDED)

    with pytest.raises(LedgerIsWrong, match="0 times in the books"):
        run(house_to_break, operations=150, seed=SEED)


def test_a_fen_that_the_databases_owner_moves_is_noticed(house_to_break: House) -> None:
    sim = Sim(house_to_break, SEED)
    with sim.inside.living():
        begin(sim)
        check_in_calm(sim)
        with owner_of(house_to_break) as owner, owner.triggers_aside():
            owner.run(["UPDATE posting SET amount_fen = amount_fen + 1 WHERE id = 1"])

        with pytest.raises(LedgerIsWrong, match="account 10109"):
            check_in_calm(sim)
