"""A workplace at the centre: one member of staff with password and authenticator, over HTTP.

It knows what a person at a counter knows: the login, the password he chose, the secret in his
authenticator app, and what the service answered.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyotp

from sandbox.phone import TIMEOUT_S, http_session, json_answer

_STEP_S = 30


class Desk:
    """One login, used by its owner."""

    def __init__(self, api: str, sandbox: str, login: str) -> None:
        self._api, self._sandbox = api, sandbox
        self._http = http_session()
        self.login = login
        self.password = f"Zx7-{secrets.token_urlsafe(12)}"
        self.secret = ""
        self._last_step = 0

    def call(self, method: str, path: str, **kwargs: Any) -> Any:
        """The service's JSON answer (None for 204); raises `Problem`."""
        answer = self._http.request(method, f"{self._api}{path}", timeout=TIMEOUT_S, **kwargs)
        return json_answer(answer)

    def get(self, path: str, **query: Any) -> Any:
        """The answer to a GET under /v1/staff."""
        return self.call("GET", f"/v1/staff{path}", params=query)

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The answer to a POST under /v1/staff with a JSON body."""
        return self.call("POST", f"/v1/staff{path}", json=dict(body or {}))

    def activate(self, code: str) -> None:
        """The account has its owner's password, and his authenticator knows the secret."""
        body = {"login": self.login, "activation_code": code, "password": self.password}
        uri = self.post("/activations", body)["totp_uri"]
        self.secret = parse_qs(urlsplit(uri).query)["secret"][0]
        self._last_step = 0

    def totp(self) -> str:
        """The six digits on the authenticator: never the same ones twice, as its owner waits.

        A code is good for a step before and after its own, so that two more come without waiting.
        """
        step = max(int(self._now().timestamp()) // _STEP_S - 1, self._last_step + 1)
        self._last_step = step
        return pyotp.TOTP(self.secret).generate_otp(step)

    def sign_in(self) -> None:
        """The desk holds a session token from now on."""
        body = {"login": self.login, "password": self.password, "totp": self.totp()}
        self.hold(self.post("/sessions", body)["token"])

    def hold(self, token: str) -> None:
        """The desk uses this token."""
        self._http.headers["Authorization"] = f"Bearer {token}"

    def reauthenticate(self) -> None:
        """Password and code were given again: sensitive acts are free for five minutes."""
        body = {"password": self.password, "totp": self.totp()}
        self.post("/sessions/current/reauthentication", body)

    def propose(self, action: str, reason: str, **payload: Any) -> dict[str, Any]:
        """A proposal waits; answers it as its decider will see it."""
        return dict(self.post(f"/approvals/{action}", {"reason": reason, **payload}))

    def decide(self, proposal: Mapping[str, Any], how: str, reason: str) -> dict[str, Any]:
        """The proposal was looked at and is decided: `how` is approve or reject."""
        path = f"/approvals/{proposal['approval_id']}"
        seen = self.get(path)
        body = {"payload_sha256": seen["payload_sha256"], "reason": reason}
        return dict(self.post(f"{path}/{how}", body))

    def approve(self, proposal: Mapping[str, Any], reason: str = "已核对") -> dict[str, Any]:
        """The proposal is approved and carried out."""
        return self.decide(proposal, "approve", reason)

    def _now(self) -> datetime:
        answer = self._http.get(f"{self._sandbox}/sandbox/clock", timeout=TIMEOUT_S)
        return datetime.fromisoformat(json_answer(answer)["now"])
