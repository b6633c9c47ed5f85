"""`flask verify`: every invariant of the books recomputed from what is stored.

A check is a function that yields one line per offender and nothing when the invariant holds; its
id and title stand beside it. Checks read in one snapshot; the append-only check alone tries to
write, and is rolled back. A check that meets a row nobody can read says so, and the others go on.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from sqlalchemy.exc import SQLAlchemyError

from app.db import reading
from app.ledger import (
    verify_append_only,
    verify_approvals,
    verify_audit,
    verify_bills,
    verify_days,
    verify_ledger,
    verify_payments,
    verify_payouts,
    verify_people,
    verify_policies,
)
from app.models import append_only
from app.vault import VaultCannotOpen

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
    *verify_payouts.CHECKS,
    *verify_bills.CHECKS,
    *verify_people.CHECKS,
    *verify_policies.CHECKS,
    *verify_approvals.CHECKS,
    *verify_audit.CHECKS,
    *verify_append_only.CHECKS,
)


def verify() -> tuple[Finding, ...]:
    """A finding for every invariant, in order of ids; raises what the database raises."""
    with reading():
        found = [Finding(name, title, tuple(_offenders(check))) for name, title, check in CHECKS]
    for name, title, tables in (
        ("L8", verify_ledger.L8, append_only.BOOKS),
        ("W8", verify_audit.W8, append_only.AUDIT),
        ("P6", verify_bills.P6, append_only.BILLS),
    ):
        tried = _offenders(partial(verify_append_only.offenders, tables))
        found.append(Finding(name, title, tuple(tried)))
    return tuple(sorted(_merged(found), key=lambda each: (each.id[0], int(each.id[1:]))))


def _offenders(check: Check) -> Iterator[str]:
    """What the check finds, up to a row that it cannot read, which is an offender itself."""
    try:
        yield from check()
    except SQLAlchemyError:
        raise  # the database cannot be asked, about this or anything else
    except Exception as error:  # noqa: BLE001 - a ruined row can break its readers in any way
        # Other messages may quote the row; the vault's is the name of the column.
        where = f" {error}" if isinstance(error, VaultCannotOpen) else ""
        yield f"could not be checked: {type(error).__name__}{where}"


def _merged(findings: list[Finding]) -> list[Finding]:
    """One finding per id: L8, say, is checked in two places."""
    merged: dict[str, Finding] = {}
    for each in findings:
        before = merged.get(each.id)
        offenders = (*before.offenders, *each.offenders) if before else each.offenders
        merged[each.id] = Finding(each.id, each.title, offenders)
    return list(merged.values())
