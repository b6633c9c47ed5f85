"""Who may join the pilot (clauses 1.1 to 1.4), every reason against at once."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from app.rules.periods import add_months
from app.rules.policy import EligibilityPolicy, Policy, RetirementCategory
from app.rules.refusal import Refusal, refuse

Sex = Literal["M", "F"]

_REFORM_MONTH = 2025 * 12
"""January 2025, counted in months: from here the statutory age is raised step by step."""


@dataclass(frozen=True, slots=True)
class _Raise:
    """The law's table for one category: original years, months per step of one, most months."""

    original_years: int
    months_per_step: int
    delay_months_max: int


_RAISES: dict[RetirementCategory, _Raise] = {
    "M": _Raise(60, 4, 36),
    "F55": _Raise(55, 4, 36),
    "F50": _Raise(50, 2, 60),
}
"""Decision of the NPC Standing Committee of 2024-09-13: law of the land, not pilot policy."""


@dataclass(frozen=True, slots=True)
class Retirement:
    """When the law retires a person."""

    delay_months: int
    """Months added to the original age."""
    age_months: int
    """Statutory age in months."""
    month: tuple[int, int]
    """Year and month of reaching it."""
    until_on: date
    """First day on which the person is of retirement age; the day before is still below it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applicant:
    """What a worker says and his identity number shows, on applying."""

    birth_on: date
    sex: Sex
    work_kind: str
    district: str
    works_in_city: bool
    draws_pension: bool
    own_labour_income: bool | None = None
    """Main living source is own labour; None: not asked or not answered. Asked below 18."""
    retirement_category: RetirementCategory | None = None
    """None: the category of his sex, for a woman the policy's default."""


def statutory_retirement(birth_on: date, category: RetirementCategory) -> Retirement:
    """The statutory age under the gradual raise from 2025, and the day it is reached.

    The day clips to the month's end: born on the 31st, reached on the 30th of a shorter month.
    """
    law = _RAISES[category]
    original = birth_on.year * 12 + birth_on.month - 1 + law.original_years * 12
    delay = 0
    if original >= _REFORM_MONTH:
        delay = min(law.delay_months_max, (original - _REFORM_MONTH) // law.months_per_step + 1)
    age_months = law.original_years * 12 + delay
    year, month_index = divmod(original + delay, 12)
    until_on = add_months(birth_on, age_months)
    return Retirement(delay, age_months, (year, month_index + 1), until_on)


def retirement_category_of(
    sex: Sex, chosen: RetirementCategory | None, *, policy: Policy
) -> RetirementCategory:
    """The category that counts: the chosen one if it is open to this sex, else the default."""
    if sex == "M":
        return "M"
    open_to_women: tuple[RetirementCategory, ...] = (
        ("F55", "F50") if policy.eligibility.f50_allowed else ("F55",)
    )
    return chosen if chosen in open_to_women else policy.eligibility.default_female_category


def refusals_to_join(applicant: Applicant, *, policy: Policy, on: date) -> tuple[Refusal, ...]:
    """Every reason why the applicant may not join on the day; none means he may."""
    return (
        *_age_refusals(applicant, policy.eligibility, on),
        *_retirement_refusals(applicant, policy, on),
        *_capacity_refusals(applicant, policy.eligibility, on),
        *_work_refusals(applicant, policy.eligibility),
    )


def _age_refusals(applicant: Applicant, policy: EligibilityPolicy, on: date) -> tuple[Refusal, ...]:
    from_on = add_months(applicant.birth_on, policy.age_min_years * 12)
    if on >= from_on:
        return ()
    return (refuse("under-age", age_years=policy.age_min_years, from_on=from_on),)


def _retirement_refusals(applicant: Applicant, policy: Policy, on: date) -> tuple[Refusal, ...]:
    reasons: list[Refusal] = []
    chosen = applicant.retirement_category
    if chosen is not None and (chosen == "M") != (applicant.sex == "M"):
        reasons.append(refuse("retirement-category-of-other-sex", field="retirement_category"))
    elif chosen == "F50" and not policy.eligibility.f50_allowed:
        reasons.append(refuse("retirement-category-not-offered", field="retirement_category"))
    category = retirement_category_of(applicant.sex, chosen, policy=policy)
    retirement = statutory_retirement(applicant.birth_on, category)
    if on >= retirement.until_on:
        age = _age_text(retirement.age_months)
        reasons.append(refuse("retirement-age-reached", until_on=retirement.until_on, age=age))
    if applicant.draws_pension:
        reasons.append(refuse("draws-pension", field="draws_pension"))
    return tuple(reasons)


def _age_text(age_months: int) -> str:
    years, months = divmod(age_months, 12)
    return f"{years}周岁{months}个月" if months else f"{years}周岁"


def _capacity_refusals(
    applicant: Applicant, policy: EligibilityPolicy, on: date
) -> tuple[Refusal, ...]:
    full = policy.full_capacity_years
    full_on = add_months(applicant.birth_on, full * 12)
    if on >= full_on:
        return ()
    if on < add_months(applicant.birth_on, policy.age_min_years * 12):
        return (refuse("under-age-of-capacity", age_years=policy.age_min_years),)
    if applicant.own_labour_income is None:
        field = "own_labour_income"
        return (refuse("own-labour-income-undeclared", field=field, age_years=full),)
    if not applicant.own_labour_income:
        code = "minor-without-own-labour-income"
        return (refuse(code, field="own_labour_income", age_years=full, from_on=full_on),)
    return ()


def _work_refusals(applicant: Applicant, policy: EligibilityPolicy) -> tuple[Refusal, ...]:
    reasons: list[Refusal] = []
    if applicant.work_kind not in {kind.code for kind in policy.work_kinds}:
        kinds = "、".join(kind.name for kind in policy.work_kinds)
        reasons.append(refuse("work-kind-not-covered", field="work_kind", kinds=kinds))
    if not applicant.works_in_city:
        reasons.append(refuse("works-outside-city", field="works_in_city"))
    if applicant.district not in {district.code for district in policy.districts}:
        districts = "、".join(district.name for district in policy.districts)
        reasons.append(refuse("district-not-covered", field="district", districts=districts))
    return tuple(reasons)
