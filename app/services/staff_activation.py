"""How a member of staff comes in: invited, a code for a day, a password and TOTP of his own."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from app import clock, ids, settings
from app.db import db, retried, transaction
from app.errors import Conflict, Unacceptable, Unauthenticated
from app.models import StaffAccount, StaffActivation, StaffAssignment
from app.rules import duties
from app.rules.id_number import (
    normalise_id_number,
    normalise_name,
    refusals_of_id_number,
    refusals_of_name,
)
from app.rules.password import faults_of_password, normalised
from app.services import audit, limits, staff_credentials
from app.services.staff import (
    Call,
    SamePerson,
    Staff,
    refuse_unless_still,
    void_activations,
)
from app.services.staff_accounts import (
    ADMINISTRATOR,
    LOGIN_SHAPE,
    account_seen,
    assign,
    invite,
    person_id_of,
    person_of,
)

_ACTIVATION_LASTS = timedelta(hours=24)
# Two make decisions possible; the terminal makes no more than are needed for that.
_ADMINISTRATORS_BY_TERMINAL = 2


class ActivationRefused(Unauthenticated):
    """The login and its activation code do not belong together, or the code has run out."""

    sentence = "账号或激活码有误，或激活码已过期，请向安全管理员重新索取。"


class AdministratorsEnough(Conflict):
    """Two people administer already: further accounts are theirs to decide."""

    sentence = "已有两名在岗的安全管理员，后续账号请由他们经双人审批开设。"


class AccountNotWaiting(Conflict):
    """The account was activated, or is disabled: a code would open nothing."""

    sentence = "该账号不在待激活状态；如需重置登录凭据，请提交“重置登录凭据”审批。"


@dataclass(frozen=True)
class ActivationCode:
    """Shown once; only its hash is kept."""

    code: str
    expires_at: datetime


def add_administrator(*, login: str, name: str, id_number: str, by: str, at: datetime) -> str:
    """A security administrator is invited; answers his activation code. For the terminal alone.

    `by` is the system's user. Raises `AdministratorsEnough` once two people administer, and
    `Conflict` when the login is taken.
    """
    name, id_number = normalise_name(name), normalise_id_number(id_number)
    _refuse_unreadable(login, name, id_number, at)
    with transaction():
        if len(_administrators() - {person_id_of(id_number)}) >= _ADMINISTRATORS_BY_TERMINAL:
            raise AdministratorsEnough()
        account = invite(login=login, person_id=person_of(name, id_number, at), at=at)
        assign(account.id, ADMINISTRATOR, duties.CENTRE, approval_id=None, at=at)
        code = _new_code(account, at)
        audit.record_command(
            act="flask staff add-administrator", subject=account.public_id, by=by, at=at
        )
        return code.code


@retried
def issue_activation_code(*, staff: Staff, account_id: str, at: datetime) -> ActivationCode:
    """This administrator's half of the invited account's activation code, good for a day.

    Two administrators hand their halves over, and the owner types both with a hyphen between: one
    alone could come in as the new colleague. An earlier half of the same administrator is void.

    Raises `Absent`, `SamePerson` for one's own account, `AccountNotWaiting`.
    """
    with transaction():
        refuse_unless_still(staff)
        account = account_seen(staff, account_id)
        if account.staff_person_id == staff.person_id:
            raise SamePerson()
        if account.state != "invited":
            raise AccountNotWaiting()
        return _new_code(account, at, administrator_id=staff.person_id)


def activate(*, login: str, code: str, password: str, call: Call, at: datetime) -> str:
    """The account has this password and a fresh TOTP secret; answers its `otpauth://` address.

    May be done again with the same code until the first sign-in. Raises `ActivationRefused`,
    `Unacceptable` naming every fault of the password, `TooMany`.
    """
    chosen = normalised(password)
    _try_code(login, code, call, at)
    faults = faults_of_password(chosen, login=login)
    if faults:
        raise Unacceptable(fields={"password": faults})

    password_hash = staff_credentials.hash_of(chosen)

    return _set_credentials(login, code, password_hash, call, at)


@retried
def _try_code(login: str, code: str, call: Call, at: datetime) -> None:
    with transaction():
        limits.spend(staff_credentials.uses_of_login(login, call), at=at)
        refused = _invited(login, code, at) is None
        if refused:
            account = staff_credentials.account_of(login)
            audit.write(call, account, verdict="credentials-refused", at=at)
        else:
            limits.forget(staff_credentials.TRIES, login)
    if refused:
        raise ActivationRefused()


@retried
def _set_credentials(login: str, code: str, password_hash: str, call: Call, at: datetime) -> str:
    with transaction():
        account = _invited(login, code, at)
        if account is None:
            raise ActivationRefused()
        secret, address = staff_credentials.new_totp(login, issuer=settings.current().centre_name)
        account.password_hash, account.totp_secret = password_hash, secret
        account.totp_last_step = 0
        audit.write(call, account, verdict="allowed", at=at)
        return address


def _invited(login: str, code: str, at: datetime) -> StaffAccount | None:
    """The invited account, locked, if the code is the terminal's or two administrators' halves."""
    account = staff_credentials.account_of(login, lock=True)
    if account is None or account.state != "invited":
        return None
    halves = [ids.token_hash(half) for half in code.split("-")[:2]]
    givers = set(
        db.session().scalars(
            select(StaffActivation.administrator_id).where(
                StaffActivation.account_id == account.id,
                StaffActivation.code_hash.in_(halves),
                StaffActivation.expires_at > at,
            )
        )
    )
    # Whoever administers no more has no half to give.
    return account if None in givers or len(givers & _administrators()) > 1 else None


def _refuse_unreadable(login: str, name: str, id_number: str, at: datetime) -> None:
    problems: dict[str, list[str]] = {}
    if LOGIN_SHAPE.fullmatch(login) is None:
        problems["login"] = ["账号为3至32位小写字母、数字、点或短横，以字母开头。"]
    for reason in (
        *refusals_of_name(name),
        *refusals_of_id_number(id_number, on=clock.day_of(at)),
    ):
        problems.setdefault(reason.field or "body", []).append(reason.sentence)
    if problems:
        raise Unacceptable(fields=problems)


def _new_code(
    account: StaffAccount, at: datetime, *, administrator_id: int | None = None
) -> ActivationCode:
    new = ActivationCode(ids.new_activation_code(), at + _ACTIVATION_LASTS)
    void_activations(account.id, at=at, administrator_id=administrator_id)
    db.session().add(
        StaffActivation(
            account_id=account.id,
            administrator_id=administrator_id,
            code_hash=ids.token_hash(new.code),
            expires_at=new.expires_at,
        )
    )
    db.session().flush()
    return new


def _administrators() -> set[int]:
    """The people who hold the administrator's role in an account that is not disabled."""
    return set(
        db.session().scalars(
            select(StaffAccount.staff_person_id)
            .join(StaffAssignment, StaffAssignment.account_id == StaffAccount.id)
            .where(
                StaffAssignment.until_at.is_(None),
                StaffAssignment.role == ADMINISTRATOR,
                StaffAccount.state != "disabled",
            )
        )
    )
