"""A worker's phone: the mini-program and its owner, over HTTP to the service and to WeChat.

It knows what a real phone knows and no more: its own token, what the service answered, and what
its owner does with fingers and face. Tests and the demonstration both live through it.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

TIMEOUT_S = 30


class Problem(Exception):
    """The service refused: `status` and the problem details it answered."""

    def __init__(self, status: int, details: Mapping[str, Any]) -> None:
        super().__init__(f"{status} {details.get('type')}: {details.get('detail')}")
        self.status = status
        self.details = details

    @property
    def kind(self) -> str:
        """The stable name of the problem, such as `step-missing`."""
        return str(self.details.get("type", "")).rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Owner:
    """Who holds the phone."""

    name: str
    id_number: str
    phone: str


class WechatUser:
    """The owner's WeChat on this phone: gives codes, shows his face, pays."""

    def __init__(self, sandbox: str, owner: Owner) -> None:
        self._sandbox = sandbox
        self._http = http_session()
        made = self.play("users", vars(owner))
        self.user_id, self.openid = made["user_id"], made["openid"]

    def play(self, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """WeChat did what was asked under `/sandbox/<path>`; raises `Problem`."""
        url = f"{self._sandbox}/sandbox/{path}"
        return dict(json_answer(self._http.post(url, json=body or {}, timeout=TIMEOUT_S)))

    def login_code(self) -> str:
        """A fresh `wx.login` code."""
        return str(self.play(f"users/{self.user_id}/login-code")["code"])

    def phone_code(self) -> str:
        """The code of the phone-number button."""
        return str(self.play(f"users/{self.user_id}/phone-code")["code"])

    def show_face(self, verify_id: str) -> int:
        """The face check is done; what the phone is told about it proves nothing."""
        answer = self.play(f"users/{self.user_id}/face", {"verify_id": verify_id})
        return int(answer["verify_ret"])

    def pay(self, parameters: Mapping[str, str], **how: Any) -> dict[str, Any]:
        """`wx.requestPayment` succeeded; `how` takes success_time and notify."""
        return self.play(f"users/{self.user_id}/pay", {**parameters, **how})

    def change(self, **new: str) -> None:
        """The owner has another name, ID number or phone number; the openid stays."""
        url = f"{self._sandbox}/sandbox/users/{self.user_id}"
        json_answer(self._http.patch(url, json=new, timeout=TIMEOUT_S))


class Phone:
    """The mini-program on one phone."""

    def __init__(self, api: str, sandbox: str, owner: Owner) -> None:
        self._api = api
        self._http = http_session()
        self.owner = owner
        self.wechat = WechatUser(sandbox, owner)

    def call(self, method: str, path: str, **kwargs: Any) -> Any:
        """The service's JSON answer (None for 204); raises `Problem`."""
        return json_answer(
            self._http.request(method, f"{self._api}{path}", timeout=TIMEOUT_S, **kwargs)
        )

    def get(self, path: str, **query: Any) -> Any:
        """The answer to a GET."""
        return self.call("GET", path, params=query)

    def post(self, path: str, body: Mapping[str, Any] | None = None, **headers: str) -> Any:
        """The answer to a POST with a JSON body."""
        return self.call("POST", path, json=dict(body or {}), headers=headers)

    def log_in(self) -> None:
        """The phone holds a session token from now on."""
        session = self.post("/v1/sessions", {"code": self.wechat.login_code()})
        self._http.headers["Authorization"] = f"Bearer {session['token']}"

    def consent(self) -> list[str]:
        """Every text asked for was consented to; answers their titles."""
        asked = self.get("/v1/me/consents")
        for each in asked:
            body = {"text_sha256": each["text_sha256"]}
            self.call("PUT", f"/v1/me/consents/{each['purpose']}", json=body)
        return [str(each["title"]) for each in asked]

    def prove_identity(self) -> None:
        """The owner is proved to be who he says: name, number, phone and face."""
        started = self.post(
            "/v1/me/identity-checks",
            {
                "name": self.owner.name,
                "id_number": self.owner.id_number,
                "phone_code": self.wechat.phone_code(),
            },
        )
        self.wechat.show_face(started["verify_id"])
        self.post(f"/v1/me/identity-checks/{started['check_id']}/finish")

    def enrol(self, **declared: Any) -> dict[str, Any]:
        """The owner is admitted to the pilot; raises `Problem` with every reason."""
        body = {
            "work_kind": "new-form",
            "district": "wuxing",
            "works_in_city": True,
            "draws_pension": False,
            **declared,
        }
        return dict(self.post("/v1/me/enrolment", body))

    def sign_agreement(self) -> dict[str, Any]:
        """The agreement in force is read and signed by its hash."""
        draft = self.get("/v1/me/agreement-draft")
        return dict(self.post("/v1/me/agreements", {"text_sha256": draft["text_sha256"]}))

    def agreement_pdf(self, agreement_id: str) -> bytes:
        """The sealed PDF."""
        path = f"{self._api}/v1/me/agreements/{agreement_id}/pdf"
        answer = self._http.get(path, timeout=TIMEOUT_S)
        answer.raise_for_status()
        return answer.content

    def order(self, amount_fen: int, *, key: str | None = None) -> dict[str, Any]:
        """A deposit order stands; its answer holds what `wx.requestPayment` takes."""
        headers = {"Idempotency-Key": key or uuid.uuid4().hex}
        return dict(self.post("/v1/me/deposits", {"amount_fen": amount_fen}, **headers))

    def deposit(self, amount_fen: int, **how: Any) -> dict[str, Any]:
        """A deposit was ordered and paid in WeChat; answers its order. The notice follows."""
        ordered = self.order(amount_fen)
        self.wechat.pay(ordered["payment_parameters"], **how)
        return dict(ordered["deposit"])

    def settle(self, deposit_id: str) -> dict[str, Any]:
        """The deposit as the service knows it after asking WeChat."""
        return dict(self.post(f"/v1/me/deposits/{deposit_id}/settle"))

    def join(self, **declared: Any) -> None:
        """Everything before the first deposit is done."""
        self.log_in()
        self.consent()
        self.prove_identity()
        self.enrol(**declared)
        self.sign_agreement()


def http_session() -> requests.Session:
    """A session that goes through no proxy: everything is on this machine."""
    session = requests.Session()
    session.trust_env = False
    return session


def json_answer(response: requests.Response) -> Any:
    """The answer's JSON, None where there is none; raises `Problem` when it was refused."""
    if response.status_code >= 400:
        try:
            details = response.json()
        except ValueError:
            details = {"detail": response.text[:200]}
        raise Problem(response.status_code, details)
    return response.json() if response.content else None
