"""/sandbox: subscribe messages, the events WeChat pushes, and forged ones."""

import re
from collections.abc import Callable
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from sandbox import messages
from sandbox.asked import Refused, asked_body
from sandbox.control import known_user
from sandbox.message_form import is_key, is_page
from sandbox.people import user_by_id
from sandbox.push_crypto import PushSettings
from sandbox.push_events import (
    EVENTS,
    Event,
    cancellation_event,
    popup_event,
    revoke_event,
    sent_event,
)
from sandbox.push_forgery import KINDS, forged_push
from sandbox.push_queue import all_events, last_sent, read_settings, write_event, write_settings
from sandbox.pusher import is_the_apps, post_push
from sandbox.world import this_world

control_messages = Blueprint("control_messages", __name__, url_prefix="/sandbox")

TIMES_MAX = 1000
# WeChat's number for the phone number among the things that can be taken back.
_PHONE_NUMBER = "8"


@control_messages.put("/templates")
def set_templates() -> ResponseReturnValue:
    """Exactly the templates that were sent exist, and the app has those pages."""
    asked = asked_body(required={"templates": list}, optional={"pages": list})
    pages = asked.get("pages")
    if pages is not None and not all(is_page(page) and "?" not in page for page in pages):
        raise Refused(400, "field-wrong", "'pages' must be like ['pages/index/index']")
    for each in asked["templates"]:
        _require_template(each)
    with this_world().books.open() as db:
        messages.replace_templates(db, asked["templates"], pages=pages)
    return read_templates()


@control_messages.get("/templates")
def read_templates() -> ResponseReturnValue:
    """The templates are answered, and the app's pages (null: whichever it likes)."""
    with this_world().books.open() as db:
        return {"templates": messages.all_templates(db), "pages": messages.app_pages(db)}


@control_messages.post("/users/<user_id>/subscribe")
def subscribe(user_id: str) -> ResponseReturnValue:
    """The user allowed so many messages in the pop-up, or refused them."""
    asked = asked_body(required={"template_id": str}, optional={"times": int, "answer": str})
    times, answer = asked.get("times", 1), asked.get("answer", "accept")
    if answer not in ("accept", "reject") or not 1 <= times <= TIMES_MAX:
        what = f"'answer' is accept or reject, 'times' 1 to {TIMES_MAX}"
        raise Refused(400, "field-wrong", what)
    world, template_id = this_world(), asked["template_id"]
    at_s = world.clock.now_s()
    with world.books.open() as db:
        openid = known_user(db, user_id).openid
        if messages.template_fields(db, template_id) is None:
            raise Refused(404, "template-unknown", "make it with PUT /sandbox/templates")
        granted = times if answer == "accept" else 0
        left = messages.permit(db, openid=openid, template_id=template_id, times=granted)
        write_event(db, popup_event(openid, template_id=template_id, answer=answer), at_s=at_s)
    world.pusher.wake()
    return {"template_id": template_id, "times_left": left}


@control_messages.get("/users/<user_id>/messages")
def arrived(user_id: str) -> ResponseReturnValue:
    """What arrived at the user is answered, the oldest first."""
    with this_world().books.open() as db:
        user = user_by_id(db, user_id)
        if user is None:
            raise Refused(404, "user-unknown", "make one with POST /sandbox/users")
        return {"messages": messages.messages_of(db, user.openid)}


@control_messages.post("/users/<user_id>/revoke-authorization")
def revoke_authorization(user_id: str) -> ResponseReturnValue:
    """The user took back what he had allowed the app; an event says so."""
    asked = asked_body(required={}, optional={"revoke_info": str})
    info = asked.get("revoke_info", _PHONE_NUMBER)
    return _happened(user_id, lambda openid: revoke_event(openid, revoke_info=info))


@control_messages.post("/users/<user_id>/cancel-account")
def cancel_account(user_id: str) -> ResponseReturnValue:
    """The user's WeChat account is no more; an event says so, and the phone does nothing now."""
    return _happened(user_id, cancellation_event, is_the_end=True)


@control_messages.put("/push")
def set_push() -> ResponseReturnValue:
    """Events go to the url, which has answered WeChat's echo; without a url they go nowhere."""
    asked = asked_body(
        required={},
        optional={"url": str, "token": str, "encoding_aes_key": str, "format": str, "verify": bool},
    )
    world = this_world()
    settings = _settings(asked) if asked else None
    wants_echo = asked.get("verify", True)
    if settings and wants_echo and not is_the_apps(settings, at_s=world.clock.now_s()):
        raise Refused(409, "url-unverified", "the url did not answer the echostr it was sent")
    with world.books.open() as db:
        write_settings(db, settings)
    return read_push()


@control_messages.get("/push")
def read_push() -> ResponseReturnValue:
    """Where events go is answered, without the secrets, and every event there was."""
    with this_world().books.open() as db:
        settings = read_settings(db)
        where = {"url": settings.url, "format": settings.format} if settings else {}
        return where | {"events": all_events(db)}


@control_messages.post("/users/<user_id>/forge-push")
def forge_push(user_id: str) -> ResponseReturnValue:
    """An event that must be refused has been sent (or is answered, with `?send=false`)."""
    asked = asked_body(required={"kind": str, "event": str}, optional={})
    if asked["kind"] not in KINDS or asked["event"] not in EVENTS:
        what = f"'kind' is one of {sorted(KINDS)}, 'event' one of {sorted(EVENTS)}"
        raise Refused(400, "kind-unknown", what)
    world = this_world()
    with world.books.open() as db:
        openid, settings = known_user(db, user_id).openid, read_settings(db)
        old = last_sent(db, openid, name=asked["event"])
    if settings is None:
        raise Refused(409, "push-nowhere", "say where events go with PUT /sandbox/push")
    if asked["kind"] == "replay":
        if old is None:
            raise Refused(409, "event-none", "no such event was ever sent for this user")
        sent = old
    else:
        sent = forged_push(
            settings, _invented(asked["event"], openid), kind=asked["kind"],
            appid=world.identity.appid, at_s=world.clock.now_s(),
        )  # fmt: skip
    if request.args.get("send", "true") == "false":
        return {"query": sent[0], "body": sent[1].decode()}
    status, text = post_push(settings, sent)
    return {"status": status, "body": text}


def _happened(
    user_id: str, event_of: Callable[[str], Event], *, is_the_end: bool = False
) -> ResponseReturnValue:
    world = this_world()
    at_s = world.clock.now_s()
    with world.books.open() as db:
        event = event_of(known_user(db, user_id).openid)
        event_id = write_event(db, event, at_s=at_s)
        if is_the_end:
            messages.close_account(db, user_id, at_s=at_s)
    world.pusher.wake()
    return {"event_id": event_id, "event": event.name}


def _settings(asked: dict[str, Any]) -> PushSettings:
    needed = ("url", "token", "encoding_aes_key", "format")
    missing = [name for name in needed if name not in asked]
    if missing:
        raise Refused(400, "field-missing", f"send {missing[0]!r}, or {{}} to push nothing")
    wrong = {
        "url": not re.fullmatch(r"https?://\S+", asked["url"]),
        "token": not re.fullmatch(r"[0-9A-Za-z]{3,32}", asked["token"]),
        "encoding_aes_key": not re.fullmatch(r"[0-9A-Za-z]{43}", asked["encoding_aes_key"]),
        "format": asked["format"] not in ("json", "xml"),
    }
    for name, is_wrong in wrong.items():
        if is_wrong:
            what = "a token has 3 to 32, an EncodingAESKey 43 letters and digits; json or xml"
            raise Refused(400, "field-wrong", f"{name!r}: {what}")
    return PushSettings(**{name: asked[name] for name in needed})


def _require_template(template: object) -> None:
    form: dict[str, type] = {"template_id": str, "title": str, "fields": list}
    if not isinstance(template, dict) or set(template) != set(form):
        raise Refused(400, "field-wrong", f"a template has {sorted(form)}")
    fields = template["fields"]
    if any(type(template[name]) is not kind or not template[name] for name, kind in form.items()):
        raise Refused(400, "field-wrong", "a template's id and title are texts, its fields a list")
    for field in fields:
        if not isinstance(field, str) or not is_key(field):
            raise Refused(400, "field-wrong", f"no field can be {field!r}; thing1 or amount2 can")


def _invented(name: str, openid: str) -> Event:
    template_id = "T" + "0" * 42
    made = (
        revoke_event(openid, revoke_info=_PHONE_NUMBER),
        cancellation_event(openid),
        popup_event(openid, template_id=template_id, answer="accept"),
        sent_event(openid, template_id=template_id, msgid=1),
    )
    return next(event for event in made if event.name == name)
