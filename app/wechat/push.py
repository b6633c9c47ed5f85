"""What WeChat pushes to the mini-program's server: proved by its signature, opened, read.

wechatpy's crypto does the proving and the opening. What it leaves open is closed here: it compares
signatures as plain texts, takes a push of any age, fails on garbage in a dozen ways, and joins what
it signs without separators, so that a timestamp may only be ten digits.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from xml.parsers.expat import ExpatError

import xmltodict
from wechatpy.crypto import WeChatCrypto
from wechatpy.exceptions import WeChatException
from wechatpy.utils import WeChatSigner

from app.settings.wechat import PushSettings
from app.wechat.apiv3 import FRESH_S, NotFromWechat

_NONCE = "[0-9A-Za-z]{1,64}"
_ECHO = r"[0-9A-Za-z+/=_-]{1,128}"
_NAME = r"[0-9A-Za-z_-]{1,64}"
# A document of WeChat's declares nothing: whoever declares a type or an entity is not WeChat.
_DECLARATION = re.compile(r"<!(?!\[CDATA\[)")
_ITEMS_MAX = 32


@dataclass(frozen=True)
class PushedEvent:
    """Something WeChat certainly told us just now.

    `name` is empty for what is no event, such as a chat message. `openid` is whom it is about;
    `items` are the event's own facts, one mapping for each template or message.
    """

    name: str
    openid: str
    happened_at: datetime
    items: tuple[Mapping[str, str], ...]
    content_sha256: str
    signature: str


class MessagePush:
    """The token and the key of one mini-program, ready for use."""

    def __init__(self, settings: PushSettings, *, appid: str) -> None:
        self._token = settings.token
        self._crypto = WeChatCrypto(settings.token, settings.aes_key, appid)

    def echo(self, query: Mapping[str, str], *, at: datetime) -> str:
        """The text WeChat wants to hear back when it asks whether this address is ours.

        Raises `NotFromWechat`.
        """
        echostr = query.get("echostr", "")
        self._prove(query, "signature", at=at)
        if re.fullmatch(_ECHO, echostr) is None:
            raise NotFromWechat("echostr")
        return echostr

    def open(self, query: Mapping[str, str], body: bytes, *, at: datetime) -> PushedEvent:
        """The event in these bytes; raises `NotFromWechat` for all WeChat did not just push."""
        if query.get("encrypt_type") != "aes":
            raise NotFromWechat("not-encrypted")
        sealed = _read(body).get("Encrypt")
        if not isinstance(sealed, str) or not sealed.isascii():
            raise NotFromWechat("envelope")
        signature = self._prove(query, "msg_signature", sealed, at=at)
        return _event(self._opened(query, sealed), signature)

    def _prove(self, query: Mapping[str, str], name: str, *more: str, at: datetime) -> str:
        """The signature, which is right and fresh."""
        timestamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
        if not (re.fullmatch("[0-9]{10}", timestamp) and re.fullmatch(_NONCE, nonce)):
            raise NotFromWechat("query")
        if abs(at.timestamp() - int(timestamp)) > FRESH_S:
            raise NotFromWechat("stale")
        signer = WeChatSigner()
        signer.add_data(self._token, timestamp, nonce, *more)
        given = query.get(name, "")
        if not hmac.compare_digest(
            str(signer.signature).encode(), given.encode("utf-8", "replace")
        ):
            raise NotFromWechat("signature")
        return given

    def _opened(self, query: Mapping[str, str], sealed: str) -> bytes:
        try:
            text = self._crypto.decrypt_message(
                {"Encrypt": sealed}, query["msg_signature"], query["timestamp"], query["nonce"]
            )
            return str(text).encode()
        except WeChatException as refused:
            raise NotFromWechat(type(refused).__name__) from None
        except Exception:  # noqa: BLE001 - whatever wechatpy stumbles over was not sealed by WeChat
            raise NotFromWechat("seal") from None


def _read(raw: bytes) -> Mapping[str, Any]:
    """The object in the bytes, JSON or XML, both of which WeChat may be set to."""
    try:
        text = raw.decode("utf-8").strip()
        if not text.startswith("<"):
            found = json.loads(text)
        elif _DECLARATION.search(text):
            raise NotFromWechat("declaration")
        else:
            found = xmltodict.parse(text, xml_attribs=False)["xml"]
    except (ValueError, KeyError, ExpatError, RecursionError):
        raise NotFromWechat("envelope") from None
    if not isinstance(found, dict):
        raise NotFromWechat("envelope")
    return found


def _event(opened: bytes, signature: str) -> PushedEvent:
    facts = _read(opened)
    is_event = facts.get("MsgType") == "event"
    # Of an authorisation the platform itself tells: the user stands in `OpenID`.
    openid = facts.get("OpenID", facts.get("FromUserName"))
    name = facts.get("Event", "") if is_event else ""
    happened_s = str(facts.get("CreateTime", ""))
    known = isinstance(openid, str) and re.fullmatch(_NAME, openid)
    if not (known and isinstance(name, str) and re.fullmatch(f"({_NAME})?", name)):
        raise NotFromWechat("event")
    if re.fullmatch("[0-9]{10}", happened_s) is None:
        raise NotFromWechat("event")
    items = _items(facts) if name else ()
    # Not `FromUserName`, the event's name and its second alone: of two people who take their leave
    # in one second the platform tells in the same name.
    content = json.dumps([facts.get("FromUserName"), openid, name, happened_s, items])
    return PushedEvent(
        name=name,
        openid=str(openid),
        happened_at=datetime.fromtimestamp(int(happened_s), UTC),
        items=items,
        content_sha256=hashlib.sha256(content.encode()).hexdigest(),
        signature=signature,
    )


def _items(facts: Mapping[str, Any]) -> tuple[Mapping[str, str], ...]:
    """The entries of an event's list: `List` in JSON, one level deeper in XML; one is no list."""
    parts = [facts, *(each for each in facts.values() if isinstance(each, dict))]
    found: Any = next((part["List"] for part in parts if "List" in part), [])
    listed = found if isinstance(found, list) else [found]
    return tuple(
        {str(name): str(value) for name, value in sorted(item.items())}
        for item in listed[:_ITEMS_MAX]
        if isinstance(item, dict)
    )
