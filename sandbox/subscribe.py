"""api.weixin.qq.com: a subscribe message to a user who allowed it."""

import sqlite3
from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue

from sandbox.message_form import LANGUAGES, STATES, is_page, is_value
from sandbox.messages import (
    app_pages,
    is_closed,
    template_fields,
    use_permission,
    write_message,
)
from sandbox.miniprogram import ErrCode, json_body, require_access_token
from sandbox.people import user_by_openid
from sandbox.push_events import sent_event
from sandbox.push_queue import write_event
from sandbox.world import this_world

subscribe = Blueprint("subscribe", __name__)

_KNOWN = {"touser", "template_id", "page", "data", "miniprogram_state", "lang"}


@subscribe.post("/cgi-bin/message/subscribe/send")
def send() -> ResponseReturnValue:
    """The message has arrived and one permission is used up; its number is answered."""
    world = this_world()
    require_access_token()
    asked = json_body()
    at_s = world.clock.now_s()
    with world.books.open() as db:
        _require_receiver(db, asked.get("touser"))
        fields = template_fields(db, asked.get("template_id"))
        if fields is None:
            raise ErrCode(40037, "invalid template_id")
        _require_page(db, asked.get("page", ""))
        _require_words(asked, fields)
        openid, template_id = asked["touser"], asked["template_id"]
        if not use_permission(db, openid=openid, template_id=template_id):
            raise ErrCode(43101, "user refuse to accept the msg")
        msgid = write_message(db, asked, at_s=at_s)
        write_event(db, sent_event(openid, template_id=template_id, msgid=msgid), at_s=at_s)
    world.pusher.wake()
    return {"errcode": 0, "errmsg": "ok", "msgid": msgid}


def _require_receiver(db: sqlite3.Connection, openid: object) -> None:
    user = user_by_openid(db, openid)
    if user is None or is_closed(db, user.user_id):
        raise ErrCode(40003, "invalid openid")


def _require_page(db: sqlite3.Connection, page: object) -> None:
    if page == "":
        return
    pages = app_pages(db)
    path = page.partition("?")[0] if isinstance(page, str) else ""
    if not is_page(page) or (pages is not None and path not in pages):
        raise ErrCode(41030, "invalid page")


def _require_words(asked: dict[str, Any], fields: list[str]) -> None:
    data = asked.get("data")
    if not isinstance(data, dict) or set(asked) - _KNOWN:
        raise ErrCode(47003, "argument invalid!")
    for key in (*fields, *data):
        field = data.get(key)
        value = field.get("value") if isinstance(field, dict) else None
        if key not in fields or not is_value(key, value):
            raise ErrCode(47003, f"argument invalid! data.{key}.value invalid")
    # WeChat has defaults for these two and calls them required all the same.
    for name, known in (("miniprogram_state", STATES), ("lang", LANGUAGES)):
        if asked.get(name) not in known:
            raise ErrCode(47003, f"argument invalid! {name}")
