"""The outbox is emptied into WeChat: each message for itself, with no transaction open.

At least once: a message is claimed, sent, and recorded as sent. Who dies in between leaves a claim
that runs out, and the message is sent again; none is lost, and no two senders take the same one.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update

from app import log, settings, wechat
from app.db import db, reading, retried, transaction
from app.models import MessageDelivery, Notification, WechatAccount
from app.rules import notices
from app.services.members import locked_person
from app.services.notifications import INBOX_ONLY, NO_PERMISSION, PARKED, READY, SENT
from app.wechat.faults import WechatCodeRefused, WechatUnavailable

BATCH = 100
GIVE_UP_AFTER = 5
TRIES_MAX = 8
NOT_ALLOWED = 43101  # the user refused, or has no permission left: his right, and no fault
_CLAIM = timedelta(minutes=2)  # longer than any answer of WeChat's is waited for
_LONGEST_PAUSE = timedelta(hours=4)


class _DiedEachTime(Exception):
    pass


@dataclass(frozen=True)
class _Message:
    """A claimed notification; whom it goes to, and by which template."""

    row_id: int
    person_id: int
    kind: str
    template_id: str
    openid: str
    fields: dict[str, str]


def send_due(*, at: datetime) -> dict[str, int]:
    """Every notification that was due has been tried once; answers counts by outcome.

    One that fails does not stop the others; while WeChat is away nobody waits for each of them.
    """
    counts: Counter[str] = Counter()
    with reading() as session:
        due = session.scalars(
            select(Notification.id)
            .where(Notification.state == READY, Notification.next_at <= at)
            .order_by(Notification.next_at, Notification.id)
            .limit(BATCH)
        ).all()
    in_vain = 0
    for row_id in due:
        outcome = _sent(row_id, at)
        counts[outcome] += 1
        in_vain = in_vain + 1 if outcome == WechatUnavailable().slug else 0
        if in_vain == GIVE_UP_AFTER:
            break
    return dict(counts)


def _sent(row_id: int, at: datetime) -> str:
    try:
        claimed = _claim(row_id, at)
        if isinstance(claimed, str):
            return claimed
        msgid = wechat.mini_program().send_message(
            openid=claimed.openid, template_id=claimed.template_id, fields=claimed.fields
        )
        return _record_sent(claimed, msgid, at)
    except WechatUnavailable as away:
        return _put_off(row_id, at) or away.slug
    except WechatCodeRefused as refused:
        errcode = refused.facts["errcode"]
        if errcode == NOT_ALLOWED:
            return _end(row_id, NO_PERMISSION, str(errcode))
        return _park(row_id, str(errcode))
    except Exception as error:  # noqa: BLE001 - one bad row must not keep the others in the outbox
        log.get().error("notification-not-sent", notification=row_id, exc_info=error)
        return _park(row_id, "unreadable")


@retried
def _claim(row_id: int, at: datetime) -> _Message | str:
    """The message to send now, put off for everybody else; or why there is none to send."""
    with transaction() as session:
        row = session.scalars(
            select(Notification).where(Notification.id == row_id).with_for_update()
        ).one()
        if row.state != READY or row.next_at > at:
            return "taken-by-another"
        if row.tries >= TRIES_MAX:  # whoever had claimed it died each time
            raise _DiedEachTime()
        template_id = settings.current().templates.get(row.kind)
        openid = session.scalar(
            select(WechatAccount.openid).where(WechatAccount.person_id == row.person_id)
        )
        if template_id is None or openid is None:
            row.state = INBOX_ONLY
            return INBOX_ONLY
        row.template_id, row.tries, row.next_at = template_id, row.tries + 1, at + _CLAIM
        fields = notices.fields_of(row.kind, row.params)
        return _Message(row.id, row.person_id, row.kind, template_id, openid, fields)


@retried
def _record_sent(message: _Message, msgid: str, at: datetime) -> str:
    with transaction() as session:
        # The person's row first, as who hears of the arrival does: it may be told before this.
        locked_person(message.person_id)
        arrived = session.scalars(
            select(MessageDelivery).where(MessageDelivery.msgid == msgid)
        ).one_or_none()
        session.execute(
            update(Notification)
            .where(Notification.id == message.row_id)
            .values(
                state=SENT,
                sent_at=at,
                template_id=message.template_id,
                msgid=msgid or None,
                delivered=arrived.delivered if arrived else None,
                fail_code=arrived.fail_code if arrived else None,
            )
        )
    return SENT


@retried
def _put_off(row_id: int, at: datetime) -> str | None:
    """Tried again after a pause that grows; answers `parked` after the last try."""
    with transaction() as session:
        tries = session.scalars(select(Notification.tries).where(Notification.id == row_id)).one()
        if tries < TRIES_MAX:
            pause = min(timedelta(minutes=4 ** (max(tries, 1) - 1)), _LONGEST_PAUSE)
            _change(row_id, next_at=at + pause)
            return None
        _change(row_id, state=PARKED, fail_code="unavailable")
    _say_parked(row_id, "unavailable")
    return PARKED


@retried
def _end(row_id: int, state: str, fail_code: str) -> str:
    with transaction():
        _change(row_id, state=state, fail_code=fail_code)
    return state


def _park(row_id: int, fail_code: str) -> str:
    _end(row_id, PARKED, fail_code)
    _say_parked(row_id, fail_code)
    return PARKED


def _change(row_id: int, **values: object) -> None:
    """The row is not read: it may be what is damaged."""
    db.session().execute(update(Notification).where(Notification.id == row_id).values(**values))


def _say_parked(row_id: int, why: str) -> None:
    """For people: `flask notifications retry-parked` sends it again once the reason is mended."""
    log.get().error("notification-parked", notification=row_id, why=why)
