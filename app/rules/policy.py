"""The ordinance's figures in force on a day, typed. Text and validation: `policy_document`.

Every figure was set by a decision, has a unit and rests on a clause of the pilot plan; code holds
none of them. Where a field's comment says "unit, clause", the unit is that of the policy file.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from app.errors import Conflict

RetirementCategory = Literal["M", "F55", "F50"]
Home = Literal["first", "second"]
Provenance = Literal["official", "press", "placeholder"]

PLACEHOLDER_NOTE = "示意数据：现行规则含尚未正式公布的数值，结果仅供演示，不作为办理依据。"


class PolicySilent(Conflict):
    """The policy in force says nothing about `section`; the use case must not guess."""

    sentence = "现行政策没有规定此事项（{section}），暂不能办理。"

    def __init__(self, section: str) -> None:
        super().__init__(section=section)
        self.section = section


class PolicyInvalid(Exception):
    """The document is no policy; `problems` names every field that is wrong, all at once."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure as published: its value, unit, clause, and where it comes from."""

    path: str
    """Section and field, "deposit.min_per_order_fen"."""
    value: object
    unit: str
    clause: str
    provenance: Provenance
    """official: an act of the centre; press: a report of one; placeholder: nobody decided it."""
    source: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a list the worker chooses from: the code programs use, the Chinese name."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class CoefficientStep:
    """From `months` full months since the first credit on, the coefficient is this."""

    months: int
    coefficient: Decimal


@dataclass(frozen=True, slots=True)
class EligibilityPolicy:
    """Who may join (clauses 1.1 to 1.4). The retirement table itself is law, not policy."""

    age_min_years: int
    """Completed years on the day of applying. Unit year, clause 1.1."""
    full_capacity_years: int
    """From this age no declaration of own labour income is asked. Unit year, clause 1.3."""
    districts: tuple[Choice, ...]
    """Where the pilot runs. Unit list, clause 1.4."""
    work_kinds: tuple[Choice, ...]
    """Kinds of flexible work it covers. Unit list, clause 1.4."""
    default_female_category: RetirementCategory
    """Retirement category of a woman who chooses none. Unit category, clause 1.2."""
    f50_allowed: bool
    """Whether a woman may choose the category of original age 50. Unit yes-no, clause 1.2."""


@dataclass(frozen=True, slots=True)
class DepositPolicy:
    """How much may be deposited (clause 4.1)."""

    min_per_order_fen: int
    """Smallest single deposit. Unit fen, clause 4.1."""
    max_per_calendar_month_fen: int
    """Most that may be credited or reserved in one calendar month. Unit fen, clause 4.1."""


@dataclass(frozen=True, slots=True)
class QuotaPolicy:
    """What may be borrowed from what was kept, and for how long (clauses 6.2 and 6.3)."""

    basis: Literal["AVG_DAILY"]
    """Which balance counts: the daily average over the window. Unit basis, clause 6.3."""
    window_days: int
    """Days averaged, the day of asking being the last. Unit day, clause 6.3."""
    multiplier_first_home: int
    """Times the average, for a first home. Unit times, clause 6.2."""
    multiplier_second_home: int
    """Times the average, for a second home. Unit times, clause 6.2."""
    months_min: int
    """Full months since the first credit before there is a quota. Unit month, clause 6.2."""
    coefficients: tuple[CoefficientStep, ...]
    """Coefficient by full months since the first credit. Unit month-coefficient, clause 6.2."""
    cap_fen: int
    """Most that may be borrowed. Unit fen, clause 6.2."""
    rounding_unit_fen: int
    """A quota is rounded down to a multiple of this. Unit fen, clause 6.2."""

    def multiplier(self, home: Home) -> int:
        """Times the average balance, for the first or the second home."""
        return {"first": self.multiplier_first_home, "second": self.multiplier_second_home}[home]

    def coefficient_at(self, months: int) -> Decimal | None:
        """The coefficient after `months` full months; None before there is a quota."""
        if months < self.months_min:
            return None
        reached = [step.coefficient for step in self.coefficients if step.months <= months]
        return reached[-1]

    def rises(self) -> tuple[CoefficientStep, ...]:
        """The months at which the coefficient in force truly rises, from the first quota on."""
        starts = sorted(
            {self.months_min} | {s.months for s in self.coefficients if s.months > self.months_min}
        )
        found: list[CoefficientStep] = []
        for months in starts:
            coefficient = self.coefficient_at(months)
            if coefficient and (not found or coefficient > found[-1].coefficient):
                found.append(CoefficientStep(months, coefficient))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class ServicePolicy:
    """Within how many calendar days people decide what waits for them (clause O.5)."""

    approval_days: int
    """From a proposal to its decision by another person. Unit day, clause O.5."""
    payment_case_days: int
    """From a payment nobody's order explains to its resolution. Unit day, clause 9.3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One whole policy. A section it leaves out raises `PolicySilent` when it is asked for."""

    code: str
    title: str
    effective_on: date
    figures: tuple[Figure, ...] = ()
    eligibility_section: EligibilityPolicy | None = None
    deposit_section: DepositPolicy | None = None
    quota_section: QuotaPolicy | None = None
    service_section: ServicePolicy | None = None

    @property
    def eligibility(self) -> EligibilityPolicy:
        """Who may join; `PolicySilent` if this policy does not say."""
        if self.eligibility_section is None:
            raise PolicySilent("eligibility")
        return self.eligibility_section

    @property
    def deposit(self) -> DepositPolicy:
        """How much may be deposited; `PolicySilent` if this policy does not say."""
        if self.deposit_section is None:
            raise PolicySilent("deposit")
        return self.deposit_section

    @property
    def quota(self) -> QuotaPolicy:
        """What may be borrowed; `PolicySilent` if this policy does not say."""
        if self.quota_section is None:
            raise PolicySilent("quota")
        return self.quota_section

    @property
    def service(self) -> ServicePolicy:
        """Within how many days people decide; `PolicySilent` if this policy does not say."""
        if self.service_section is None:
            raise PolicySilent("service")
        return self.service_section

    @property
    def placeholders(self) -> tuple[str, ...]:
        """Paths of the figures nobody has decided yet."""
        return tuple(f.path for f in self.figures if f.provenance == "placeholder")

    @property
    def note(self) -> str:
        """The warning every answer and paper carries while a figure is a placeholder, else ''."""
        return PLACEHOLDER_NOTE if self.placeholders else ""
