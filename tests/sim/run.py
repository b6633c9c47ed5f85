"""A run: old savers, then chance, then calm; and truth held against the books on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from tests.house import House
from tests.sim.calm import calm_down
from tests.sim.operations import step
from tests.sim.promises import broken_promises
from tests.sim.truth import false_entries, missing_entries, truth_of
from tests.sim.weather import put_in_force
from tests.sim.world import Happened, Sim

OLD_SAVERS = 12
_A_YEAR = timedelta(days=366)  # older than a refund may be: what they paid leaves by transfer
_LOOK_EVERY, _MORE = 10, 200
# Between two calms the books are checked after ever more operations: checks read all of them.
_CHECK_AFTER_SHARE = 8


class LedgerIsWrong(AssertionError):
    """Truth and ledger do not agree; the last operations stand in the message."""


@dataclass(frozen=True)
class Result:
    """What a run came to."""

    seed: int
    happened: Happened
    trace_hash: str
    collected_fen: int
    refunded_fen: int
    transferred_fen: int


def run(
    house: House,
    *,
    operations: int,
    seed: int,
    told: Callable[[int], None] = lambda _: None,
    check_every: int = 200,
    calm_every: int = 5_000,
    at_most: int = 0,
) -> Result:
    """So many operations happened, and truth and ledger agree; raises `LedgerIsWrong`.

    The house must be as new. `told` hears how many operations have happened. While promises are
    broken the run goes on, until `at_most` operations have happened.
    """
    sim = Sim(house, seed)
    with sim.inside.living():
        begin(sim)
        next_check = check_every
        for number in range(1, max(operations, at_most) + 1):
            step(sim)
            if number % _LOOK_EVERY == 0:
                sim.look_around()
                told(number)
            is_enough = number >= operations and (number - operations) % _MORE == 0
            if is_enough or number % calm_every == 0:
                check_in_calm(sim)
            elif number == next_check:
                check(sim)
            if number == next_check:
                next_check += max(check_every, number // _CHECK_AFTER_SHARE)
            if is_enough and not broken_promises(sim.happened):
                break
        return _result(sim, seed)


def check(sim: Sim) -> None:
    """The books hold nothing that WeChat does not; raises `LedgerIsWrong`."""
    _complain(sim, false_entries(sim, truth_of(sim)))


def check_in_calm(sim: Sim) -> None:
    """Nothing moves any more, and the books hold all of the truth; raises `LedgerIsWrong`."""
    rounds = calm_down(sim)
    sim.record("calm", (), f"{rounds} rounds")
    sim.look_back()
    truth = truth_of(sim)
    _complain(sim, [*false_entries(sim, truth), *missing_entries(sim, truth)])


def _complain(sim: Sim, found: list[str]) -> None:
    sim.happened.checks += 1
    if found:
        after = f"after {sim.happened.operations} operations"
        told = "\n  ".join(found[:20])
        raise LedgerIsWrong(f"{after}:\n  {told}\nthe last of them:\n{''.join(sim.last)}")


def begin(sim: Sim) -> None:
    """Some have saved for long already."""
    put_in_force(sim, {})
    for _ in range(OLD_SAVERS):
        payer = sim.new_payer()
        amount_fen = 600_000
        ordered = payer.phone.order(amount_fen, key=f"{sim.rng.getrandbits(96):024x}")
        payer.phone.wechat.pay(ordered["payment_parameters"], notify=False)
        payer.phone.settle(ordered["deposit"]["deposit_id"])
    sim.inside.clock.move(_A_YEAR)
    sim.house.run_job("day-close")


def _result(sim: Sim, seed: int) -> Result:
    truth = truth_of(sim)
    return Result(
        seed=seed,
        happened=sim.happened,
        trace_hash=sim.trace_hash,
        collected_fen=sum(truth.payments.values()),
        refunded_fen=_arrived(truth.refunds),
        transferred_fen=_arrived(truth.transfers),
    )


def _arrived(sent: dict[str, tuple[int, str]]) -> int:
    return sum(fen for fen, state in sent.values() if state == "SUCCESS")
