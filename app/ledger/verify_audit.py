"""W8: what staff did is on record."""

from collections.abc import Iterator

from sqlalchemy import and_, select

from app.db import db
from app.models import Approval, AuditEntry, StaffSession
from app.rules import duties

W8 = "what staff did is on record, and the record refuses every change"


def w8_acts_on_record() -> Iterator[str]:
    """W8: each proposal, decision and sign-in stands in the record, by the same account."""
    session = db.session()
    for row in session.scalars(select(Approval)):
        acts = [(row.submit_audit_id, row.maker_account_id, {duties.submit_route(row.action)})]
        if row.decide_audit_id is not None:
            path = "POST /v1/staff/approvals/<approval_id>"
            routes = {f"{path}/approve"} if row.state == "approved" else {f"{path}/reject"}
            acts.append((row.decide_audit_id, row.checker_account_id or 0, routes))
        for entry_id, account_id, routes in acts:
            entry = session.get(AuditEntry, entry_id)
            if entry is None or (entry.account_id, entry.verdict) != (account_id, "allowed"):
                yield f"approval {row.id}: an act of account {account_id} is not on record"
            elif entry.act not in routes:
                yield f"approval {row.id}: audit entry {entry_id} is of another act"
    unrecorded = (
        select(StaffSession.id)
        .outerjoin(
            AuditEntry,
            and_(
                AuditEntry.account_id == StaffSession.account_id,
                AuditEntry.at == StaffSession.created_at,
                AuditEntry.act == "POST /v1/staff/sessions",
                AuditEntry.verdict == "allowed",
            ),
        )
        .where(AuditEntry.id.is_(None))
    )
    for session_id in session.scalars(unrecorded):
        yield f"staff session {session_id} was opened by no sign-in on record"


CHECKS = (("W8", W8, w8_acts_on_record),)
