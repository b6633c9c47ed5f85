"""What a run promises to have been through; a shorter one may break promises, and says so."""

from __future__ import annotations

from tests.sim.operations import OPERATIONS
from tests.sim.paying_in import FORGED, WRONG
from tests.sim.paying_out import ABOUT_OTHER_MONEY
from tests.sim.weather import AT_WECHAT, LOST_ANSWER, LOST_CALL
from tests.sim.world import Happened

FAULTS = (
    *AT_WECHAT,
    *(LOST_CALL, LOST_ANSWER, "a process dies"),
    *(f"notice: wrong {each}" for each in WRONG),
    *(f"notice: forged ({each})" for each in FORGED),
    *("notice: of a payment nobody made", "notice: stale", "notice: out of order"),
    *(
        f"{kind} notice: wrong {next(iter(each))}"
        for kind, changed in ABOUT_OTHER_MONEY.items()
        for each in changed
    ),
)
STATES = (
    *("order created", "order prepaid", "order credited", "order closed"),
    *(
        f"leg {channel} {state}"
        for channel in ("refund", "transfer")
        for state in ("ready", "unknown", "processing", "waiting-for-money", "succeeded", "failed")
    ),
    *("leg refund abnormal", "leg transfer waiting-for-payee"),
    *("case unconfirmed credited", "case unconfirmed suspended", "case unconfirmed explained"),
    *("case suspended open", "case suspended returned-to-payer"),
    *("case payout-unsettled succeeded", "case payout-unsettled failed"),
)
OUTCOMES = (
    ("order", "201 pending"),
    ("order", "503 wechat-unavailable"),
    ("pay", "paid"),
    ("pay", "409 order-closed"),
    ("pay", "409 order-expired"),
    ("pay", "dismissed"),
    ("cancel", "409 deposit-already-paid"),
    ("notice", "204 credited"),
    ("notice", "204 already-recorded"),
    ("notice", "204 unconfirmed"),
    ("wrong notice", "204 unconfirmed"),
    ("stray payment", "to an order"),
    ("stray payment", "to no order"),
    ("follow up payments", "credited"),
    ("follow up payments", "suspended"),
    ("withdraw", "approved"),
    ("give back", "approved"),
    ("payout notice", "204 leg-recorded"),
    ("close the day", "sealed"),
)


def broken_promises(happened: Happened) -> list[str]:
    """What was promised and not reached, by name."""
    outcomes = [f"{name}: {word}" for name, word in OUTCOMES if not happened.histogram[name, word]]
    faults = [each for each in FAULTS if not happened.faults[each]]
    states = [each for each in STATES if not happened.states[each]]
    done = {name for name, _ in happened.histogram}
    undone = [each.name for each in OPERATIONS if each.name not in done]
    return [*undone, *outcomes, *faults, *states]
