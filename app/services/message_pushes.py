"""What WeChat tells us of our users: proved first, then its effect and its inbox row together."""

import re
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from sqlalchemy import select, update

from app import log, vault, wechat
from app.db import db, insert_unless_there, retried, transaction
from app.errors import Unauthenticated
from app.models import (
    MessageDelivery,
    MessagePermission,
    Notification,
    PushedMessage,
    WechatAccount,
)
from app.services import erasures
from app.services.members import locked_person
from app.wechat.apiv3 import NotFromWechat
from app.wechat.push import PushedEvent

SENT_EVENT = "subscribe_msg_sent_event"
ANSWERED_EVENTS = ("subscribe_msg_popup_event", "subscribe_msg_change_event")
KNOWN, NOT_OURS, NOBODY, RECORDED = "already-recorded", "not-ours", "nobody", "recorded"
_ANSWERS = ("accept", "reject", "ban")


class MessageForged(Unauthenticated):
    """The bytes were not pushed by WeChat within the last five minutes, or were taken before."""

    sentence = "消息未通过验签。"
    extensions: ClassVar[Mapping[str, str]] = {"code": "FAIL", "message": "signature not accepted"}


def echo(*, query: Mapping[str, str], at: datetime) -> str:
    """What WeChat hears back when it asks whether this address is ours; raises `MessageForged`."""
    try:
        return wechat.push().echo(query, at=at)
    except NotFromWechat as forged:
        log.get().warning("message-push-forged", why=forged.why)
        raise MessageForged() from None


def receive(*, query: Mapping[str, str], body: bytes, at: datetime) -> str:
    """The event in these bytes has had its effect; answers the outcome.

    Raises `MessageForged` for anything WeChat did not just push: no row, no outbound call.
    """
    try:
        event = wechat.push().open(query, body, at=at)
    except NotFromWechat as forged:
        log.get().warning("message-push-forged", why=forged.why)
        raise MessageForged() from None
    outcome = take(event=event, at=at)
    log.get().info("message-push", event_name=event.name or "no-event", outcome=outcome)
    return outcome


@retried
def take(*, event: PushedEvent, at: datetime) -> str:
    """The event stands in the inbox and its effect with it; answers the outcome.

    The same event again changes nothing. Raises `MessageForged` for the very bytes of before: they
    are a replay, for WeChat signs each try anew.
    """
    if event.name not in (SENT_EVENT, *ANSWERED_EVENTS, *erasures.EVENTS):
        return NOT_OURS
    index = vault.blind_index(event.openid, purpose="openid")
    with transaction() as session:
        _refuse_replay(event.signature)
        inserted = insert_unless_there(
            PushedMessage,
            content_sha256=event.content_sha256,
            signature=event.signature,
            event=event.name,
            openid_index=index,
            happened_at=event.happened_at,
            received_at=at,
            outcome="taken",
        )
        if not inserted:
            return KNOWN
        outcome = _effect(event, index, at)
        session.execute(
            update(PushedMessage)
            .where(PushedMessage.content_sha256 == event.content_sha256)
            .values(outcome=outcome)
        )
    return outcome


def _refuse_replay(signature: str) -> None:
    seen = db.session().scalar(select(PushedMessage.id).where(PushedMessage.signature == signature))
    if seen is not None:
        log.get().warning("message-push-forged", why="replay")
        raise MessageForged()


def _effect(event: PushedEvent, index: bytes, at: datetime) -> str:
    person_id = db.session().scalar(
        select(WechatAccount.person_id).where(WechatAccount.openid_index == index)
    )
    if person_id is not None:
        locked_person(person_id)
    if event.name in erasures.EVENTS:
        return erasures.begin(openid_index=index, event=event.name, at=at)
    account = (
        db.session()
        .scalars(select(WechatAccount).where(WechatAccount.openid_index == index).with_for_update())
        .one_or_none()
    )
    if account is None:
        return NOBODY
    taken = Counter(
        _delivery(item) if event.name == SENT_EVENT else _answer(item, account.id, event)
        for item in event.items
    )
    if taken[False]:
        log.get().warning("message-push-item-unreadable", count=taken[False])
    return RECORDED


def _delivery(item: Mapping[str, str]) -> bool:
    """The result stands beside the message, or waits for it; False for an item out of form."""
    msgid, code = item.get("MsgID", ""), item.get("ErrorCode", "")
    if not (re.fullmatch("[0-9]{1,32}", msgid) and re.fullmatch("[0-9]{1,10}", code)):
        return False
    found = {
        "delivered": "success" if int(code) == 0 else "failed",
        "fail_code": None if int(code) == 0 else code,
    }
    if insert_unless_there(MessageDelivery, msgid=msgid, **found):
        db.session().execute(
            update(Notification).where(Notification.msgid == msgid).values(**found)
        )
    return True


def _answer(item: Mapping[str, str], account_id: int, event: PushedEvent) -> bool:
    """The user's answer about one template, unless a later one is known; False out of form."""
    template_id, answer = item.get("TemplateId", ""), item.get("SubscribeStatusString", "")
    if re.fullmatch("[0-9A-Za-z_-]{1,64}", template_id) is None or answer not in _ANSWERS:
        return False
    inserted = insert_unless_there(
        MessagePermission,
        wechat_account_id=account_id,
        template_id=template_id,
        answer=answer,
        answered_at=event.happened_at,
    )
    if not inserted:
        db.session().execute(
            update(MessagePermission)
            .where(
                MessagePermission.wechat_account_id == account_id,
                MessagePermission.template_id == template_id,
                MessagePermission.answered_at <= event.happened_at,
            )
            .values(answer=answer, answered_at=event.happened_at)
        )
    return True
