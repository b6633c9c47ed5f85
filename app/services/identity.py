"""Real name: name and ID number, a phone by code, and a face result fetched by the server only."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from app import clock, ids, vault, wechat
from app.db import db, insert_unless_there, reading, retried, transaction
from app.errors import Absent, Conflict, Refused
from app.models import IdentityCheck, Person, WechatAccount
from app.rules.id_number import (
    normalise_id_number,
    normalise_name,
    refusals_of_id_number,
    refusals_of_name,
)
from app.services import consents, sessions
from app.services.members import Member, locked_person
from app.wechat.faults import WechatCodeRefused
from app.wechat.miniprogram import FACE_PASSED

# Each try costs a call that the platform charges for, and guessing names must not be free.
CHECKS_PER_DAY = 10


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


class CheckFailed(Conflict):
    """The check ended without a pass; a new one must be started."""

    sentence = "这次核验已失效，请重新开始实名核验。"
    step = "identity-check"


class WechatAccountOfAnother(Conflict):
    """This WeChat account already stands for another person."""

    sentence = "该微信已绑定其他人的身份，请使用本人微信或到柜台办理。"
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


def start_check(
    *, member: Member, name: str, id_number: str, phone_code: str, at: datetime
) -> StartedCheck:
    """A face check is under way at WeChat for this name and number.

    Raises `Refused` with every reason (field by field), `StepMissing` without consents,
    `TooManyChecks`, `WechatAccountOfAnother`, `WechatCodeRefused`, `WechatUnavailable`.
    """
    name, id_number = normalise_name(name), normalise_id_number(id_number)
    _refuse_unreadable(name, id_number, at)
    _refuse_too_early(member, id_number, at)

    phone = wechat.mini_program().phone_of_code(phone_code)

    claim = _save_claim(member, name, id_number, phone, at)
    try:
        verify_id, expires_in_s = wechat.mini_program().begin_face_check(
            out_seq_no=claim.out_seq_no, name=name, id_number=id_number, openid=claim.openid
        )
    except WechatCodeRefused:
        _save_failure(claim.row_id, at)
        raise

    _save_verify_id(claim.row_id, verify_id)
    return StartedCheck(claim.public_id, verify_id, expires_in_s)


def finish_check(*, member: Member, check_id: str, at: datetime) -> None:
    """The member is the person he says he is, and this WeChat account is bound to him.

    A person known from another WeChat account is rebound, and the old account's sessions end.
    Finishing a passed check again changes nothing. Raises `NoSuchCheck`, `CheckFailed`,
    `FaceNotPassed`, `WechatAccountOfAnother`, `WechatUnavailable`.
    """
    claim = _claim_of(member, check_id)
    if claim.state == "passed":
        return
    if claim.state != "sent":
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

    _bind_person(member, claim.row_id, at)


def _refuse_unreadable(name: str, id_number: str, at: datetime) -> None:
    reasons = refusals_of_name(name) + refusals_of_id_number(id_number, on=clock.day_of(at))
    if reasons:
        raise Refused(reasons)


def _refuse_too_early(member: Member, id_number: str, at: datetime) -> None:
    with reading() as session:
        consents.refuse_without_consents(member.wechat_account_id)
        tries = session.scalar(
            select(func.count())
            .select_from(IdentityCheck)
            .where(
                IdentityCheck.wechat_account_id == member.wechat_account_id,
                IdentityCheck.started_at > at - timedelta(days=1),
            )
        )
        if (tries or 0) >= CHECKS_PER_DAY:
            raise TooManyChecks(most=CHECKS_PER_DAY)
        if member.person_id is not None:
            bound = session.scalar(
                select(Person.id_number_index).where(Person.id == member.person_id)
            )
            if bound != _id_index(id_number):
                raise WechatAccountOfAnother()


@retried
def _save_claim(member: Member, name: str, id_number: str, phone: str, at: datetime) -> _Claim:
    with transaction() as session:
        account = session.scalars(
            select(WechatAccount).where(WechatAccount.id == member.wechat_account_id)
        ).one()
        row = IdentityCheck(
            public_id=ids.new_public_id("chk"),
            wechat_account_id=account.id,
            name=name,
            id_number=id_number,
            phone=phone,
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
        return _claim(found[0], found[1])


@retried
def _save_verify_id(row_id: int, verify_id: str) -> None:
    with transaction() as session:
        row = session.get_one(IdentityCheck, row_id)
        row.verify_id, row.state = verify_id, "sent"


@retried
def _save_failure(row_id: int, at: datetime) -> None:
    with transaction() as session:
        row = session.get_one(IdentityCheck, row_id)
        row.state, row.finished_at = "failed", at


@retried
def _bind_person(member: Member, row_id: int, at: datetime) -> None:
    with transaction() as session:
        check = session.get_one(IdentityCheck, row_id)
        person = _person_of(check, at)
        account = session.scalars(
            select(WechatAccount)
            .where(WechatAccount.id == check.wechat_account_id)
            .with_for_update()
        ).one()
        if account.person_id not in (None, person.id):
            raise WechatAccountOfAnother()
        _unbind_other_account(person.id, account.id, at)
        sessions.end_sessions(
            wechat_account_id=account.id,
            reason="identity-proved-again",
            at=at,
            except_id=member.session_id,
        )
        if account.person_id is None:
            account.person_id, account.bound_at = person.id, at
        check.state, check.verify_ret, check.finished_at = "passed", FACE_PASSED, at
        check.person_id = person.id


def _person_of(check: IdentityCheck, at: datetime) -> Person:
    """The person of this ID number, locked, with the name and phone just proved."""
    index = _id_index(check.id_number)
    phone_index = vault.blind_index(check.phone, purpose="phone")
    insert_unless_there(
        Person,
        public_id=ids.new_public_id("per"),
        name=check.name,
        id_number=check.id_number,
        id_number_index=index,
        phone=check.phone,
        phone_index=phone_index,
        real_name_passed_at=at,
        created_at=at,
    )
    person_id = db.session().scalars(select(Person.id).where(Person.id_number_index == index)).one()
    person = locked_person(person_id)
    person.name, person.phone, person.phone_index = check.name, check.phone, phone_index
    person.real_name_passed_at = at
    return person


def _unbind_other_account(person_id: int, account_id: int, at: datetime) -> None:
    """The person's former WeChat account stands for nobody now, and its phones are logged out."""
    session = db.session()
    former = session.scalars(
        select(WechatAccount)
        .where(WechatAccount.person_id == person_id, WechatAccount.id != account_id)
        .with_for_update()
    ).one_or_none()
    if former is not None:
        former.person_id, former.bound_at = None, None
        session.flush()
        sessions.end_sessions(wechat_account_id=former.id, reason="rebound-elsewhere", at=at)


def _id_index(id_number: str) -> bytes:
    return vault.blind_index(id_number, purpose="id-number")
