"""Password and TOTP: compared with nothing open, each try counted first, a code good for once."""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

import pyotp
from pwdlib import PasswordHash
from sqlalchemy import select

from app import ids
from app.db import db, retried, transaction
from app.errors import Unauthenticated
from app.models import StaffAccount
from app.rules import duties
from app.rules.password import normalised
from app.services import audit, limits
from app.services.limits import Limit
from app.services.staff import Call, current_assignment

TRIES = Limit("staff-sign-in", 5, timedelta(minutes=15))
_PEER_TRIES = Limit("staff-sign-in-peer", 30, timedelta(minutes=15))
_ALL_TRIES = Limit("staff-sign-in-all", 1000, timedelta(minutes=15))
_STEP_S = 30
_passwords = PasswordHash.recommended()  # argon2id


class SignInRefused(Unauthenticated):
    """Login, password or TOTP is wrong, or the account is no more: nobody is told which."""

    sentence = "账号、密码或动态码有误，或账号已停用。"


@dataclass(frozen=True)
class Credentials:
    """What was typed in; kept nowhere."""

    login: str
    password: str
    totp: str


@dataclass(frozen=True)
class Checked:
    """The outcome of comparing: the TOTP step, or None when anything was wrong."""

    login: str
    password_hash: str | None
    step: int | None


def hash_of(password: str) -> str:
    """The argon2id hash to be stored."""
    return _passwords.hash(password)


def new_totp(login: str, *, issuer: str) -> tuple[str, str]:
    """A fresh TOTP secret, and the `otpauth://` address an authenticator app reads it from."""
    secret = pyotp.random_base32()
    return secret, pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=issuer)


def compare(credentials: Credentials, call: Call, at: datetime) -> Checked:
    """What of the credentials is right, the try being counted before anything is compared.

    Unknown logins take as long as known ones. Raises `TooMany` after five tries in 15 minutes.
    """
    password_hash, secret = _spend_a_try(credentials.login, call, at)
    typed = normalised(credentials.password)
    is_password = _passwords.verify(typed, password_hash or _nobodys_hash())
    step = _step_of(credentials.totp, secret or _NOBODYS_SECRET, at)
    if not is_password or password_hash is None or secret is None:
        step = None
    return Checked(credentials.login, password_hash, step)


def spend_a_try(login: str, call: Call, at: datetime) -> None:
    """One more try with this login from there is counted, in the caller's transaction."""
    limits.spend([(TRIES, login), (_PEER_TRIES, call.peer), (_ALL_TRIES, "")], at=at)


def proved(checked: Checked, call: Call, at: datetime) -> StaffAccount | None:
    """The account, locked, if both factors were right and the TOTP step was not used before.

    In the caller's transaction, which is to commit in either case: the try goes on record.
    """
    account = account_of(checked.login, lock=True)
    is_right = (
        account is not None
        and account.state != "disabled"
        and account.password_hash == checked.password_hash
        and checked.step is not None
        and checked.step > account.totp_last_step
    )
    assignment = None if account is None else current_assignment(account.id)
    audit.write(
        call,
        account_id=None if account is None else account.id,
        role="" if assignment is None else assignment.role,
        district=duties.CENTRE if assignment is None else assignment.district,
        verdict="allowed" if is_right else "credentials-refused",
        at=at,
    )
    if not is_right or account is None or checked.step is None:
        return None
    account.totp_last_step = checked.step
    limits.forget(TRIES, checked.login)
    for limit, key in ((_PEER_TRIES, call.peer), (_ALL_TRIES, "")):
        limits.give_back(limit, key)  # a whole office signs in from one address
    return account


def account_of(login: str, *, lock: bool = False) -> StaffAccount | None:
    """The account with this login, in the caller's transaction."""
    query = select(StaffAccount).where(StaffAccount.login == login)
    return db.session().scalars(query.with_for_update() if lock else query).one_or_none()


@retried
def _spend_a_try(login: str, call: Call, at: datetime) -> tuple[str | None, str | None]:
    with transaction():
        spend_a_try(login, call, at)
        account = account_of(login)
        if account is None or account.state == "disabled":
            return None, None
        return account.password_hash, account.totp_secret


def _step_of(totp: str, secret: str, at: datetime) -> int | None:
    """The time step whose code this is: the present one, or one beside it (clocks drift)."""
    generator = pyotp.TOTP(secret)
    now = int(at.timestamp()) // _STEP_S
    found = None
    for step in (now - 1, now, now + 1):
        if hmac.compare_digest(generator.generate_otp(step), totp):
            found = step
    return found


@cache
def _nobodys_hash() -> str:
    # Compared when there is no such login, so that the answer takes as long as for any other.
    return _passwords.hash(ids.new_token())


_NOBODYS_SECRET = pyotp.random_base32()
