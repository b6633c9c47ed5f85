"""Staff signing in with password and TOTP, and the guard every call of theirs passes."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from app import ids
from app.db import db, reading, retried, transaction
from app.errors import Conflict
from app.models import StaffAccount, StaffSession
from app.rules import duties
from app.services import audit
from app.services.limits import Limit
from app.services.sessions import SessionEnded
from app.services.staff import (
    Call,
    RoleNotAllowed,
    Staff,
    current_assignment,
    end_sessions,
    void_activations,
)
from app.services.staff_credentials import (
    Checked,
    Credentials,
    SignInRefused,
    compare,
    proved,
    uses_of_login,
)

IDLE = timedelta(minutes=30)
LIFETIME = timedelta(hours=12)
FRESH = timedelta(minutes=5)
_CLOCKS_DIFFER = timedelta(minutes=1)  # two machines of one service
# Of the session alone: a stranger who tries the login cannot keep its owner from deciding.
_PROOFS = Limit("staff-reauthentication", 5, timedelta(minutes=15), from_last_use=True)


class ReauthenticationNeeded(Conflict):
    """A sensitive act wants password and TOTP given within the last five minutes."""

    sentence = "请再次输入密码和动态码后办理此事项。"
    step = "reauthentication"


@dataclass(frozen=True)
class NewStaffSession:
    """The one time the token is known."""

    token: str
    expires_at: datetime


def sign_in(*, credentials: Credentials, call: Call, at: datetime) -> NewStaffSession:
    """A new session; every earlier one of the account has ended.

    Raises `SignInRefused`, or `TooMany` after five tries that failed within 15 minutes.
    """
    checked = compare(credentials, uses_of_login(credentials.login, call), at)

    new = NewStaffSession(ids.new_token(), at + LIFETIME)
    if not _open(checked, new, call, at):
        raise SignInRefused()
    return new


def reauthenticate(*, staff: Staff, password: str, totp: str, at: datetime) -> None:
    """The session's sensitive acts are free again for five minutes; raises as `sign_in` does."""
    login = _login_of(staff.account_id)
    checked = compare(Credentials(login, password, totp), [(_PROOFS, str(staff.session_id))], at)

    if not _refresh(checked, staff, at):
        raise SignInRefused()


@retried
def sign_out(*, staff: Staff, at: datetime) -> None:
    """The session has ended."""
    with transaction() as session:
        row = session.get_one(StaffSession, staff.session_id, with_for_update=True)
        if row.ended_at is None:
            row.ended_at, row.end_reason = at, "signed-out"


def staff_calling(*, token: str, call: Call, at: datetime) -> Staff:
    """Who calls, with the call and its verdict on record; his session lives for another while.

    Raises `SessionEnded`. Whether he may do it says `refuse_unless_allowed`.
    """
    staff = _let_in(token, call, at)
    if staff is None:
        raise SessionEnded()
    return staff


def refuse_unless_allowed(staff: Staff) -> None:
    """Returns when the duties let the staff make this call; `RoleNotAllowed` otherwise.

    `ReauthenticationNeeded` when it is a sensitive act and the last proof is too old.
    """
    if staff.verdict == "role-refused":
        raise RoleNotAllowed()
    if staff.verdict == "reauthentication-needed":
        raise ReauthenticationNeeded()


@retried
def _let_in(token: str, call: Call, at: datetime) -> Staff | None:
    with transaction():
        row = _live_session(token, at)
        if row is None:
            return None
        account = db.session().get_one(StaffAccount, row.account_id)
        assignment = current_assignment(row.account_id)
        if account.state != "active" or assignment is None:
            row.ended_at, row.end_reason = at, "account-changed"
            return None
        row.last_used_at = max(at, row.last_used_at)
        verdict = _verdict(assignment.role, call.act, is_fresh=_is_fresh(row, at))
        audit_id = audit.write(call, account, verdict=verdict, at=at)
        return Staff(
            account_id=account.id,
            person_id=account.staff_person_id,
            session_id=row.id,
            role=assignment.role,
            district=assignment.district,
            call=call,
            verdict=verdict,
            audit_id=audit_id,
        )


def _is_fresh(row: StaffSession, at: datetime) -> bool:
    return row.authenticated_at - _CLOCKS_DIFFER <= at < row.authenticated_at + FRESH


def _live_session(token: str, at: datetime) -> StaffSession | None:
    """The token's session, locked; one that is idle or over its time ends here."""
    row = (
        db.session()
        .scalars(
            select(StaffSession)
            .where(StaffSession.token_hash == ids.token_hash(token))
            .with_for_update()
        )
        .one_or_none()
    )
    if row is None or row.ended_at is not None:
        return None
    if at < row.created_at - _CLOCKS_DIFFER:
        row.ended_at, row.end_reason = at, "expired"  # the clock was set back: who knows how long
        return None
    if at >= row.expires_at or at >= row.last_used_at + IDLE:
        row.ended_at, row.end_reason = at, "expired" if at >= row.expires_at else "idle"
        return None
    return row


def _verdict(role: str, act: str, *, is_fresh: bool) -> str:
    if not duties.may_call(role, act):
        return "role-refused"
    if duties.ROUTES[act].fresh and not is_fresh:
        return "reauthentication-needed"
    return "allowed"


@retried
def _open(checked: Checked, new: NewStaffSession, call: Call, at: datetime) -> bool:
    with transaction() as session:
        account = proved(checked, call, at)
        if account is None:
            return False
        if account.state == "invited":
            account.state = "active"
            void_activations(account.id, at=at)
        end_sessions(account_id=account.id, reason="signed-in-again", at=at)
        session.add(
            StaffSession(
                token_hash=ids.token_hash(new.token),
                account_id=account.id,
                created_at=at,
                last_used_at=at,
                authenticated_at=at,
                expires_at=new.expires_at,
            )
        )
        return True


@retried
def _refresh(checked: Checked, staff: Staff, at: datetime) -> bool:
    with transaction() as session:
        account = proved(checked, staff.call, at)
        row = session.get_one(StaffSession, staff.session_id, with_for_update=True)
        if account is None or row.ended_at is not None:
            return False
        row.authenticated_at = at
        return True


def _login_of(account_id: int) -> str:
    with reading() as session:
        return session.get_one(StaffAccount, account_id).login
