"""Approvals as people see them: the list of one's trade, and one proposal in words."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app.db import db, reading
from app.errors import Absent
from app.models import Approval, StaffAccount, WorkItem
from app.rules import duties
from app.services import (
    agreement_templates,
    bank_batches,
    counter_withdrawals,
    deposit_limits,
    manual_journals,
    pages,
    payment_cases,
    policies,
    staff_actions,
    suspense,
    wechat_day_entries,
)
from app.services.approval_action import Action
from app.services.pages import Asked, Page
from app.services.staff import Staff

ACTIONS: Mapping[str, Action] = {
    "policy-version": policies.VERSION,
    "agreement-template": agreement_templates.TEMPLATE,
    "manual-journal": manual_journals.ENTRY,
    "manual-journal-reversal": manual_journals.REVERSAL,
    "deposit-limit-override": deposit_limits.OVERRIDE,
    "suspense-return": suspense.RETURN,
    "payment-case-explanation": payment_cases.EXPLANATION,
    "counter-withdrawal": counter_withdrawals.WITHDRAWAL,
    "bank-batch-result": bank_batches.RESULT,
    "wechat-day-entries": wechat_day_entries.ENTRIES,
    "staff-account": staff_actions.ACCOUNT,
    "staff-assignment": staff_actions.ASSIGNMENT,
    "staff-reset": staff_actions.RESET,
}


@dataclass(frozen=True)
class ApprovalView:
    """An approval as a decider sees it; no personal data beside the reasons people typed."""

    approval_id: str
    acceptance_no: str
    action: str
    action_name: str
    district: str
    state: str
    reason: str
    payload: Mapping[str, Any]
    payload_sha256: str
    in_words: list[str]
    maker_login: str
    submitted_at: datetime
    expires_at: datetime
    resubmits: str | None
    checker_login: str | None
    decided_at: datetime | None
    decision_reason: str | None
    result: Mapping[str, Any] | None


@dataclass(frozen=True)
class ApprovalLine:
    """An approval in a list."""

    approval_id: str
    acceptance_no: str
    action: str
    action_name: str
    district: str
    state: str
    maker_login: str
    submitted_at: datetime
    decided_at: datetime | None


def approvals(
    *, staff: Staff, state: str | None, action: str | None, asked: Asked
) -> Page[ApprovalLine]:
    """A page of the proposals the staff's role takes part in, newest first."""
    query = visible(staff)
    if state is not None:
        query = query.where(Approval.state == state)
    if action is not None:
        query = query.where(Approval.action == action)
    with reading():
        place = f"approvals:{staff.account_id}:{state}:{action}"
        return pages.page(
            query,
            order=pages.newest_first(Approval.id),
            place=place,
            asked=asked,
            shown=_line,
        )


def approval(*, staff: Staff, approval_id: str) -> ApprovalView:
    """One proposal, with what it would change in words; raises `Absent`."""
    with reading() as session:
        row = session.execute(visible(staff).where(Approval.public_id == approval_id)).one_or_none()
        if row is None:
            raise Absent()
        return view_of(row)


def visible(staff: Staff) -> Any:
    """(approval, acceptance number, maker's login) of what the staff's role and district see."""
    query = (
        select(Approval, WorkItem.acceptance_no, StaffAccount.login)
        .join(WorkItem, WorkItem.approval_id == Approval.id)
        .join(StaffAccount, StaffAccount.id == Approval.maker_account_id)
        .where(Approval.action.in_(duties.actions_seen_by(staff.role)))
    )
    if staff.district != duties.CENTRE:
        query = query.where(Approval.district == staff.district)
    return query


def _line(row: Any) -> ApprovalLine:
    approval, number, login = row
    return ApprovalLine(
        approval_id=approval.public_id,
        acceptance_no=number,
        action=approval.action,
        action_name=duties.ACTIONS[approval.action].name,
        district=approval.district,
        state=approval.state,
        maker_login=login,
        submitted_at=approval.submitted_at,
        decided_at=approval.decided_at,
    )


def _words(approval: Approval, action: Action) -> list[str]:
    """What the decider was told when he approved; before that, what he would be told now."""
    if approval.decided_words is not None:
        said: list[str] = json.loads(approval.decided_words)["said"]
        return said
    return action.in_words(json.loads(approval.payload))


def view_of(row: Any) -> ApprovalView:
    """A row of `visible` as a decider sees it, in the caller's transaction."""
    approval, number, login = row
    session = db.session()
    action, payload = ACTIONS[approval.action], json.loads(approval.payload)
    checker = approval.checker_account_id
    earlier = approval.resubmits_id
    return ApprovalView(
        approval_id=approval.public_id,
        acceptance_no=number,
        action=approval.action,
        action_name=duties.ACTIONS[approval.action].name,
        district=approval.district,
        state=approval.state,
        reason=approval.reason,
        payload=action.shown(payload),
        payload_sha256=approval.payload_sha256,
        in_words=_words(approval, action),
        maker_login=login,
        submitted_at=approval.submitted_at,
        expires_at=approval.expires_at,
        resubmits=None if earlier is None else session.get_one(Approval, earlier).public_id,
        checker_login=None if checker is None else session.get_one(StaffAccount, checker).login,
        decided_at=approval.decided_at,
        decision_reason=approval.decision_reason,
        result=approval.result,
    )
