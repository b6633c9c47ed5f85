"""After the storm: WeChat says all it has to say, jobs run until nothing changes."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from app.models import (
    Journal,
    PaymentCase,
    PaymentOrder,
    PayoutLeg,
    WechatPayment,
)
from tests.sim import weather
from tests.sim.truth import truth_of
from tests.sim.world import Sim

ROUND = timedelta(hours=7)
ROUNDS_AT_LEAST, ROUNDS_AT_MOST = 5, 40
_RUNS_AT_MOST = 100  # each takes a batch; what comes again at once is left for the next round
_PLENTY = 1_000_000_000


def calm_down(sim: Sim) -> int:
    """Nothing moves any more; answers how many rounds it took. Raises `AssertionError` if never.

    The rounds last more than a day together: as long as the service waits for a call that got
    lost, and WeChat for somebody to confirm.
    """
    weather.put_in_force(sim, {})
    sim.arrange("refunds/plan", outcome="SUCCESS", takes_s=0)
    sim.arrange("transfers/plan", path=["PROCESSING", "SUCCESS"])
    sim.arrange("merchant", retained_fen=_PLENTY)
    _tell_what_was_not_heard(sim)
    before: list[object] = []
    for number in range(1, ROUNDS_AT_MOST + 1):
        _round(sim)
        now = _standing(sim)
        if now == before and number > ROUNDS_AT_LEAST:
            return number
        before = now
    raise AssertionError(f"after {ROUNDS_AT_MOST} rounds things still move: {before}")


def _round(sim: Sim) -> None:
    sim.inside.clock.move(ROUND)
    for account in ("BASIC", "OPERATION"):
        sim.play("balances/top-up", {"account": account, "amount": _PLENTY})
    _end_what_hangs(sim)
    for job in ("follow-up-payments", "follow-up-payouts"):
        for _ in range(_RUNS_AT_MOST):
            if not sim.house.run_job(job):
                break
    for job in ("expire-approvals", "day-close"):
        sim.house.run_job(job)


def _tell_what_was_not_heard(sim: Sim) -> None:
    """WeChat sends a notice until it is taken; those of payments we know were."""
    known = {number for (number,) in sim.house.rows(select(WechatPayment.transaction_id))}
    for paid in sim.paid:
        if paid.transaction_id not in known:
            sim.tell(sim.play(f"orders/{paid.out_trade_no}/notice", {}))


def _end_what_hangs(sim: Sim) -> None:
    """People see to what WeChat cannot end by itself."""
    truth = truth_of(sim)
    for number, (_, status) in truth.refunds.items():
        if status in ("ABNORMAL", "PROCESSING"):
            sim.play(f"refunds/{number}/finish", {"outcome": "SUCCESS"})
    for number, (_, state) in truth.transfers.items():
        if state not in ("SUCCESS", "FAIL", "CANCELLED", "WAIT_USER_CONFIRM"):
            sim.play(f"transfers/{number}/finish", {"state": "SUCCESS"})


def _standing(sim: Sim) -> list[object]:
    counted: list[object] = [sim.house.rows(select(func.count()).select_from(Journal))[0][0]]
    for column in (PaymentOrder.state, PayoutLeg.state, PaymentCase.resolution):
        rows = sim.house.rows(select(column, func.count()).group_by(column))
        counted.append(sorted((str(word), count) for word, count in rows))
    return counted
