"""How each figure of a policy is read and checked: unit, type, range, and against each other.

A reader takes the value as parsed and returns the typed one, or raises `Unreadable` with the
reason. The names here are the fields of the section dataclasses, one for one.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from itertools import pairwise
from typing import Any

from app.money import MAX_FEN
from app.rules.duties import CENTRE
from app.rules.policy import Choice, CoefficientStep

Reader = Callable[[object], Any]

_YEARS_MAX = 120
_DAYS_MAX = 3660
_MONTHS_MAX = 600
_TIMES_MAX = 1000
_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_COEFFICIENT = re.compile(r"[0-9]{1,2}\.[0-9]{1,4}")


class Unreadable(ValueError):
    """A figure's value has the wrong type or lies out of range; the message says which."""


def _whole(minimum: int, maximum: int) -> Reader:
    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise Unreadable("must be a whole number")
        if not minimum <= value <= maximum:
            raise Unreadable(f"must lie between {minimum} and {maximum}")
        return value

    return read


def _one_of(*allowed: str) -> Reader:
    def read(value: object) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise Unreadable(f"must be one of {', '.join(allowed)}")
        return value

    return read


def _yes_no(value: object) -> bool:
    if not isinstance(value, bool):
        raise Unreadable("must be true or false")
    return value


def _choices(value: object) -> tuple[Choice, ...]:
    if not isinstance(value, list) or not value:
        raise Unreadable("must be a list of {code, name}")
    found = tuple(_choice(entry) for entry in value)
    if len({choice.code for choice in found}) < len(found):
        raise Unreadable("names a code twice")
    return found


def _districts(value: object) -> tuple[Choice, ...]:
    found = _choices(value)
    if any(choice.code == CENTRE for choice in found):
        raise Unreadable(f"`{CENTRE}` is the centre itself: whoever has it sees every district")
    return found


def _choice(entry: object) -> Choice:
    if not isinstance(entry, dict) or set(entry) != {"code", "name"}:
        raise Unreadable("must be a list of {code, name}")
    code, name = entry["code"], entry["name"]
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        raise Unreadable("a code is lower-case letters, digits and hyphens")
    if not isinstance(name, str) or not name.strip():
        raise Unreadable("a name must be text")
    return Choice(code, name)


def _coefficients(value: object) -> tuple[CoefficientStep, ...]:
    """Months increase strictly; the coefficient never falls, for longer must not lend less."""
    if not isinstance(value, list) or not value:
        raise Unreadable("must be a list of {months, coefficient}")
    steps = tuple(_coefficient_step(entry) for entry in value)
    for earlier, later in pairwise(steps):
        if later.months <= earlier.months:
            raise Unreadable(f"months do not increase at {later.months}")
        if later.coefficient < earlier.coefficient:
            raise Unreadable(f"the coefficient falls at {later.months} months (长缴多贷)")
    return steps


def _coefficient_step(entry: object) -> CoefficientStep:
    if not isinstance(entry, dict) or set(entry) != {"months", "coefficient"}:
        raise Unreadable("must be a list of {months, coefficient}")
    months = _whole(0, _MONTHS_MAX)(entry["months"])
    text = entry["coefficient"]
    if not isinstance(text, str) or not _COEFFICIENT.fullmatch(text):
        raise Unreadable('a coefficient is text like "0.60"')
    if not Decimal(text):
        raise Unreadable("a coefficient must be above zero")
    return CoefficientStep(months, Decimal(text))


SECTIONS: Mapping[str, Mapping[str, tuple[str, Reader]]] = {
    "eligibility": {
        "age_min_years": ("year", _whole(0, _YEARS_MAX)),
        "full_capacity_years": ("year", _whole(0, _YEARS_MAX)),
        "districts": ("list", _districts),
        "work_kinds": ("list", _choices),
        "default_female_category": ("category", _one_of("F55", "F50")),
        "f50_allowed": ("yes-no", _yes_no),
    },
    "deposit": {
        "min_per_order_fen": ("fen", _whole(1, MAX_FEN)),
        "max_per_calendar_month_fen": ("fen", _whole(1, MAX_FEN)),
    },
    "quota": {
        "basis": ("basis", _one_of("AVG_DAILY")),
        "window_days": ("day", _whole(1, _DAYS_MAX)),
        "multiplier_first_home": ("times", _whole(1, _TIMES_MAX)),
        "multiplier_second_home": ("times", _whole(1, _TIMES_MAX)),
        "months_min": ("month", _whole(0, _MONTHS_MAX)),
        "coefficients": ("month-coefficient", _coefficients),
        "cap_fen": ("fen", _whole(1, MAX_FEN)),
        "rounding_unit_fen": ("fen", _whole(1, MAX_FEN)),
    },
    "service": {
        "approval_days": ("day", _whole(1, _DAYS_MAX)),
        "payment_case_days": ("day", _whole(1, _DAYS_MAX)),
    },
}
"""section -> field -> (unit the document must state, reader of its value)."""


def problems_between(read: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Contradictions between figures that are each readable; sections left out are not asked."""
    return [
        problem
        for section, check in (
            ("eligibility", _eligibility_problems),
            ("deposit", _deposit_problems),
            ("quota", _quota_problems),
        )
        if section in read
        for problem in check(read[section])
    ]


def _eligibility_problems(values: Mapping[str, Any]) -> list[str]:
    problems = []
    if values["full_capacity_years"] < values["age_min_years"]:
        problems.append("eligibility.full_capacity_years: below age_min_years")
    if values["default_female_category"] == "F50" and not values["f50_allowed"]:
        problems.append("eligibility.default_female_category: F50 is not allowed")
    return problems


def _deposit_problems(values: Mapping[str, Any]) -> list[str]:
    if values["max_per_calendar_month_fen"] < values["min_per_order_fen"]:
        return ["deposit.max_per_calendar_month_fen: below min_per_order_fen"]
    return []


def _quota_problems(values: Mapping[str, Any]) -> list[str]:
    problems = []
    if values["coefficients"][0].months > values["months_min"]:
        problems.append("quota.coefficients: none at months_min")
    if values["multiplier_second_home"] > values["multiplier_first_home"]:
        problems.append("quota.multiplier_second_home: above that of the first home")
    if values["cap_fen"] < values["rounding_unit_fen"]:
        problems.append("quota.cap_fen: below rounding_unit_fen")
    return problems
