"""What a quota answer says about itself: steps with their numbers, what is missing, what is next.

The arithmetic is in `quota`; here it only becomes sentences.
"""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction

from app.money import round_fen, yuan
from app.rules.day_product import DayProduct
from app.rules.periods import Period, add_months
from app.rules.policy import Home, QuotaPolicy
from app.rules.refusal import clause_of, sentence_of

HOME_NAMES: dict[Home, str] = {"first": "首套住房", "second": "第二套住房"}


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the formula as the worker reads it, with the clause it rests on."""

    code: str
    sentence: str
    clause: str


@dataclass(frozen=True, slots=True)
class Missing:
    """Why there is no quota yet, and the day it can come, where that is known."""

    code: str
    sentence: str
    clause: str
    from_on: date | None


@dataclass(frozen=True, slots=True)
class NextStep:
    """The next rise of the coefficient if the account stays open: the day, and to what."""

    code: str
    sentence: str
    clause: str
    from_on: date
    months: int
    coefficient: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaFacts:
    """The formula's inputs and results, exact, from which every sentence is made."""

    average: DayProduct
    window: Period
    """The days averaged."""
    first_credit_on: date | None
    """Day of the first credited deposit; None while there is none on the day asked."""
    home: Home
    multiplier: int
    months: int
    """Full months since the first credit."""
    coefficient: Decimal | None
    """None before `months_min` full months."""
    uncapped_fen_exact: Fraction
    """Average x multiplier x coefficient, unrounded; zero without a coefficient."""
    quota_fen: int
    """The answer: capped, rounded down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaExplanation(QuotaFacts):
    """A quota with all it rests on; the same inputs give the same explanation for ever."""

    on: date
    caps: tuple[str, ...]
    """Paths of the policy figures that cut the result, "quota.cap_fen"."""
    missing: tuple[Missing, ...]
    next_step: NextStep | None
    steps: tuple[Step, ...]
    policy_code: str
    policy_note: str
    home_declared_by_worker: bool = field(default=True)
    """First or second home is what the worker says; a loan application will verify it."""


def quota_steps(facts: QuotaFacts, policy: QuotaPolicy) -> tuple[Step, ...]:
    """The formula step by step; without a coefficient it ends at the months."""
    opening = (_average_step(facts), _multiplier_step(facts))
    if facts.coefficient is None or facts.first_credit_on is None:
        months = {"months": facts.months, "months_min": policy.months_min}
        return (*opening, _step("quota-step-no-coefficient", **months))
    over = facts.uncapped_fen_exact > policy.cap_fen
    uncapped_yuan = yuan(round_fen(facts.uncapped_fen_exact))
    return (
        *opening,
        _step(
            "quota-step-coefficient",
            first_credit_on=facts.first_credit_on,
            months=facts.months,
            coefficient=facts.coefficient,
        ),
        _step(
            "quota-step-product",
            product_yuan=yuan(facts.average.product_fen_days),
            days=facts.average.days,
            multiplier=facts.multiplier,
            coefficient=facts.coefficient,
            uncapped_yuan=uncapped_yuan,
        ),
        _step(
            "quota-step-capped" if over else "quota-step-not-capped",
            uncapped_yuan=uncapped_yuan,
            cap_yuan=yuan(policy.cap_fen),
        ),
        _step(
            "quota-step-rounded",
            unit_yuan=yuan(policy.rounding_unit_fen),
            quota_yuan=yuan(facts.quota_fen),
        ),
    )


def quota_missing(facts: QuotaFacts, policy: QuotaPolicy) -> tuple[Missing, ...]:
    """Every reason why the quota is zero; none while there is one."""
    if facts.first_credit_on is None:
        return (_missing("quota-needs-first-deposit", None, months_min=policy.months_min),)
    found: list[Missing] = []
    if facts.coefficient is None:
        from_on = add_months(facts.first_credit_on, policy.months_min)
        months = {"months": facts.months, "months_min": policy.months_min}
        found.append(_missing("quota-needs-months", from_on, **months))
    if not facts.average.product_fen_days:
        found.append(_missing("quota-needs-balance", None, days=facts.average.days))
    elif not facts.quota_fen and not found:
        unit_yuan = yuan(policy.rounding_unit_fen)
        found.append(_missing("quota-below-rounding-unit", None, unit_yuan=unit_yuan))
    return tuple(found)


def next_rise(facts: QuotaFacts, policy: QuotaPolicy) -> NextStep | None:
    """The next day the coefficient rises; None at the top, or before the first deposit."""
    if facts.first_credit_on is None:
        return None
    code = "quota-coefficient-rises"
    for rise in policy.rises():
        if rise.months > facts.months:
            from_on = add_months(facts.first_credit_on, rise.months)
            sentence = sentence_of(
                code, from_on=from_on, months=rise.months, coefficient=rise.coefficient
            )
            return NextStep(code, sentence, clause_of(code), from_on, rise.months, rise.coefficient)
    return None


def _average_step(facts: QuotaFacts) -> Step:
    return _step(
        "quota-step-average",
        days=facts.average.days,
        first_on=facts.window.from_on,
        last_on=facts.window.last_on,
        product_yuan=yuan(facts.average.product_fen_days),
        average_yuan=yuan(facts.average.rounded_fen),
    )


def _multiplier_step(facts: QuotaFacts) -> Step:
    home = HOME_NAMES[facts.home]
    return _step("quota-step-multiplier", home=home, multiplier=facts.multiplier)


def _step(code: str, **facts: object) -> Step:
    return Step(code, sentence_of(code, **facts), clause_of(code))


def _missing(code: str, from_on: date | None, **facts: object) -> Missing:
    if from_on is not None:
        facts["from_on"] = from_on
    return Missing(code, sentence_of(code, **facts), clause_of(code), from_on)
