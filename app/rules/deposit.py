"""How much may be deposited now (clause 4.1)."""

from datetime import date

from app.money import yuan
from app.rules.periods import add_months, month_start
from app.rules.policy import Policy
from app.rules.refusal import Refusal, refuse


def remaining_in_month_fen(*, reserved_in_month_fen: int, policy: Policy) -> int:
    """What the calendar month still has room for, after what is credited or reserved in it."""
    return max(0, policy.deposit.max_per_calendar_month_fen - reserved_in_month_fen)


def refusals_to_order(
    amount_fen: int, *, reserved_in_month_fen: int, policy: Policy, on: date
) -> tuple[Refusal, ...]:
    """Every reason against a deposit of this amount in the calendar month of `on`.

    `reserved_in_month_fen` is what that month already holds, credited or awaiting payment. Where
    the rest of the month is below the smallest deposit, no amount is possible and the worker is
    told from which day it is.
    """
    deposit = policy.deposit
    remaining = remaining_in_month_fen(reserved_in_month_fen=reserved_in_month_fen, policy=policy)
    facts = {
        "min_yuan": yuan(deposit.min_per_order_fen),
        "max_yuan": yuan(deposit.max_per_calendar_month_fen),
        "reserved_yuan": yuan(reserved_in_month_fen),
        "remaining_yuan": yuan(remaining),
        "amount_yuan": yuan(amount_fen),
        "from_on": add_months(month_start(on), 1),
    }
    codes: list[str] = []
    if amount_fen < deposit.min_per_order_fen:
        codes.append("deposit-below-minimum")
    if remaining < deposit.min_per_order_fen:
        codes.append("deposit-month-full")
    elif amount_fen > remaining:
        codes.append("deposit-above-month-maximum")
    return tuple(refuse(code, field="amount_fen", **facts) for code in codes)
