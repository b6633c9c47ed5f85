"""What can happen, how often, and in which of it a process may die half-way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from tests.sim import paying_in, paying_out, weather
from tests.sim.paying_in import Done
from tests.sim.world import Sim

# One in so many operations that the service works in is one in which its process dies.
_DEATH_IN = 12
_POINTS = 45


@dataclass(frozen=True)
class Operation:
    """Something that can happen; the service is at work in it, unless WeChat alone is."""

    name: str
    weight: int
    act: Callable[[Sim], Done]
    is_service_at_work: bool = True


OPERATIONS = (
    Operation("a worker joins", 3, paying_in.somebody_joins, is_service_at_work=False),
    Operation("order", 12, paying_in.order),
    Operation("order again, same key", 3, paying_in.order_again),
    Operation("order otherwise, same key", 1, paying_in.order_otherwise),
    Operation("pay", 13, paying_in.pay, is_service_at_work=False),
    Operation("cancel", 2, paying_in.cancel),
    Operation("settle by phone", 5, paying_in.settle),
    Operation("stray payment", 3, paying_in.stray, is_service_at_work=False),
    Operation("notice", 9, paying_in.notice),
    Operation("wrong notice", 3, paying_in.wrong_notice),
    Operation("notice of nothing", 1, paying_in.unknown_notice),
    Operation("forged notice", 2, paying_in.forged_notice),
    Operation("notice leaves", 2, paying_in.keep_notice, is_service_at_work=False),
    Operation("late notice", 2, paying_in.late_notice),
    Operation("withdraw", 6, paying_out.withdraw),
    Operation("give back", 2, paying_out.give_back),
    Operation("explain", 1, paying_out.explain),
    Operation("decide", 3, paying_out.decide),
    Operation("plan refunds", 2, paying_out.plan_refunds, is_service_at_work=False),
    Operation("finish refund", 2, paying_out.finish_refund, is_service_at_work=False),
    Operation("plan transfers", 1, paying_out.plan_transfers, is_service_at_work=False),
    Operation("confirm transfer", 4, paying_out.confirm),
    Operation("finish transfer", 1, paying_out.finish_transfer, is_service_at_work=False),
    Operation("payout notice", 5, paying_out.payout_notice),
    Operation("wrong payout notice", 2, paying_out.wrong_payout_notice),
    Operation("top up", 1, paying_out.top_up, is_service_at_work=False),
    Operation("keep at WeChat", 1, weather.keep_at_wechat, is_service_at_work=False),
    Operation("faults", 6, weather.faults, is_service_at_work=False),
    Operation("time passes", 16, weather.time_passes, is_service_at_work=False),
    Operation("follow up payments", 8, weather.follow_up_payments),
    Operation("follow up payouts", 8, weather.follow_up_payouts),
    Operation("a job twice", 2, weather.twice),
    Operation("close the day", 2, weather.day_close),
    Operation("expire approvals", 1, weather.expire_approvals),
)
_WEIGHTS = [each.weight for each in OPERATIONS]


def step(sim: Sim) -> None:
    """One thing more has happened, a few seconds after the last."""
    sim.inside.clock.move(timedelta(seconds=sim.rng.randint(1, 3)))
    operation = sim.rng.choices(OPERATIONS, _WEIGHTS)[0]
    sim.happened.operations += 1
    if operation.is_service_at_work and sim.rng.randrange(_DEATH_IN) == 0:
        with sim.inside.death.at(sim.rng.randint(1, _POINTS)):
            sim.attempt(operation.name, operation.act)
    else:
        sim.attempt(operation.name, operation.act)
