"""Nobody moves money alone: one person proposes, another decides, and what was seen is done once.

The one mechanism for everything that needs two people. What was proposed cannot be edited, by
anybody, at any time; another wording is another proposal. The decider says by hash what he saw.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zlib import crc32

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from app import ids
from app.db import db, lock_for_naming, retried, transaction
from app.errors import Absent, Conflict, Fact, Unacceptable
from app.models import Approval, Person, WorkItem
from app.rules import duties
from app.services import audit, work_items
from app.services.approval_action import Decision, Proposal, canonical, sha256_of
from app.services.approval_expiry import expire
from app.services.approval_views import ACTIONS, ApprovalView, view_of, visible
from app.services.staff import RoleNotAllowed, SamePerson, Staff, refuse_own, refuse_unless_still

LIFETIME = timedelta(days=30)
_DECISIONS = crc32(b"approvals")
SUBMITTED, APPROVED, REJECTED, EXPIRED = "submitted", "approved", "rejected", "expired"


class AlreadySubmitted(Conflict):
    """The same proposal waits already: sending it again must not do it twice."""

    sentence = "相同内容的申请已在审批中，受理号 {acceptance_no}。"


class AlreadyDecided(Conflict):
    """Somebody decided, or time ran out: a decision is made once."""

    sentence = "该申请已办结或已过期，不能再次审批。"


class NotAsSeen(Conflict):
    """The hash is not that of the proposal: what was looked at is not what would be done."""

    sentence = "您确认的内容与申请内容不一致，请重新打开核对后再审批。"


class Overtaken(Conflict):
    """What it was written against is no longer what it would change: it is to be written anew."""

    sentence = "申请提交后情况已有变化（如另有版本生效、人员转到其他区县），请退回并重新提交。"


@dataclass(frozen=True)
class Submission:
    """What is proposed and why; `resubmits` names an earlier proposal it takes the place of."""

    action: str
    payload: Mapping[str, Any]
    reason: str
    resubmits: str | None = None


def submit(*, staff: Staff, submission: Submission, at: datetime) -> ApprovalView:
    """The proposal waits for another person's decision.

    Raises `RoleNotAllowed`, `SamePerson` (about oneself), `AlreadySubmitted`, what its action's
    check raises, and `Absent` for what lies in another district.
    """
    try:
        return _submit(staff, submission, at)
    except IntegrityError:  # the same proposal, at the same moment: now it can be seen
        return _submit(staff, submission, at)


def approve(
    *, staff: Staff, approval_id: str, payload_sha256: str, reason: str, at: datetime
) -> ApprovalView:
    """The proposal is approved and carried out, in one transaction, once.

    Raises `Absent`, `RoleNotAllowed`, `SamePerson`, `AlreadyDecided`, `NotAsSeen`, and what
    carrying it out raises: then nothing was done and the proposal still waits.
    """
    return _decide(staff, approval_id, payload_sha256, (APPROVED, reason), at)


def reject(
    *, staff: Staff, approval_id: str, payload_sha256: str, reason: str, at: datetime
) -> ApprovalView:
    """The proposal is rejected for a reason; raises as `approve` does."""
    return _decide(staff, approval_id, payload_sha256, (REJECTED, reason), at)


@retried
def _submit(staff: Staff, submission: Submission, at: datetime) -> ApprovalView:
    with transaction() as session:
        refuse_unless_still(staff)
        if staff.role not in duties.ACTIONS[submission.action].makers:
            raise RoleNotAllowed()
        _refuse_foreign(staff, submission)
        proposal = ACTIONS[submission.action].prepare(submission.payload, at)
        _refuse_about_himself(staff, proposal)
        payload = canonical(proposal.payload)
        expire(Approval.payload_sha256 == sha256_of(payload), at=at)
        _refuse_waiting(submission.action, sha256_of(payload))
        row = Approval(
            public_id=ids.new_public_id("apv"),
            action=submission.action,
            district=proposal.district,
            depositors=" ".join(map(str, proposal.depositor_ids)),
            payload=payload,
            payload_sha256=sha256_of(payload),
            reason=submission.reason,
            resubmits_id=_resubmitted(staff, submission),
            maker_account_id=staff.account_id,
            maker_person_id=staff.person_id,
            submitted_at=at,
            submit_audit_id=staff.audit_id,
            expires_at=at + LIFETIME,
            state=SUBMITTED,
        )
        session.add(row)
        session.flush()
        work_items.open_for_approval(row, at=at)
        _put_on_record(staff, proposal, at)
        return view_of(session.execute(visible(staff).where(Approval.id == row.id)).one())


@retried
def _decide(
    staff: Staff, approval_id: str, payload_sha256: str, how: tuple[str, str], at: datetime
) -> ApprovalView:
    with transaction() as session:
        refuse_unless_still(staff)
        row = _locked(staff, approval_id)
        lock_for_naming(_DECISIONS)  # two at once could name one thing, such as a document number
        _refuse_to_decide(staff, row, payload_sha256, at)
        state, reason = how
        at = max(at, row.submitted_at)  # a clock that was set back decides nothing before its time
        if state == APPROVED:
            row.decided_words = canonical({"said": ACTIONS[row.action].in_words(_payload(row))})
            row.executed_sha256, row.result = _carried_out(staff, row, at)
        else:
            _refuse_to_reject_his_own(staff, row, at)
        row.checker_account_id, row.checker_person_id = staff.account_id, staff.person_id
        row.decide_audit_id, row.decided_at = staff.audit_id, at
        row.state, row.decision_reason = state, reason
        session.flush()
        work_items.close(approval_id=row.id, at=at)
        session.flush()
        return view_of(session.execute(visible(staff).where(Approval.id == row.id)).one())


def _refuse_to_decide(staff: Staff, row: Approval, payload_sha256: str, at: datetime) -> None:
    if staff.role not in duties.ACTIONS[row.action].checkers:
        raise RoleNotAllowed()
    if staff.person_id in _authors(row):
        raise SamePerson()
    if row.state != SUBMITTED or at >= row.expires_at:
        raise AlreadyDecided()
    if payload_sha256 != row.payload_sha256 or sha256_of(row.payload) != row.payload_sha256:
        raise NotAsSeen()


def _carried_out(staff: Staff, row: Approval, at: datetime) -> tuple[str, dict[str, Any]]:
    """The hash of what was done, and what came of it. What was fit a week ago is checked again."""
    action = ACTIONS[row.action]
    payload = _payload(row)
    proposal = action.prepare(payload, at)
    _refuse_about_himself(staff, proposal)
    if (canonical(proposal.payload), proposal.district) != (row.payload, row.district):
        raise Overtaken()
    _put_on_record(staff, proposal, at)
    decision = Decision(
        approval_id=row.id,
        public_id=row.public_id,
        reason=row.reason,
        maker_account_id=row.maker_account_id,
        checker_account_id=staff.account_id,
        at=at,
    )
    db.session().flush()
    return sha256_of(row.payload), action.apply(payload, decision)


def _refuse_to_reject_his_own(staff: Staff, row: Approval, at: datetime) -> None:
    """Nobody wards off what is about himself; what is unfit by now anybody else may reject."""
    refuse_own(staff, depositor_ids=row.depositor_ids)
    try:
        proposal = ACTIONS[row.action].prepare(_payload(row), at)
    except Fact:
        return
    _refuse_about_himself(staff, proposal)


def _authors(row: Approval) -> set[int]:
    """Everybody who had a hand in the proposal: whoever made it, or one it repeats or replaces.

    What was approved since is another matter: doing the same once more is a new proposal.
    """
    session = db.session()
    same = (Approval.action == row.action, Approval.payload_sha256 == row.payload_sha256)
    done = session.scalar(
        select(func.max(Approval.id)).where(*same, Approval.state == APPROVED, Approval.id < row.id)
    )
    found = {row.maker_person_id} | set(
        session.scalars(select(Approval.maker_person_id).where(*same, Approval.id > (done or 0)))
    )
    earlier = row.resubmits_id
    while earlier is not None:  # ids only fall along the chain
        before = session.get_one(Approval, earlier)
        found.add(before.maker_person_id)
        earlier = before.resubmits_id
    return found


def _payload(row: Approval) -> dict[str, Any]:
    payload: dict[str, Any] = json.loads(row.payload)
    return payload


def _put_on_record(staff: Staff, proposal: Proposal, at: datetime) -> None:
    """Whom the proposal is about was read of: the answer says so in words."""
    subjects = db.session().scalars(
        select(Person.public_id).where(Person.id.in_(proposal.depositor_ids)).order_by(Person.id)
    )
    audit.record_subjects(staff, tuple(subjects), at=at)


def _refuse_foreign(staff: Staff, submission: Submission) -> None:
    """Before anything is checked: whose problems are told would be known to be there."""
    district = ACTIONS[submission.action].district_of(submission.payload)
    if district is None or not staff.sees(district):
        raise Absent()


def _refuse_about_himself(staff: Staff, proposal: Proposal) -> None:
    if proposal.staff_person_id == staff.person_id:
        raise SamePerson()
    refuse_own(staff, depositor_ids=proposal.depositor_ids)


def _refuse_waiting(action: str, payload_sha256: str) -> None:
    number = db.session().scalar(
        select(WorkItem.acceptance_no)
        .join(Approval, Approval.id == WorkItem.approval_id)
        .where(
            Approval.action == action,
            Approval.payload_sha256 == payload_sha256,
            Approval.state == SUBMITTED,
        )
    )
    if number is not None:
        raise AlreadySubmitted(acceptance_no=number)


def _resubmitted(staff: Staff, submission: Submission) -> int | None:
    if submission.resubmits is None:
        return None
    row = (
        db.session()
        .execute(
            visible(staff).where(
                Approval.public_id == submission.resubmits, Approval.action == submission.action
            )
        )
        .one_or_none()
    )
    if row is None or row[0].state not in (REJECTED, EXPIRED):
        raise Unacceptable(fields={"resubmits": ["应为一笔已退回或已过期的同类申请。"]})
    return int(row[0].id)


def _locked(staff: Staff, approval_id: str) -> Approval:
    found = (
        db.session().execute(visible(staff).where(Approval.public_id == approval_id)).one_or_none()
    )
    if found is None:
        raise Absent()
    return db.session().get_one(Approval, found[0].id, with_for_update=True, populate_existing=True)
