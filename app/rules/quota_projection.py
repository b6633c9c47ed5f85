"""What-if: how the quota would grow under a deposit plan (clause 6.4).

The projection adds the planned deposits to the present balance and asks the live rule day by day.
It knows no interest, no withdrawal and no later policy, and says so: `projection_note`.
"""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from app.rules.balance_history import BalanceHistory
from app.rules.deposit import refusals_to_order
from app.rules.periods import add_months
from app.rules.policy import Home, Policy
from app.rules.quota import average_window, loan_quota
from app.rules.refusal import Refusal, refuse, sentence_of

PROJECTION_MONTHS_MAX = 36
"""Beyond three years a policy hardly stands, and an answer must stay short."""


@dataclass(frozen=True, slots=True)
class LumpSum:
    """One deposit on one day."""

    amount_fen: int
    on: date

    def deposits_until(self, last_on: date) -> tuple[tuple[date, int], ...]:
        """The planned (day, fen) up to and including the day."""
        return ((self.on, self.amount_fen),) if self.on <= last_on else ()


@dataclass(frozen=True, slots=True)
class Monthly:
    """The same deposit every month, on the day of `from_on`, clipped to the month's end."""

    amount_fen: int
    from_on: date

    def deposits_until(self, last_on: date) -> tuple[tuple[date, int], ...]:
        """The planned (day, fen) up to and including the day."""
        found: list[tuple[date, int]] = []
        while (day := add_months(self.from_on, len(found))) <= last_on:
            found.append((day, self.amount_fen))
        return tuple(found)


WhatIfPlan = LumpSum | Monthly


@dataclass(frozen=True, slots=True)
class ProjectedQuota:
    """The quota the plan would lead to on one day."""

    on: date
    balance_fen: int
    average_fen: int
    """Rounded for showing; the quota was computed from the exact average."""
    quota_fen: int
    months: int
    coefficient: Decimal | None


def projection_note() -> str:
    """The sentence every projection is shown with: no interest, no promise."""
    return sentence_of("projection-ignores-interest")


def projection_horizon(on: date) -> date:
    """The last day a projection made on `on` can reach."""
    return add_months(on, PROJECTION_MONTHS_MAX)


def refusals_to_plan(
    plan: WhatIfPlan,
    *,
    reserved_in_month_fen: int = 0,
    policy: Policy,
    on: date,
    month_max_fen: int | None = None,
) -> tuple[Refusal, ...]:
    """Every reason why the plan cannot be projected; its deposits obey the limits of real ones.

    `reserved_in_month_fen` is what the calendar month of `on` already holds; it counts only if
    the plan begins in that month. `month_max_fen` is a limit decided for the month of a lump sum.
    """
    first_on = _first_on(plan)
    field = "on" if isinstance(plan, LumpSum) else "from_on"
    same_month = (first_on.year, first_on.month) == (on.year, on.month)
    reserved = reserved_in_month_fen if same_month else 0
    last_on = projection_horizon(on)
    day_reasons: tuple[Refusal, ...] = ()
    if first_on < on:
        day_reasons = (refuse("plan-in-the-past", field=field, plan_on=first_on),)
    if first_on > last_on:
        day_reasons = (refuse("plan-beyond-horizon", field=field, last_on=last_on),)
    amount_reasons = refusals_to_order(
        plan.amount_fen,
        reserved_in_month_fen=reserved,
        policy=policy,
        on=min(first_on, last_on),
        month_max_fen=month_max_fen,
    )
    return day_reasons + amount_reasons


def projected_quota_series(
    *,
    balances: BalanceHistory,
    plan: WhatIfPlan | None,
    home: Home,
    policy: Policy,
    on: date,
    until_on: date,
) -> tuple[ProjectedQuota, ...]:
    """The quota today and, under the plan, on the same day of each month and at each rise.

    The first entry is today as it stands, equal to the live quota: a deposit planned for today
    shows from the next entry on. Ends with `until_on` or after `PROJECTION_MONTHS_MAX`. Without a
    plan the present balance simply stays. ValueError for a plan that begins before `on`.
    """
    if plan is not None and _first_on(plan) < on:
        raise ValueError("a plan cannot begin in the past")
    last_on = min(until_on, projection_horizon(on))
    planned = _with_plan(balances, plan, last_on)
    return tuple(
        _projected(balances if day == on else planned, home=home, policy=policy, on=day)
        for day in _projection_days(planned.first_credit_on, policy, on, last_on)
    )


def _first_on(plan: WhatIfPlan) -> date:
    return plan.on if isinstance(plan, LumpSum) else plan.from_on


def _with_plan(balances: BalanceHistory, plan: WhatIfPlan | None, last_on: date) -> BalanceHistory:
    """The history continued by the planned deposits; each comes on top of the balance now."""
    deposits = plan.deposits_until(last_on) if plan else ()
    if not deposits:
        return balances
    rows = dict(balances.changes)
    balance = balances.balance_fen
    for day, amount_fen in deposits:
        balance += amount_fen
        rows[day] = balance
    return replace(
        balances,
        balance_fen=balance,
        changes=tuple(sorted(rows.items())),
        first_credit_on=balances.first_credit_on or deposits[0][0],
    )


def _projection_days(
    first_credit_on: date | None, policy: Policy, on: date, last_on: date
) -> list[date]:
    monthly = {add_months(on, months) for months in range(PROJECTION_MONTHS_MAX + 1)}
    rises: set[date] = set()
    if first_credit_on:
        rises = {add_months(first_credit_on, rise.months) for rise in policy.quota.rises()}
    return sorted(day for day in monthly | rises if on <= day <= last_on)


def _projected(balances: BalanceHistory, *, home: Home, policy: Policy, on: date) -> ProjectedQuota:
    average = balances.average_over(average_window(on, policy))
    quota = loan_quota(
        average=average,
        first_credit_on=balances.first_credit_on,
        on=on,
        home=home,
        policy=policy,
    )
    return ProjectedQuota(
        on=on,
        balance_fen=balances.balance_on(on),
        average_fen=average.rounded_fen,
        quota_fen=quota.quota_fen,
        months=quota.months,
        coefficient=quota.coefficient,
    )
