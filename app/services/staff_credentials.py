"""Password and TOTP: compared with nothing open, each try counted first, a code good for once."""

import hmac
from collections.abc import Sequence
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
from app.rules.password import normalised
from app.services import audit, limits
from app.services.limits import Limit
from app.services.staff import Call

TRIES = Limit("staff-sign-in", 5, timedelta(minutes=15), from_last_use=True)
_PEER_TRIES = Limit("staff-sign-in-peer", 30, timedelta(minutes=15))
_ALL_TRIES = Limit("staff-sign-in-all", 1000, timedelta(minutes=15))
_STEP_S = 30
Uses = Sequence[tuple[Limit, str]]
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
    uses: Uses
    password_hash: str | None
    step: int | None


def hash_of(password: str) -> str:
    """The argon2id hash to be stored."""
    return _passwords.hash(password)


def new_totp(login: str, *, issuer: str) -> tuple[str, str]:
    """A fresh TOTP secret, and the `otpauth://` address an authenticator app reads it from."""
    secret = pyotp.random_base32()
    return secret, pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=issuer)


def uses_of_login(login: str, call: Call) -> Uses:
    """What a try with this login from there is counted against, the login's own tries first."""
    return [(TRIES, login), (_PEER_TRIES, call.peer), (_ALL_TRIES, "")]


def compare(credentials: Credentials, uses: Uses, at: datetime) -> Checked:
    """What of the credentials is right, the try being counted before anything is compared.

    Unknown logins take as long as known ones. Raises `TooMany` when a use is spent.
    """
    password_hash, secret = _spend_a_try(credentials.login, uses, at)
    typed = normalised(credentials.password)
    is_password = _passwords.verify(typed, password_hash or _nobodys_hash())
    step = _step_of(credentials.totp, secret or _NOBODYS_SECRET, at)
    if not is_password or password_hash is None or secret is None:
        step = None
    return Checked(credentials.login, uses, password_hash, step)


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
    verdict = "allowed" if is_right else "credentials-refused"
    audit.write(call, account, verdict=verdict, at=at)
    if not is_right or account is None or checked.step is None:
        return None
    account.totp_last_step = checked.step
    (own, key), *shared = checked.uses
    limits.forget(own, key)
    for limit, key in shared:
        limits.give_back(limit, key)  # a whole office signs in from one address
    return account


def account_of(login: str, *, lock: bool = False) -> StaffAccount | None:
    """The account with this login, in the caller's transaction."""
    query = select(StaffAccount).where(StaffAccount.login == login)
    return db.session().scalars(query.with_for_update() if lock else query).one_or_none()


@retried
def _spend_a_try(login: str, uses: Uses, at: datetime) -> tuple[str | None, str | None]:
    with transaction():
        limits.spend(uses, at=at)
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
