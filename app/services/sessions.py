"""Login by WeChat: a code becomes our own opaque token; nothing of WeChat's session is kept."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update

from app import ids, vault, wechat
from app.db import db, insert_unless_there, reading, retried, transaction
from app.errors import Unauthenticated
from app.models import MemberSession, UsedLoginCode, WechatAccount
from app.services.members import Member

SESSION_LIFETIME = timedelta(days=30)
# WeChat's codes live five minutes; a code is remembered twice as long.
_CODES_REMEMBERED = timedelta(minutes=10)


class LoginCodeUsed(Unauthenticated):
    """The login code was tried before, here or at WeChat."""

    sentence = "登录凭证已使用，请重新打开小程序登录。"


class SessionEnded(Unauthenticated):
    """The token is unknown, expired, or its session was ended."""

    sentence = "登录已失效，请重新登录。"


@dataclass(frozen=True)
class NewSession:
    """The one time the token is known; only its hash is stored."""

    token: str
    expires_at: datetime


def log_in(*, code: str, at: datetime) -> NewSession:
    """A new session for the WeChat account behind the code.

    Raises `LoginCodeUsed` on any second try of a code, `WechatCodeRefused`, `WechatUnavailable`.
    """
    _use_code(code, at)

    openid = wechat.mini_program().openid_of_login_code(code)

    session = NewSession(ids.new_token(), at + SESSION_LIFETIME)
    _open_session(openid, session, at)
    return session


def member_of(*, token: str, at: datetime) -> Member:
    """Who is behind the token; raises `SessionEnded`."""
    with reading() as session:
        row = session.execute(
            select(MemberSession.id, MemberSession.wechat_account_id, WechatAccount.person_id)
            .join(WechatAccount, WechatAccount.id == MemberSession.wechat_account_id)
            .where(
                MemberSession.token_hash == ids.token_hash(token),
                MemberSession.ended_at.is_(None),
                MemberSession.expires_at > at,
            )
        ).one_or_none()
    if row is None:
        raise SessionEnded()
    return Member(row.id, row.wechat_account_id, row.person_id)


@retried
def log_out(*, member: Member, at: datetime) -> None:
    """The member's session has ended."""
    with transaction() as session:
        session.execute(
            update(MemberSession)
            .where(MemberSession.id == member.session_id, MemberSession.ended_at.is_(None))
            .values(ended_at=at, end_reason="logged-out")
        )


def end_sessions(
    *, wechat_account_id: int, reason: str, at: datetime, except_id: int | None = None
) -> None:
    """The account's other sessions have ended, in the caller's transaction."""
    db.session().execute(
        update(MemberSession)
        .where(
            MemberSession.wechat_account_id == wechat_account_id,
            MemberSession.ended_at.is_(None),
            MemberSession.id != (except_id or 0),
        )
        .values(ended_at=at, end_reason=reason)
    )


@retried
def _use_code(code: str, at: datetime) -> None:
    index = vault.blind_index(code, purpose="login-code")
    with transaction() as session:
        session.execute(delete(UsedLoginCode).where(UsedLoginCode.used_at < at - _CODES_REMEMBERED))
        if not insert_unless_there(UsedLoginCode, code_index=index, used_at=at):
            raise LoginCodeUsed()


@retried
def _open_session(openid: str, new: NewSession, at: datetime) -> None:
    index = vault.blind_index(openid, purpose="openid")
    with transaction() as session:
        insert_unless_there(
            WechatAccount, openid=openid, openid_index=index, person_id=None, created_at=at
        )
        account_id = session.scalar(
            select(WechatAccount.id).where(WechatAccount.openid_index == index)
        )
        session.add(
            MemberSession(
                token_hash=ids.token_hash(new.token),
                wechat_account_id=account_id,
                created_at=at,
                expires_at=new.expires_at,
            )
        )
