"""What a guesser sends to the staff's door, what he is answered, and what is on record of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pyotp
from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app.models import AuditEntry
from sandbox.desk import Desk
from tests.api.asking import NEVER_TOLD
from tests.house import House
from tests.office import invited_administrator

NO_CODE = "000000"
NO_PASSWORD = "correct horse battery"  # nobody's
_STEP_S = 30


def sign_in_with(
    app: Flask,
    login: str,
    password: str,
    totp: str,
    *,
    peer: str = "127.0.0.1",
    headers: Mapping[str, str] | None = None,
) -> TestResponse:
    """The answer to one sign-in; `peer` is the address it comes from."""
    body = {"login": login, "password": password, "totp": totp}
    return _posted(app, "/v1/staff/sessions", body, peer, headers)


def activate_with(
    app: Flask,
    login: str,
    code: str = "0" * 26,
    password: str = NO_PASSWORD,
    *,
    peer: str = "127.0.0.1",
    headers: Mapping[str, str] | None = None,
) -> TestResponse:
    """The answer to one activation. A wrong one costs no password hash: a cheap try."""
    body = {"login": login, "activation_code": code, "password": password}
    return _posted(app, "/v1/staff/activations", body, peer, headers)


def kind_of(answer: TestResponse) -> tuple[int, str]:
    """Status and kind of a refusal."""
    return answer.status_code, json.loads(answer.data)["type"].removeprefix("/problems/")


def told(answer: TestResponse) -> tuple[int, str, dict[str, str]]:
    """Every byte of an answer but those that name this one request."""
    headers = {k: v for k, v in answer.headers.items() if k not in NEVER_TOLD}
    text = answer.data.decode()
    assert answer.headers["X-Request-Id"] in text
    return answer.status_code, text.replace(answer.headers["X-Request-Id"], ""), headers


def compared(house: House) -> int:
    """How many tries were compared with anything and found wrong: each of them is on record."""
    query = select(func.count()).where(AuditEntry.verdict == "credentials-refused")
    return int(house.rows(query)[0][0])


def an_administrator(house: House, login: str = "admin.one") -> Desk:
    """The desk of an administrator whose account is activated, and who has not signed in yet."""
    desk = Desk(house.api, house.sandbox, login)
    desk.activate(invited_administrator(house, login))
    return desk


def digits(desk: Desk, at: datetime, steps: int = 0) -> str:
    """What the desk's authenticator showed so many steps of 30 seconds after that moment."""
    return pyotp.TOTP(desk.secret).generate_otp(int(at.timestamp()) // _STEP_S + steps)


def bearer(desk: Desk) -> str:
    """The token the desk holds."""
    return str(desk._http.headers["Authorization"]).removeprefix("Bearer ")


def _posted(
    app: Flask, path: str, body: Mapping[str, Any], peer: str, headers: Mapping[str, str] | None
) -> TestResponse:
    return app.test_client().post(
        path, json=dict(body), headers=dict(headers or {}), environ_base={"REMOTE_ADDR": peer}
    )
