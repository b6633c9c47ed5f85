"""The manual journals in a list, each with what reverses it."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import aliased

from app.db import db, reading
from app.models import Approval, Journal, ManualJournal, Posting
from app.rules import duties
from app.services import pages
from app.services.pages import Asked, Page
from app.services.staff import Staff


@dataclass(frozen=True)
class JournalView:
    """A manual journal in a list; `reversed_by` and `reverses` are manual journals, too."""

    journal_id: str
    document_no: str
    approval_id: str
    reason: str
    value_on: date
    booked_on: date
    posted_at: datetime
    amount_fen: int
    reverses: str | None
    reversed_by: str | None


def manual_journals(*, staff: Staff, asked: Asked) -> Page[JournalView]:
    """A page of the manual journals, newest first; the books are the centre's."""
    original, reversal = aliased(ManualJournal), aliased(ManualJournal)
    query = (
        select(ManualJournal, Approval.public_id, Journal, original.public_id, reversal.public_id)
        .join(Approval, Approval.id == ManualJournal.approval_id)
        .join(Journal, Journal.id == ManualJournal.journal_id)
        .outerjoin(original, original.id == ManualJournal.reverses_id)
        .outerjoin(reversal, reversal.reverses_id == ManualJournal.id)
    )
    if staff.district != duties.CENTRE:
        query = query.where(Approval.district == staff.district)
    with reading():
        place = f"manual-journals:{staff.account_id}"
        return pages.page(
            query,
            order=pages.newest_first(ManualJournal.id),
            place=place,
            asked=asked,
            shown=_listed,
        )


def _listed(row: Any) -> JournalView:
    manual, approval_id, journal, reverses, reversed_by = row
    amounts = select(Posting.amount_fen).where(Posting.journal_id == journal.id)
    return JournalView(
        journal_id=manual.public_id,
        document_no=manual.document_no,
        approval_id=approval_id,
        reason=journal.reason,
        value_on=journal.value_on,
        booked_on=journal.booked_on,
        posted_at=journal.posted_at,
        amount_fen=sum(db.session().scalars(amounts)),
        reverses=reverses,
        reversed_by=reversed_by,
    )
