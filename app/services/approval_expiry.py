"""What nobody decided in time is decided by nobody: proposals expire."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select, true

from app.db import db, retried, transaction
from app.models import Approval
from app.services import limits, work_items


@retried
def expire_overdue(*, at: datetime) -> dict[str, int]:
    """Proposals nobody decided in time have expired; answers how many."""
    with transaction():
        limits.drop_old(before=at - timedelta(days=1))
        return {"expired": expire(true(), at=at)}


def expire(which: ColumnElement[bool], *, at: datetime) -> int:
    """How many of these nobody decided in time; they have expired, in the caller's transaction."""
    rows = (
        db.session()
        .scalars(
            select(Approval)
            .where(Approval.state == "submitted", Approval.expires_at <= at, which)
            .order_by(Approval.id)
            .with_for_update(skip_locked=True)
        )
        .all()
    )
    for row in rows:
        row.state = "expired"
        work_items.close(approval_id=row.id, at=at)
    db.session().flush()
    return len(rows)
