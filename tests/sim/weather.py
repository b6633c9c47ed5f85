"""What befalls everybody: time, WeChat's faults, a broken line, and jobs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from app import clock
from tests.sim.paying_in import Done
from tests.sim.world import Sim

# Switches of WeChat's side, none of which makes anybody wait, and two of the line to it.
AT_WECHAT = (
    "fail_prepay",
    "fail_query",
    "fail_refund",
    "refund_error_after_effect",
    "fail_refund_query",
    "fail_transfer",
    "transfer_error_after_effect",
    "fail_transfer_query",
)
LOST_CALL, LOST_ANSWER = "line: a call is lost", "line: an answer is lost"
JOBS = ("follow-up-payments", "follow-up-payouts")


def count_faults(sim: Sim) -> None:
    """The faults that struck since they were put in force are among those reached."""
    left: dict[str, Any] = sim.inside.wechat.faults.values()
    line = sim.inside.line
    left |= {LOST_CALL: line.lose_calls, LOST_ANSWER: line.lose_answers}
    for name, count in sim.in_force.items():
        sim.happened.faults[name] += count - left[name]
        sim.in_force[name] = left[name]
    sim.happened.faults += type(sim.happened.faults)()  # those that never struck are none


def put_in_force(sim: Sim, faults: dict[str, int]) -> None:
    """Exactly these faults are in force from now on; WeChat never tells anything by itself."""
    count_faults(sim)
    at_wechat = {name: count for name, count in faults.items() if name in AT_WECHAT}
    sim.arrange("faults", no_notice=True, **at_wechat)
    sim.inside.line.lose_calls = faults.get(LOST_CALL, 0)
    sim.inside.line.lose_answers = faults.get(LOST_ANSWER, 0)
    sim.in_force = dict(faults)


def faults(sim: Sim) -> Done:
    """WeChat is as it should be, or has a bad hour."""
    names = sim.rng.sample((*AT_WECHAT, LOST_CALL, LOST_ANSWER), sim.rng.choice((0, 0, 1, 2, 3)))
    chosen = {name: sim.rng.randint(1, 6) for name in sorted(names)}
    put_in_force(sim, chosen)
    return tuple(chosen.items()), "faults" if chosen else "no faults"


def time_passes(sim: Sim) -> Done:
    """Seconds mostly, sometimes hours, a midnight, a day."""
    kind = sim.rng.choices(
        ("seconds", "minutes", "hours", "over midnight", "a day"), (60, 25, 10, 3, 2)
    )[0]
    by = {
        "seconds": timedelta(seconds=sim.rng.randint(1, 59)),
        "minutes": timedelta(minutes=sim.rng.randint(1, 15)),
        "hours": timedelta(hours=sim.rng.randint(1, 6)),
        "over midnight": _to_midnight(sim) + timedelta(seconds=sim.rng.randint(-2, 300)),
        "a day": timedelta(days=1),
    }[kind]
    sim.inside.clock.move(by)
    return (int(by.total_seconds()),), kind


def _to_midnight(sim: Sim) -> timedelta:
    here = sim.inside.clock.at.astimezone(clock.SHANGHAI)
    tomorrow = datetime.combine(here.date() + timedelta(days=1), here.timetz().replace(0, 0, 0, 0))
    return max(tomorrow - here, timedelta(seconds=3))


def follow_up_payments(sim: Sim) -> Done:
    """The job that asks after orders and cases ran."""
    return (), sim.house.run_job("follow-up-payments")


def follow_up_payouts(sim: Sim) -> Done:
    """The job that sends payouts and asks after them ran."""
    return (), sim.house.run_job("follow-up-payouts")


def twice(sim: Sim) -> Done:
    """A job ran again the moment it had ended, as a second worker's would."""
    name = sim.rng.choice(JOBS)
    first, again = sim.house.run_job(name), sim.house.run_job(name)
    return (name, *sorted(first.items()), *sorted(again.items())), name


def day_close(sim: Sim) -> Done:
    """The days that are over are sealed."""
    return (), "sealed" if sim.house.run_job("day-close")["sealed"] else "nothing to seal"


def expire_approvals(sim: Sim) -> Done:
    """What waited too long for a decision expires."""
    return (), sim.house.run_job("expire-approvals")


def keep_at_wechat(sim: Sim) -> Done:
    """The centre leaves so much with WeChat in coming nights."""
    retained_fen = sim.rng.choice((0, 0, 0, 500_000))
    sim.arrange("merchant", retained_fen=retained_fen)
    return (retained_fen,), "arranged"
