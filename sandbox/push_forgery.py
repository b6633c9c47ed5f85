"""Pushed events that an app must refuse, one fault each, everything else about them right."""

from urllib.parse import parse_qsl, urlencode

from sandbox.push_crypto import PushSettings, plain_signature
from sandbox.push_events import Event
from sandbox.pusher import sealed_event

# kind -> what is wrong; a replay is an old event in its very bytes.
KINDS = ("signature", "other-appid", "replay")

_OTHER_APPID = "wx0123456789abcdef"


def forged_push(
    settings: PushSettings, event: Event, *, kind: str, appid: str, at_s: int
) -> tuple[str, bytes]:
    """Query and body of a push with a strange signature, or with another app's id inside."""
    inner = _OTHER_APPID if kind == "other-appid" else appid
    query, body = sealed_event(
        settings, event, appid=appid, happened_s=at_s, at_s=at_s, inner_appid=inner
    )
    if kind == "signature":
        # As somebody would sign who knows everything but the token.
        strange = plain_signature("not the token", query)
        query = urlencode(dict(parse_qsl(query)) | {"msg_signature": strange})
    return query, body
