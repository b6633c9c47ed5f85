"""Somebody whose every datum is recognisable, and a whole way in with all that goes wrong on it.

Where one of these values turns up - in an answer, a log line, a database file - it leaked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import requests

from app import settings
from sandbox.desk import Desk
from sandbox.phone import Phone, Problem
from tests.api.asking import ask, token_of
from tests.house import House, somebody

NAME = "欧阳灵溪"


class Witness:
    """Sees every answer the service gives to one phone, or to all that it watches."""

    def __init__(self, holder: Phone | Desk) -> None:
        self.answers: list[requests.Response] = []
        self.watch(holder)

    def watch(self, holder: Phone | Desk) -> None:
        """What this phone or desk is answered is seen from now on."""
        holder._http.hooks["response"].append(self._see)

    def _see(self, answer: requests.Response, **_: Any) -> None:
        if not str(answer.request.path_url).startswith("/sandbox/"):  # a clock on the wall
            self.answers.append(answer)


def life(house: House) -> tuple[Phone, Witness, dict[str, str]]:
    """A phone that has lived a whole way in; its witness; and every secret of that life, named."""
    phone = house.phone(somebody(name=NAME))
    witness = Witness(phone)
    secrets = secrets_of(house, phone)
    code = secrets["login code"] = phone.wechat.login_code()
    _wrong(phone, "POST", "/v1/sessions", {"code": "no-code-of-wechat"})
    phone.log_in()
    secrets["token"] = token_of(phone)
    phone.consent()
    _fail_to_prove(house, phone, secrets)
    phone.prove_identity()
    _wrong(phone, "POST", "/v1/me/enrolment", declared(district="elsewhere", draws_pension=True))
    phone.enrol()
    agreement = phone.sign_agreement()
    _pay_and_look(house, phone)
    pdf = ask(
        house,
        "POST",
        "/v1/public/agreements/verify",
        data=phone.agreement_pdf(agreement["agreement_id"]),
        headers={"Content-Type": "application/pdf"},
    )
    assert pdf.get_json()["valid"] is True
    assert ask(house, "POST", "/v1/sessions", json={"code": code}).status_code == 201
    _wrong(phone, "POST", "/v1/sessions", {"code": code})
    _wrong(phone, "POST", "/v1/sessions", {"code": code, "name": phone.owner.name})
    return phone, witness, secrets


def declared(**other: Any) -> dict[str, Any]:
    """A declaration with some answers other than usual."""
    usual = {"work_kind": "new-form", "district": "wuxing", "works_in_city": True}
    return {**usual, "draws_pension": False, **other}


def secrets_of(house: House, phone: Phone) -> dict[str, str]:
    """What must not be found anywhere, by its name."""
    chosen: settings.Settings = house.app.extensions["lingcun-settings"]
    owner = phone.owner
    return {
        "name": owner.name,
        "name, escaped": json.dumps(owner.name)[1:-1],
        "ID number": owner.id_number,
        "phone number": owner.phone,
        "openid": phone.wechat.openid,
        "app secret": chosen.mini_program.app_secret,
        "push token": chosen.push.token,
        "push AES key": chosen.push.aes_key,
        "APIv3 key": chosen.pay.apiv3_key.decode(),
        "merchant key": chosen.pay.merchant_key_pem.decode().splitlines()[3],
        "field key": chosen.vault.field_keys[max(chosen.vault.field_keys)].hex(),
        "blind index key": chosen.vault.blind_index_key.hex(),
    }


def found_in(text: str | bytes, secrets: dict[str, str]) -> set[str]:
    """The names of the secrets that stand in this text."""
    raw = text.encode() if isinstance(text, str) else text
    return {name for name, secret in secrets.items() if any(f in raw for f in forms(secret))}


def forms(secret: str) -> Iterator[bytes]:
    """The bytes by which a text may be recognised in a file."""
    yield secret.encode()
    yield secret.encode("utf-16-le")
    yield secret.encode().hex().encode()


def _fail_to_prove(house: House, phone: Phone, secrets: dict[str, str]) -> None:
    owner, checks = phone.owner, "/v1/me/identity-checks"
    secrets["phone code"] = phone.wechat.phone_code()
    known = {"name": owner.name, "id_number": owner.id_number}
    _wrong(phone, "POST", checks, {**known, "phone_code": "no-code-of-wechat"})
    _wrong(phone, "POST", checks, {**known, "phone_code": "x", "openid": phone.wechat.openid})
    _wrong(phone, "POST", checks, {**known, "id_number": owner.id_number[:-1] + "@"})
    _wrong(phone, "POST", checks, {**known, "name": f"{owner.name}\n{{'level': 'admin'}}"})
    started = phone.post(checks, {**known, "phone_code": secrets["phone code"]})
    secrets["verify id"] = started["verify_id"]
    _wrong(phone, "POST", f"{checks}/{started['check_id']}/finish", {})


def _pay_and_look(house: House, phone: Phone) -> None:
    _wrong(phone, "GET", "/v1/me/account", None)
    _wrong(phone, "POST", "/v1/me/deposits", {"amount_fen": 1})
    house.faults(fail_prepay=1)
    _wrong(phone, "POST", "/v1/me/deposits", {"amount_fen": 100_000})
    house.faults()
    house.deposit(phone, 100_000)
    phone.wechat.play("stray-payments", {"openid": phone.wechat.openid, "amount": 77_700})
    house.play(f"orders/{house.out_trade_no(0)}/forge", {"kind": "signature"})
    house.run_job("follow-up-payments")
    ordered = phone.order(100_000)
    phone.post(f"/v1/me/deposits/{ordered['deposit']['deposit_id']}/cancel")
    for path in (
        "/v1/me",
        "/v1/me/consents",
        "/v1/me/agreements",
        "/v1/me/agreement-draft",
        "/v1/me/deposits",
        "/v1/me/account",
        "/v1/me/account/postings",
        "/v1/me/account/daily-balances?from=2026-03-01&to=2026-03-02",
        "/v1/me/quota",
        "/v1/me/notifications",
        "/v1/public/notification-templates",
        "/v1/public/policy",
        "/openapi.json",
        "/docs",
    ):
        phone.call("GET", path) if path != "/docs" else ask(house, "GET", path)
    plan = {"kind": "lump-sum", "amount_fen": 100_000, "on": "2026-04-01"}
    phone.post("/v1/me/quota/what-if", plan)


def _wrong(phone: Phone, method: str, path: str, body: dict[str, Any] | None) -> None:
    try:
        phone.call(method, path, json=body, headers={"Idempotency-Key": "a-key-of-16-char"})
    except Problem:
        return
    raise AssertionError(f"{method} {path} went well")
