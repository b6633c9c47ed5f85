"""What staff propose, and where what they propose comes from."""

from __future__ import annotations

import itertools
import re
from typing import Any

import requests
from sqlalchemy import select

from app import clock, vault
from app.cli import FIRST_AGREEMENT, FIRST_POLICY
from app.models import Approval, PaymentCase, Person
from app.services import staff_sessions
from app.services.staff import Call, Staff
from sandbox.desk import Desk
from sandbox.phone import Owner, Phone
from tests.house import House
from tests.short_cuts import a_phone

APPROVE = "POST /v1/staff/approvals/<approval_id>/approve"
SUSPENSE, FLEXIBLE, UNIT, IN_TRANSIT = "21901", "20102", "20101", "10109"
_papers = itertools.count(1)


def a_policy(code: str, effective_on: str) -> str:
    """The pilot's policy under another code, from another day on."""
    text = FIRST_POLICY.read_text("utf-8")
    text = re.sub(r'^code = ".*"$', f'code = "{code}"', text, count=1, flags=re.M)
    return re.sub(r"^effective_on = .*$", f"effective_on = {effective_on}", text, flags=re.M)


def a_newer_text(*, number: int, effective_on: str, mandatory: bool = True) -> str:
    """A newer text of the agreement, with its head."""
    text = FIRST_AGREEMENT.read_text("utf-8")
    for old, new in (
        ('code = "huzhou-flexible-1"', f'code = "huzhou-flexible-{number}"'),
        ("number = 1", f"number = {number}"),
        ("effective_on = 2024-01-01", f"effective_on = {effective_on}"),
        ("mandatory = true", f"mandatory = {str(mandatory).lower()}"),
        ("每个缴存人只能设立一个", f"（第{number}版）每个缴存人只能设立一个"),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    return text


def a_line(debit_code: str, credit_code: str, amount_fen: int, **more: Any) -> dict[str, Any]:
    """A line of a manual journal."""
    return {
        "debit_code": debit_code,
        "credit_code": credit_code,
        "amount_fen": amount_fen,
        **more,
    }


def a_journal(*lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A manual journal on a paper that was never used."""
    paper = f"凭证-{next(_papers)}"
    return {"document_no": paper, "value_on": "2026-03-02", "lines": list(lines), **more}


def a_limit(
    person_id: str, limit_fen: int = 900_000, month_on: str = "2026-03-01"
) -> dict[str, Any]:
    """A depositor's own limit for a month."""
    return {"person_id": person_id, "month_on": month_on, "limit_fen": limit_fen}


def person_id_of(house: House, owner: Owner) -> str:
    """The public id of a depositor."""
    index = vault_index(house, owner)
    return str(house.rows(select(Person.public_id).where(Person.id_number_index == index))[0][0])


def vault_index(house: House, owner: Owner) -> bytes:
    """The blind index of somebody's ID number."""
    with house.app.app_context():
        return vault.blind_index(owner.id_number, purpose="id-number")


def account_no_of(phone: Phone) -> str:
    """The number of the phone owner's account."""
    return str(phone.get("/v1/me/account")["account_no"])


def a_saver_here(house: House, amount_fen: int = 100_000) -> tuple[Phone, str, str]:
    """A depositor's phone, his public id and his account number."""
    phone, _ = a_phone(house)
    house.deposit(phone, amount_fen)
    return phone, person_id_of(house, phone.owner), account_no_of(phone)


def suspend(house: House, phone: Phone, amount_fen: int) -> str:
    """The phone's owner paid what no order of ours explains; the case's id."""
    stray = {"openid": phone.wechat.openid, "amount": amount_fen, "notify": False}
    number = house.play("stray-payments", stray)["out_trade_no"]
    house.send_notice(house.play(f"orders/{number}/notice", {}))
    assert house.run_job("follow-up-payments")["suspended"] == 1
    query = select(PaymentCase.public_id).where(PaymentCase.kind == "suspended")
    return str(house.rows(query.order_by(PaymentCase.id.desc()))[0][0])


def token_of(desk: Desk) -> str:
    """The session token the desk holds."""
    return str(desk._http.headers["Authorization"]).removeprefix("Bearer ")


def let_in(house: House, desk: Desk, act: str = APPROVE) -> Staff:
    """The desk's owner as the door let him in this moment."""
    with house.app.app_context():
        call = Call(act=act, subject="", peer="127.0.0.1", request_id="")
        return staff_sessions.staff_calling(token=token_of(desk), call=call, at=clock.now())


def answer(house: House, desk: Desk, method: str, path: str, body: Any = None) -> requests.Response:
    """What the service answers the desk, whatever it is, on a connection of its own."""
    return requests.request(
        method,
        f"{house.api}/v1/staff{path}",
        json=body,
        headers={"Authorization": f"Bearer {token_of(desk)}"},
        timeout=60,
    )


def decision(
    house: House, desk: Desk, proposal: dict[str, Any], how: str = "approve"
) -> requests.Response:
    """What the service answers to a decision about exactly this proposal."""
    body = {"payload_sha256": proposal["payload_sha256"], "reason": "已核对"}
    return answer(house, desk, "POST", f"/approvals/{proposal['approval_id']}/{how}", body)


def kind_of(response: requests.Response) -> tuple[int, str]:
    """Status and kind of a refusal; (200, "") of an answer."""
    kind = response.json().get("type", "") if response.content else ""
    return response.status_code, kind.rsplit("/", 1)[-1]


def state_of(house: House, proposal: dict[str, Any]) -> str:
    """How the proposal stands in the database."""
    query = select(Approval.state).where(Approval.public_id == proposal["approval_id"])
    return str(house.rows(query)[0][0])
