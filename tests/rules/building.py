"""Builders for the tests of the rules: the shipped policy, an applicant, a history of moves."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

from app.rules.balance_history import BalanceHistory
from app.rules.eligibility import Applicant
from app.rules.policy import Policy
from app.rules.policy_document import load_policy

POLICY_FILE = Path(__file__).parents[2] / "policies" / "huzhou-pilot.toml"
POLICY_TEXT = POLICY_FILE.read_text(encoding="utf-8")
TODAY = date(2026, 11, 23)

Move = tuple[date, int]


def the_policy(**replacements: str) -> Policy:
    """The shipped policy, with figures rewritten: the_policy(f50_allowed="false")."""
    text = POLICY_TEXT
    for name, value in replacements.items():
        text = with_value(text, name, value)
    return load_policy(text).policy


def with_value(text: str, figure: str, value: str) -> str:
    """The policy text with the one-line value of a figure replaced."""
    before, mark, after = text.partition(f".{figure}]\n")
    assert mark, f"no figure {figure}"
    old, newline, rest = after.partition("\n")
    assert old.startswith("value = ")
    return f"{before}{mark}value = {value}{newline}{rest}"


def an_applicant(**told: Any) -> Applicant:
    """A driver of 36 in Wuxing; each test says what is different about him."""
    usual: dict[str, Any] = {
        "birth_on": date(1990, 1, 1),
        "sex": "M",
        "work_kind": "new-form",
        "district": "wuxing",
        "works_in_city": True,
        "draws_pension": False,
    }
    return Applicant(**(usual | told))


def a_history(moves: Iterable[Move]) -> BalanceHistory:
    """The history the moves (day, fen; negative out) lead to."""
    closing: dict[date, int] = {}
    balance = 0
    first_credit_on: date | None = None
    for day, fen in sorted(moves):
        balance += fen
        closing[day] = balance
        first_credit_on = first_credit_on or day
    return BalanceHistory(balance, tuple(closing.items()), first_credit_on)
