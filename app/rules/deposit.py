"""How much may be deposited now (clause 4.1)."""

from datetime import date

from app.money import yuan
from app.rules.periods import add_months, month_start
from app.rules.policy import Policy
from app.rules.refusal import Refusal, refuse


def refusals_to_order(
    amount_fen: int,
    *,
    reserved_in_month_fen: int,
    policy: Policy,
    on: date,
    month_max_fen: int | None = None,
) -> tuple[Refusal, ...]:
    """Every reason against a deposit of this amount in the calendar month of `on`.

    `reserved_in_month_fen` is what that month already holds, credited or awaiting payment. Where
    the rest of the month is below the smallest deposit, no amount is possible and the worker is
    told from which day it is. `month_max_fen` is a limit decided for this person and month, in
    place of the policy's.
    """
    deposit = policy.deposit
    most = deposit.max_per_calendar_month_fen if month_max_fen is None else month_max_fen
    remaining = max(0, most - reserved_in_month_fen)
    facts = {
        "min_yuan": yuan(deposit.min_per_order_fen),
        "max_yuan": yuan(most),
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
