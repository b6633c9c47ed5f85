"""The events that WeChat pushes, as JSON and as XML."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

REVOKE = "user_authorization_revoke"
CANCELLATION = "user_authorization_cancellation"
POPUP = "subscribe_msg_popup_event"
SENT = "subscribe_msg_sent_event"
EVENTS = (REVOKE, CANCELLATION, POPUP, SENT)

# The part of an XML event that holds its list.
_PARTS = {POPUP: "SubscribeMsgPopupEvent", SENT: "SubscribeMsgSentEvent"}
_NUMBERS = {"CreateTime", "MsgID", "ErrorCode", "PopupScene"}


@dataclass(frozen=True)
class Event:
    """Something that happened to a user, before WeChat puts it into a format."""

    name: str
    openid: str
    facts: dict[str, str]


def revoke_event(openid: str, *, revoke_info: str) -> Event:
    """The user took back what he had allowed; `revoke_info` says what, in WeChat's numbers."""
    return Event(REVOKE, openid, {"RevokeInfo": revoke_info})


def cancellation_event(openid: str) -> Event:
    """The user's account is no more."""
    return Event(CANCELLATION, openid, {})


def popup_event(openid: str, *, template_id: str, answer: str) -> Event:
    """The user was asked whether messages may come; `answer` is accept or reject."""
    facts = {"TemplateId": template_id, "SubscribeStatusString": answer, "PopupScene": "0"}
    return Event(POPUP, openid, facts)


def sent_event(openid: str, *, template_id: str, msgid: int) -> Event:
    """A subscribe message arrived."""
    facts = {"TemplateId": template_id, "MsgID": str(msgid)}
    return Event(SENT, openid, facts | {"ErrorCode": "0", "ErrorStatus": "success"})


def account_name(appid: str) -> str:
    """The mini-program's original id is returned, `gh_` and 12 hex digits."""
    return "gh_" + hashlib.sha256(appid.encode()).hexdigest()[:12]


def event_text(event: Event, *, appid: str, at_s: int, is_xml: bool) -> str:
    """The event is returned as WeChat writes it, before it is encrypted."""
    about_user = event.name in (REVOKE, CANCELLATION)
    head: dict[str, Any] = {
        "ToUserName": account_name(appid),
        # Of an authorisation the platform itself tells; the user stands in OpenID.
        "FromUserName": _platform_openid(appid) if about_user else event.openid,
        "CreateTime": at_s if about_user or is_xml else str(at_s),
        "MsgType": "event",
        "Event": event.name,
    }
    if about_user:
        facts = head | {"OpenID": event.openid, "AppID": appid} | event.facts
        return _xml(facts) if is_xml else json.dumps(facts)
    if is_xml:
        return _xml(head | {_PARTS[event.name]: {"List": event.facts}})
    # A list of one is no list in JSON.
    return json.dumps(head | {"List": event.facts})


def _platform_openid(appid: str) -> str:
    return "o" + hashlib.sha256(f"platform of {appid}".encode()).hexdigest()[:27]


def _xml(facts: dict[str, Any]) -> str:
    return f"<xml>{_inside(facts)}</xml>"


def _inside(facts: dict[str, Any]) -> str:
    return "".join(f"<{name}>{_element(name, value)}</{name}>" for name, value in facts.items())


def _element(name: str, value: object) -> str:
    if isinstance(value, dict):
        return _inside(value)
    if name in _NUMBERS:
        return escape(str(value))
    return f"<![CDATA[{str(value).replace(']]>', '')}]]>"
