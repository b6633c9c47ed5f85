"""What a worker could borrow: daily average balance x multiplier x coefficient (6.2, 6.3).

Exact from the balance-day product to the cap; rounded once, down, to the policy's unit.
"""

from dataclasses import fields
from datetime import date, timedelta
from fractions import Fraction

from app.rules.day_product import DayProduct
from app.rules.periods import Period, full_months
from app.rules.policy import Home, Policy
from app.rules.quota_explained import (
    Missing,
    NextStep,
    QuotaExplanation,
    QuotaFacts,
    Step,
    next_rise,
    quota_missing,
    quota_steps,
)

__all__ = [
    "DayProduct",
    "Home",
    "Missing",
    "NextStep",
    "QuotaExplanation",
    "Step",
    "average_window",
    "loan_quota",
]


def average_window(on: date, policy: Policy) -> Period:
    """The days whose closing balances are averaged: `on` is the last of them.

    Days before the account opened count as zero; `on` counts with its present balance.
    """
    first_on = on - timedelta(days=policy.quota.window_days - 1)
    return Period(first_on, on + timedelta(days=1))


def loan_quota(
    *,
    average: DayProduct,
    first_credit_on: date | None,
    on: date,
    home: Home,
    policy: Policy,
) -> QuotaExplanation:
    """The quota on the day, with every step; zero with reasons while it is not yet due.

    `average` must cover `average_window(on, policy)`. A first credit after `on` counts as none.
    """
    facts = _facts_of(average, first_credit_on, on, home, policy)
    quota = policy.quota
    return QuotaExplanation(
        **{each.name: getattr(facts, each.name) for each in fields(facts)},
        on=on,
        caps=("quota.cap_fen",) if facts.uncapped_fen_exact > quota.cap_fen else (),
        missing=quota_missing(facts, quota),
        next_step=next_rise(facts, quota),
        steps=quota_steps(facts, quota),
        policy_code=policy.code,
        policy_note=policy.note,
    )


def _facts_of(
    average: DayProduct, first_credit_on: date | None, on: date, home: Home, policy: Policy
) -> QuotaFacts:
    quota = policy.quota
    window = average_window(on, policy)
    if average.days != window.days:
        raise ValueError(f"the average covers {average.days} days, the window {window.days}")
    credited_on = first_credit_on if first_credit_on and first_credit_on <= on else None
    months = full_months(credited_on, on) if credited_on else 0
    coefficient = quota.coefficient_at(months) if credited_on else None
    multiplier = quota.multiplier(home)
    uncapped = average.as_fraction * multiplier * Fraction(coefficient or 0)
    return QuotaFacts(
        average=average,
        window=window,
        first_credit_on=credited_on,
        home=home,
        multiplier=multiplier,
        months=months,
        coefficient=coefficient,
        uncapped_fen_exact=uncapped,
        quota_fen=_rounded_down(min(uncapped, Fraction(quota.cap_fen)), quota.rounding_unit_fen),
    )


def _rounded_down(value_fen: Fraction, unit_fen: int) -> int:
    return max(0, int(value_fen // unit_fen)) * unit_fen
