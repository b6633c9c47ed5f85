"""Reading policies before they are in force: is a file one, what would it change, what is open.

Nothing here writes; a file is given as its text.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from app.db import reading
from app.rules.policy import PolicyInvalid
from app.rules.policy_diff import HEAD, Change, Unknown, changes, unknowns
from app.rules.policy_document import load_policy
from app.rules.policy_words import plain
from app.services import policies
from app.services.policies import NoPolicyInForce

__all__ = [
    "HEAD",
    "Change",
    "CheckedPolicy",
    "NoPolicyInForce",
    "PolicyInvalid",
    "Unknown",
    "check_file",
    "diff_files",
    "diff_with_stored",
    "plain",
    "unknowns_of",
    "unknowns_on",
]


@dataclass(frozen=True, slots=True)
class CheckedPolicy:
    """What a valid file says about itself; `sha256` is what would be stored with it."""

    code: str
    title: str
    effective_on: date
    sha256: str
    placeholders: tuple[str, ...]
    """Paths of the figures nobody has decided yet."""


def check_file(toml_text: str) -> CheckedPolicy:
    """The text is a valid policy; else `PolicyInvalid` with every problem."""
    document = load_policy(toml_text)
    return CheckedPolicy(
        code=document.code,
        title=plain(document.title),
        effective_on=document.effective_on,
        sha256=document.sha256,
        placeholders=document.policy.placeholders,
    )


def diff_files(before_toml: str, after_toml: str) -> tuple[Change, ...]:
    """What the second file changes in the first; `PolicyInvalid` if one of them is no policy."""
    return changes(load_policy(before_toml).policy, load_policy(after_toml).policy)


def diff_with_stored(toml_text: str) -> tuple[Change, ...]:
    """What the file would change on its first day, against the version of the day before.

    Raises `PolicyInvalid`, or `NoPolicyInForce` when nothing is in force on the day before.
    """
    after = load_policy(toml_text).policy
    first_on = after.effective_on
    if first_on == date.min:  # the calendar has no day before
        raise NoPolicyInForce(on=first_on)
    with reading():
        before = policies.policy_on(first_on - timedelta(days=1)).policy
    return changes(before, after)


def unknowns_on(day: date) -> tuple[Unknown, ...]:
    """The placeholders of the stored version in force on the day; or `NoPolicyInForce`."""
    with reading():
        return unknowns(policies.policy_on(day).policy)


def unknowns_of(toml_text: str) -> tuple[Unknown, ...]:
    """The placeholders of a file; `PolicyInvalid` if it is no policy."""
    return unknowns(load_policy(toml_text).policy)
