"""WeChat's message push in a house: switched on at the sandbox, or a push of one's own."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from werkzeug.test import TestResponse

from app import clock, settings
from sandbox.push_crypto import PushSettings, sealed_push
from sandbox.push_events import Event, event_text
from tests.api.asking import ask
from tests.house import House

PATH = "/v1/notices/wechat-messages"
WAIT_S = 20


def push_settings(house: House, form: str = "json") -> PushSettings:
    """Where this house wants its events, and how they are sealed."""
    chosen: settings.Settings = house.app.extensions["lingcun-settings"]
    url = house.api.replace("http://127.0.0.1", "https://localhost") + PATH
    return PushSettings(url, chosen.push.token, chosen.push.aes_key, form)


def switch_on(house: House, form: str = "json") -> None:
    """WeChat pushes what happens to the house, which has answered its echo."""
    house._control("PUT", "push", vars(push_settings(house, form)))


def all_taken(house: House) -> list[dict[str, Any]]:
    """Every event there was, once the house has taken the last of them."""
    end = time.monotonic() + WAIT_S
    while True:
        events = list(house._control("GET", "push")["events"])
        if all(each["is_delivered"] for each in events):
            return events
        assert time.monotonic() < end, events
        time.sleep(0.05)


def a_push(
    house: House, event: Event | str, *, form: str = "json", late_s: int = 0, **other: Any
) -> tuple[dict[str, str], bytes]:
    """Query and body of one push, sealed as WeChat would; `other` changes what it is sealed with.

    A text stands for what is under the seal, whatever it is.
    """
    chosen: settings.Settings = house.app.extensions["lingcun-settings"]
    appid, at_s = chosen.mini_program.appid, int(clock.now().timestamp())
    inner_appid = other.pop("inner_appid", appid)
    how = replace(push_settings(house, form), **other)
    if isinstance(event, Event):
        text, openid = event_text(event, appid=appid, at_s=at_s, is_xml=how.is_xml), event.openid
    else:
        text, openid = event, "o" * 28
    query, body = sealed_push(
        how, text, openid=openid, appid=appid, inner_appid=inner_appid, at_s=at_s + late_s
    )
    return dict(parse_qsl(query)), body


def send(house: House, pushed: tuple[dict[str, str], bytes]) -> TestResponse:
    """What the service answers to it."""
    query, body = pushed
    return ask(house, "POST", f"{PATH}?{urlencode(query)}", data=body)
