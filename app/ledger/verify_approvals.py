"""W5: what needed two people was decided by two, as it was seen, once."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import aliased

from app.db import db
from app.ledger import verify_approved_money
from app.models import (
    AgreementTemplate,
    Approval,
    AuditEntry,
    PaymentCase,
    PolicyVersion,
    StaffAccount,
    StaffAssignment,
    WorkItem,
)
from app.rules import duties
from app.rules.policy_document import load_policy

_BY_APPROVAL = "approval:"
# A role changes in one call while another one, a moment older, is still at work.
_CLOCKS_DIFFER = timedelta(minutes=1)
W5 = "decisions are another person's, in his role, about exactly what was proposed, once"


def w5_two_people() -> Iterator[str]:
    """W5: maker and checker are two people, each the person of his account, decided in time."""
    session = db.session()
    maker, checker = aliased(StaffAccount), aliased(StaffAccount)
    query = (
        select(Approval.id)
        .outerjoin(maker, maker.id == Approval.maker_account_id)
        .outerjoin(checker, checker.id == Approval.checker_account_id)
        .where(
            or_(
                Approval.checker_person_id == Approval.maker_person_id,
                maker.staff_person_id.is_distinct_from(Approval.maker_person_id),
                checker.staff_person_id.is_distinct_from(Approval.checker_person_id),
                checker.staff_person_id == maker.staff_person_id,
                Approval.decided_at >= Approval.expires_at,
                Approval.decided_at < Approval.submitted_at,
            )
        )
    )
    for approval_id in session.scalars(query):
        yield f"approval {approval_id} was not decided by another person in time"
    states = select(Approval.id).where(
        Approval.state.in_(("approved", "rejected")) != Approval.checker_account_id.is_not(None)
    )
    for approval_id in session.scalars(states):
        yield f"approval {approval_id}: its state and its decision disagree"


def w5_as_seen() -> Iterator[str]:
    """W5: the payload is the one whose hash was approved and executed."""
    for row in db.session().scalars(select(Approval)):
        sha256 = hashlib.sha256(row.payload.encode()).hexdigest()
        executed = row.payload_sha256 if row.state == "approved" else None
        if sha256 != row.payload_sha256 or row.executed_sha256 != executed:
            yield f"approval {row.id} is not what was proposed, or was executed otherwise"


def w5_in_their_roles() -> Iterator[str]:
    """W5: both held a role that allows it, in a district that sees it, when they acted."""
    for row in db.session().scalars(select(Approval)):
        action = duties.ACTIONS.get(row.action)
        if action is None:
            yield f"approval {row.id} is of the unknown action {row.action}"
            continue
        acts = [(row.maker_account_id, row.submitted_at, action.makers, "maker")]
        if row.checker_account_id is not None and row.decided_at is not None:
            acts.append((row.checker_account_id, row.decided_at, action.checkers, "checker"))
        for account_id, at, roles, what in acts:
            if not any(
                role in roles and duties.sees(district, row.district)
                for role, district in _places_at(account_id, at)
            ):
                yield f"approval {row.id}: its {what} had no role for it"


def w5_each_has_its_effect() -> Iterator[str]:
    """W5: an approved proposal had its effect once, as proposed; no effect lacks its approval."""
    approvals = {row.id: row for row in db.session().scalars(select(Approval))}
    by_public_id = {row.public_id: row for row in approvals.values()}
    found: Counter[int] = Counter()
    for what, approval_id, action, is_right in _effects(by_public_id, approvals):
        row = approvals.get(approval_id)
        if row is None or row.state != "approved" or row.action != action:
            yield f"{what} rests on no approval"
        elif not is_right:
            yield f"{what} is not what was approved"
        found[approval_id] += 1
    for row in approvals.values():
        wanted = int(row.state == "approved" and row.action != "staff-reset")
        if found[row.id] != wanted:
            yield f"approval {row.id} ({row.state}) had {found[row.id]} effects"


def w5_waits_in_the_list() -> Iterator[str]:
    """W5: whatever waits for a decision has one open item in the work list; the rest has none."""
    rows = db.session().execute(
        select(Approval.id, Approval.state, func.count(WorkItem.id))
        .outerjoin(
            WorkItem, and_(WorkItem.approval_id == Approval.id, WorkItem.closed_at.is_(None))
        )
        .group_by(Approval.id, Approval.state)
    )
    for approval_id, state, count in rows:
        if count != int(state == "submitted"):
            yield f"approval {approval_id} ({state}) has {count} open items in the work list"
    cases = db.session().execute(
        select(PaymentCase.id, PaymentCase.resolved_at, func.count(WorkItem.id))
        .outerjoin(
            WorkItem, and_(WorkItem.payment_case_id == PaymentCase.id, WorkItem.closed_at.is_(None))
        )
        .group_by(PaymentCase.id, PaymentCase.resolved_at)
    )
    for case_id, resolved_at, count in cases:
        if count != int(resolved_at is None):
            yield f"payment case {case_id} has {count} open items in the work list"


def _places_at(account_id: int, at: datetime) -> list[tuple[str, str]]:
    """Roles and districts of the account at an instant, as exactly as clocks agree."""
    rows = db.session().execute(
        select(StaffAssignment.role, StaffAssignment.district).where(
            StaffAssignment.account_id == account_id,
            StaffAssignment.from_at <= at + _CLOCKS_DIFFER,
            or_(
                StaffAssignment.until_at.is_(None),
                StaffAssignment.until_at > at - _CLOCKS_DIFFER,
            ),
        )
    )
    return [(role, district) for role, district in rows]


def _effects(
    by_public_id: dict[str, Approval], approvals: dict[int, Approval]
) -> Iterator[tuple[str, int, str, bool]]:
    """(what, approval's id, action, whether it is what the payload says) of every effect."""
    yield from _effects_on_rules(by_public_id)
    yield from verify_approved_money.effects(approvals)
    session = db.session()
    for row in session.scalars(
        select(StaffAssignment).where(StaffAssignment.approval_id.is_not(None))
    ):
        approval = approvals.get(row.approval_id or 0)
        said = {} if approval is None else json.loads(approval.payload)
        account = session.get_one(StaffAccount, row.account_id)
        about = None if approval is None else (approval.result or {}).get("account_id")
        stands = (row.role, row.district, account.public_id)
        is_right = (said.get("role"), said.get("district"), about) == stands
        is_account = approval is not None and approval.action == "staff-account"
        action = "staff-account" if is_account else "staff-assignment"
        yield f"staff assignment {row.id}", row.approval_id or 0, action, is_right
    invited = (
        select(AuditEntry.id)
        .join(StaffAccount, StaffAccount.public_id == AuditEntry.subject)
        .where(
            StaffAccount.id == StaffAssignment.account_id,
            AuditEntry.act == "flask staff add-administrator",
        )
    )
    lone = select(StaffAssignment.id).where(
        StaffAssignment.approval_id.is_(None),
        or_(StaffAssignment.role != "security-administrator", ~invited.exists()),
    )
    for assignment_id in session.scalars(lone):
        yield f"staff assignment {assignment_id}", 0, "staff-assignment", False


def _effects_on_rules(by_public_id: dict[str, Approval]) -> Iterator[tuple[str, int, str, bool]]:
    """Every version but the first came by an approval."""
    session = db.session()
    policies = session.scalars(select(PolicyVersion).order_by(PolicyVersion.id)).all()
    templates = session.scalars(select(AgreementTemplate).order_by(AgreementTemplate.id)).all()
    versions: tuple[tuple[str, Sequence[PolicyVersion | AgreementTemplate]], ...] = (
        ("policy-version", policies),
        ("agreement-template", templates),
    )
    for action, rows in versions:
        for number, row in enumerate(rows):
            if number == 0 and not row.installed_by.startswith(_BY_APPROVAL):
                continue
            approval = by_public_id.get(row.installed_by.removeprefix(_BY_APPROVAL))
            said = {} if approval is None else json.loads(approval.payload)
            is_right = approval is not None and _is_document(row, said, approval.result or {})
            yield f"{action} {row.code}", 0 if approval is None else approval.id, action, is_right


def _is_document(
    row: PolicyVersion | AgreementTemplate, said: dict[str, Any], result: dict[str, Any]
) -> bool:
    if isinstance(row, PolicyVersion):
        return bool(load_policy(said["document"]).sha256 == row.sha256)
    if result.get("sha256") != row.content_sha256():
        return False
    return bool(row.body.strip() == said["text"].split("+++\n", 2)[-1].strip())


CHECKS = (
    ("W5", W5, w5_two_people),
    ("W5", W5, w5_as_seen),
    ("W5", W5, w5_in_their_roles),
    ("W5", W5, w5_each_has_its_effect),
    ("W5", W5, w5_waits_in_the_list),
)
