"""What two administrators decide about staff: an account, a role and district, new credentials."""

from datetime import datetime
from typing import Any

from sqlalchemy import select

from app import clock, vault
from app.db import db
from app.errors import Unacceptable
from app.models import StaffAccount, StaffPerson
from app.rules import duties
from app.rules.id_number import (
    normalise_id_number,
    normalise_name,
    refusals_of_id_number,
    refusals_of_name,
)
from app.services import policies, staff_accounts
from app.services.approval_action import Action, Decision, Payload, Proposal
from app.services.staff import current_assignment
from app.services.staff_credentials import account_of

_NO_ACCOUNT = {"account_id": ["没有这个工作人员账号。"]}


# --- an account for somebody ---


def _prepare_account(payload: Payload, at: datetime) -> Proposal:
    """`login`, `name`, `id_number`, `role`, `district`: who is to work here, as what, and where."""
    name, id_number = normalise_name(payload["name"]), normalise_id_number(payload["id_number"])
    problems = _place_problems(payload, at)
    reasons = (*refusals_of_name(name), *refusals_of_id_number(id_number, on=clock.day_of(at)))
    for reason in reasons:
        problems.setdefault(reason.field or "body", []).append(reason.sentence)
    if staff_accounts.LOGIN_SHAPE.fullmatch(payload["login"]) is None:
        problems["login"] = ["账号为3至32位小写字母、数字、点或短横，以字母开头。"]
    elif account_of(payload["login"]) is not None:
        problems["login"] = ["该账号名已被使用。"]
    person_id = staff_accounts.person_id_of(id_number)
    if person_id is not None and db.session().get_one(StaffPerson, person_id).name != name:
        problems["name"] = ["与该证件号码已登记的姓名不一致。"]
    if problems:
        raise Unacceptable(fields=problems)
    fit = {**payload, "name": name, "id_number": id_number}
    return Proposal(payload=fit, staff_person_id=person_id)


def _apply_account(payload: Payload, decision: Decision) -> dict[str, Any]:
    """The account is invited; an administrator can hand its owner an activation code."""
    person_id = staff_accounts.person_of(payload["name"], payload["id_number"], decision.at)
    account = staff_accounts.invite(login=payload["login"], person_id=person_id, at=decision.at)
    _assign(account, payload, decision)
    return {"account_id": account.public_id}


def _account_in_words(payload: Payload) -> list[str]:
    masked = vault.masked_name(payload["name"]), vault.masked_id_number(payload["id_number"])
    return [
        f"为 {masked[0]}（证件号码 {masked[1]}）开设账号 {payload['login']}：{_place(payload)}。",
        *_other_accounts(payload),
    ]


def _account_shown(payload: Payload) -> Payload:
    return {
        **payload,
        "name": vault.masked_name(payload["name"]),
        "id_number": vault.masked_id_number(payload["id_number"]),
    }


def _other_accounts(payload: Payload) -> list[str]:
    person_id = staff_accounts.person_id_of(payload["id_number"])
    logins = db.session().scalars(
        select(StaffAccount.login).where(
            StaffAccount.staff_person_id == person_id, StaffAccount.login != payload["login"]
        )
    )
    return [f"请注意：此人已有账号 {login}。" for login in logins]


# --- another role or district ---


def _prepare_assignment(payload: Payload, at: datetime) -> Proposal:
    """`account_id`, `role`, `district`: what the account is to be from then on."""
    account = _account(payload["account_id"])
    problems = _place_problems(payload, at) | ({} if account else _NO_ACCOUNT)
    if problems or account is None:
        raise Unacceptable(fields=problems)
    return Proposal(payload=dict(payload), staff_person_id=account.staff_person_id)


def _apply_assignment(payload: Payload, decision: Decision) -> dict[str, Any]:
    """The account holds the role from now on, and its sessions have ended."""
    account = _account(payload["account_id"], lock=True)
    assert account is not None  # prepared a moment ago  # noqa: S101
    _assign(account, payload, decision)
    return {"account_id": account.public_id}


def _assignment_in_words(payload: Payload) -> list[str]:
    account = _account(payload["account_id"])
    if account is None:
        return []
    return [f"账号 {account.login} 调整为：{_place(payload)}；现有登录立即失效。"]


# --- new credentials ---


def _prepare_reset(payload: Payload, at: datetime) -> Proposal:
    """`account_id`: whose password and TOTP are to be chosen anew, also after being disabled."""
    account = _account(payload["account_id"])
    if account is None:
        raise Unacceptable(fields=_NO_ACCOUNT)
    return Proposal(payload=dict(payload), staff_person_id=account.staff_person_id)


def _apply_reset(payload: Payload, decision: Decision) -> dict[str, Any]:
    """The account waits for activation, and its sessions have ended."""
    account = _account(payload["account_id"], lock=True)
    assert account is not None  # prepared a moment ago  # noqa: S101
    staff_accounts.reset(account, at=decision.at)
    return {"account_id": account.public_id}


def _reset_in_words(payload: Payload) -> list[str]:
    account = _account(payload["account_id"])
    if account is None:
        return []
    place = current_assignment(account.id)
    said = "" if place is None else f"（{_place(vars(place))}）"
    return [f"重置账号 {account.login}{said}的密码和动态码；现有登录立即失效，停用的账号恢复。"]


# --- what they share ---


def _place_problems(payload: Payload, at: datetime) -> dict[str, list[str]]:
    problems = {}
    if payload["role"] not in duties.ROLES:
        problems["role"] = [f"应为以下之一：{'、'.join(duties.ROLES)}。"]
    districts = policies.policy_on(clock.day_of(at)).policy.eligibility.districts
    codes = (duties.CENTRE, *(each.code for each in districts))
    if payload["district"] not in codes:
        problems["district"] = [f"应为以下之一：{'、'.join(codes)}。"]
    return problems


def _place(payload: Payload) -> str:
    where = "中心" if payload["district"] == duties.CENTRE else payload["district"]
    return f"岗位“{duties.ROLES[payload['role']]}”，{where}"


def _assign(account: StaffAccount, payload: Payload, decision: Decision) -> None:
    staff_accounts.assign(
        account.id,
        payload["role"],
        payload["district"],
        approval_id=decision.approval_id,
        at=decision.at,
    )


def _account(public_id: str, *, lock: bool = False) -> StaffAccount | None:
    query = select(StaffAccount).where(StaffAccount.public_id == public_id)
    return db.session().scalars(query.with_for_update() if lock else query).one_or_none()


ACCOUNT = Action(
    prepare=_prepare_account,
    apply=_apply_account,
    in_words=_account_in_words,
    shown=_account_shown,
)
ASSIGNMENT = Action(
    prepare=_prepare_assignment, apply=_apply_assignment, in_words=_assignment_in_words
)
RESET = Action(prepare=_prepare_reset, apply=_apply_reset, in_words=_reset_in_words)
