"""Real name: name and ID number, a phone by code, and a face result fetched by the server only."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from app import clock, ids, wechat
from app.db import db, reading, retried, transaction
from app.errors import Absent, Conflict, Refused
from app.models import IdentityCheck, Person, WechatAccount
from app.rules.id_number import (
    normalise_id_number,
    normalise_name,
    refusals_of_id_number,
    refusals_of_name,
)
from app.services import consents
from app.services.members import Member
from app.services.person_binding import (
    CheckFailed,
    WechatAccountOfAnother,
    bind_person,
    id_index,
)
from app.wechat.faults import WechatCodeRefused
from app.wechat.miniprogram import FACE_PASSED

# Each try costs a call that the platform charges for, and guessing names must not be free.
CHECKS_PER_DAY = 10
CHECK_LIFETIME = timedelta(hours=1)  # as long as WeChat's verify_id lives


class NoSuchCheck(Absent):
    """There is no identity check of this id for this member."""

    sentence = "没有找到这次实名核验。"


class TooManyChecks(Conflict):
    """This WeChat account tried too often within a day."""

    sentence = "今天的核验次数已用完（每天{most}次），请明天再试或到柜台办理。"
    step = "identity-check"


class FaceNotPassed(Conflict):
    """WeChat does not (or not yet) say that the person was in front of the phone."""

    sentence = "人脸核验未通过或尚未完成，请按提示重新核验（{verify_ret}）。"
    step = "identity-check"


@dataclass(frozen=True)
class StartedCheck:
    """What the phone needs to show WeChat's face check."""

    check_id: str
    verify_id: str
    expires_in_s: int


@dataclass(frozen=True)
class _Claim:
    """Who somebody says he is, and the numbers of this try."""

    row_id: int
    public_id: str
    out_seq_no: str
    name: str
    id_number: str
    openid: str
    verify_id: str
    state: str
    started_at: datetime


def start_check(
    *, member: Member, name: str, id_number: str, phone_code: str, at: datetime
) -> StartedCheck:
    """A face check is under way at WeChat for this name and number.

    Raises `Refused` with every reason (field by field), `StepMissing` without consents,
    `TooManyChecks`, `WechatAccountOfAnother`, `WechatCodeRefused`, `WechatUnavailable`.
    """
    name, id_number = normalise_name(name), normalise_id_number(id_number)
    _refuse_unreadable(name, id_number, at)
    claim = _save_claim(member, name, id_number, at)

    try:
        phone = wechat.mini_program().phone_of_code(phone_code)
        verify_id, expires_in_s = wechat.mini_program().begin_face_check(
            out_seq_no=claim.out_seq_no, name=name, id_number=id_number, openid=claim.openid
        )
    except WechatCodeRefused:
        _save_failure(claim.row_id, at)
        raise

    _save_sent(claim.row_id, phone, verify_id)
    return StartedCheck(claim.public_id, verify_id, expires_in_s)


def finish_check(*, member: Member, check_id: str, at: datetime) -> None:
    """The member is the person he says he is, and this WeChat account is bound to him.

    A person known from another WeChat account is rebound, and the old account's sessions end.
    Finishing a passed check again changes nothing. Raises `NoSuchCheck`, `StepMissing` when a
    consent was withdrawn, `CheckFailed` (also for one begun more than an hour ago),
    `FaceNotPassed`, `WechatAccountOfAnother`, `WechatUnavailable`.
    """
    claim = _claim_of(member, check_id)
    if claim.state == "passed":
        return
    if claim.state != "sent" or at - claim.started_at > CHECK_LIFETIME:
        raise CheckFailed()

    try:
        verify_ret = wechat.mini_program().face_result(
            out_seq_no=claim.out_seq_no,
            verify_id=claim.verify_id,
            name=claim.name,
            id_number=claim.id_number,
            openid=claim.openid,
        )
    except WechatCodeRefused:
        _save_failure(claim.row_id, at)
        raise CheckFailed() from None
    if verify_ret != FACE_PASSED:
        raise FaceNotPassed(verify_ret=verify_ret)

    bind_person(member=member, check_row_id=claim.row_id, at=at)


def _refuse_unreadable(name: str, id_number: str, at: datetime) -> None:
    reasons = refusals_of_name(name) + refusals_of_id_number(id_number, on=clock.day_of(at))
    if reasons:
        raise Refused(reasons)


def _refuse_too_early(account: WechatAccount, id_number: str, at: datetime) -> None:
    """With the account's row locked, so that tries in parallel are counted one after the other."""
    session = db.session()
    consents.refuse_without_consents(account.id)
    tries = session.scalar(
        select(func.count())
        .select_from(IdentityCheck)
        .where(
            IdentityCheck.wechat_account_id == account.id,
            IdentityCheck.started_at > at - timedelta(days=1),
        )
    )
    if (tries or 0) >= CHECKS_PER_DAY:
        raise TooManyChecks(most=CHECKS_PER_DAY)
    if account.person_id is not None:
        bound = session.scalar(select(Person.id_number_index).where(Person.id == account.person_id))
        if bound != id_index(id_number):
            raise WechatAccountOfAnother()


@retried
def _save_claim(member: Member, name: str, id_number: str, at: datetime) -> _Claim:
    with transaction() as session:
        account = session.scalars(
            select(WechatAccount)
            .where(WechatAccount.id == member.wechat_account_id)
            .with_for_update()
        ).one()
        _refuse_too_early(account, id_number, at)
        row = IdentityCheck(
            public_id=ids.new_public_id("chk"),
            wechat_account_id=account.id,
            name=name,
            id_number=id_number,
            phone="",  # known once WeChat has taken the code
            out_seq_no=ids.new_out_seq_no(),
            state="started",
            started_at=at,
        )
        session.add(row)
        session.flush()
        return _claim(row, account.openid)


def _claim(row: IdentityCheck, openid: str) -> _Claim:
    return _Claim(
        row_id=row.id,
        public_id=row.public_id,
        out_seq_no=row.out_seq_no,
        name=row.name,
        id_number=row.id_number,
        openid=openid,
        verify_id=row.verify_id or "",
        state=row.state,
        started_at=row.started_at,
    )


def _claim_of(member: Member, check_id: str) -> _Claim:
    if not ids.is_public_id(check_id, "chk"):
        raise NoSuchCheck()
    with reading() as session:
        found = session.execute(
            select(IdentityCheck, WechatAccount.openid)
            .join(WechatAccount, WechatAccount.id == IdentityCheck.wechat_account_id)
            .where(
                IdentityCheck.public_id == check_id,
                IdentityCheck.wechat_account_id == member.wechat_account_id,
            )
        ).one_or_none()
        if found is None:
            raise NoSuchCheck()
        consents.refuse_without_consents(member.wechat_account_id)
        return _claim(found[0], found[1])


@retried
def _save_sent(row_id: int, phone: str, verify_id: str) -> None:
    with transaction() as session:
        row = session.get_one(IdentityCheck, row_id)
        row.phone, row.verify_id, row.state = phone, verify_id, "sent"


@retried
def _save_failure(row_id: int, at: datetime) -> None:
    with transaction() as session:
        row = session.get_one(IdentityCheck, row_id)
        row.state, row.finished_at = "failed", at
