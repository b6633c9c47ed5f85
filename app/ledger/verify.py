"""`flask verify`: every invariant of the books recomputed from what is stored.

A check is a function that yields one line per offender and nothing when the invariant holds; its
id and title stand beside it. Checks read in one snapshot; the append-only check alone tries to
write, and is rolled back.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from app.db import reading
from app.ledger import (
    verify_append_only,
    verify_days,
    verify_ledger,
    verify_payments,
    verify_people,
    verify_policies,
)

Check = Callable[[], Iterator[str]]


@dataclass(frozen=True)
class Finding:
    """What one invariant's check found; no offenders means it holds."""

    id: str
    title: str
    offenders: tuple[str, ...]


CHECKS: tuple[tuple[str, str, Check], ...] = (
    *verify_ledger.CHECKS,
    *verify_days.CHECKS,
    *verify_payments.CHECKS,
    *verify_people.CHECKS,
    *verify_policies.CHECKS,
    *verify_append_only.CHECKS,
)


def verify() -> tuple[Finding, ...]:
    """A finding for every invariant, in order of ids."""
    with reading():
        found = [Finding(name, title, tuple(check())) for name, title, check in CHECKS]
    tried = tuple(verify_append_only.offenders())
    found.append(Finding("L8", verify_ledger.L8, tried))
    return tuple(sorted(_merged(found), key=lambda each: (each.id[0], int(each.id[1:]))))


def _merged(findings: list[Finding]) -> list[Finding]:
    """One finding per id: L8, say, is checked in two places."""
    merged: dict[str, Finding] = {}
    for each in findings:
        before = merged.get(each.id)
        offenders = (*before.offenders, *each.offenders) if before else each.offenders
        merged[each.id] = Finding(each.id, each.title, offenders)
    return list(merged.values())
