"""What people are told: written in the business event's own transaction, read in their inbox."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update

from app import clock, ids, settings
from app.db import insert_unless_there, reading, retried, transaction
from app.errors import Absent
from app.models import Notification
from app.rules import notices
from app.services.members import Member
from app.services.pages import Asked, Page, newest_first, page

READY, SENT, NO_PERMISSION, PARKED, INBOX_ONLY = (
    "ready",
    "sent",
    "no-permission",
    "parked",
    "inbox-only",
)


class NoSuchNotification(Absent):
    """There is no notification of this id for this member."""

    sentence = "没有找到这条通知。"


@dataclass(frozen=True)
class NotificationView:
    """A notification as its owner reads it."""

    notification_id: str
    kind: str
    title: str
    sentence: str
    created_at: datetime
    read_at: datetime | None


@dataclass(frozen=True)
class Template:
    """A message the mini-program may ask permission for."""

    kind: str
    title: str
    template_id: str


def notify(
    *, person_id: int, kind: str, source: str, params: Mapping[str, int | str], at: datetime
) -> None:
    """The person will be told of the event `source` once, in the caller's transaction.

    `params` are figures alone: `..._fen`, and ISO texts `..._on`, `..._at`. Nothing is judged
    here: a notice that cannot be worded must never undo the event it is about.
    """
    insert_unless_there(
        Notification,
        public_id=ids.new_public_id("ntf"),
        person_id=person_id,
        kind=kind,
        source=source,
        params=dict(params),
        created_at=at,
        state=READY if kind in settings.current().templates else INBOX_ONLY,
        tries=0,
        next_at=at,
    )


def in_shanghai(instant: datetime) -> str:
    """An instant as a notice's figures hold it."""
    return instant.astimezone(clock.SHANGHAI).isoformat(timespec="seconds")


def notifications_of(*, member: Member, asked: Asked) -> Page[NotificationView]:
    """A page of the member's inbox, newest first; raises `StepMissing`, `CursorUnfit`."""
    person_id = member.proved()
    with reading():
        return page(
            select(Notification).where(Notification.person_id == person_id),
            order=newest_first(Notification.id),
            place=f"notifications:{person_id}",
            asked=asked,
            shown=lambda row: _view(row[0]),
        )


@retried
def mark_read(*, member: Member, notification_id: str, at: datetime) -> None:
    """The member has read it, the first time counts; raises `NoSuchNotification`."""
    if not ids.is_public_id(notification_id, "ntf"):
        raise NoSuchNotification()
    with transaction() as session:
        row = session.scalars(
            select(Notification)
            .where(
                Notification.public_id == notification_id,
                Notification.person_id == member.person_id,
            )
            .with_for_update()
        ).one_or_none()
        if row is None:
            raise NoSuchNotification()
        row.read_at = row.read_at or at


@retried
def retry_parked(*, at: datetime) -> int:
    """Every parked notification is due again, with all its tries; answers how many."""
    with transaction() as session:
        due = session.execute(
            update(Notification)
            .where(Notification.state == PARKED)
            .values(state=READY, tries=0, next_at=at, fail_code=None)
            .returning(Notification.id)
        )
        return len(due.all())


def templates() -> tuple[Template, ...]:
    """The templates of this deployment, for the mini-program to ask its user's permission."""
    return tuple(
        Template(kind, notices.title_of(kind), template_id)
        for kind, template_id in settings.current().templates.items()
    )


def _view(row: Notification) -> NotificationView:
    title = sentence = "通知"
    with suppress(notices.NoticeUnfit):  # one damaged notice must not hide the others
        sentence = title = notices.title_of(row.kind)
        sentence = notices.sentence_of(row.kind, row.params)
    return NotificationView(
        notification_id=row.public_id,
        kind=row.kind,
        title=title,
        sentence=sentence,
        created_at=row.created_at,
        read_at=row.read_at,
    )
