"""Whom a passed identity check makes of a WeChat account: one person, one account bound to him."""

from datetime import datetime

from sqlalchemy import select

from app import ids, vault
from app.db import db, insert_unless_there, retried, transaction
from app.errors import Conflict
from app.models import IdentityCheck, Person, WechatAccount
from app.services import consents, sessions
from app.services.members import Member, locked_person
from app.wechat.miniprogram import FACE_PASSED


class CheckFailed(Conflict):
    """The check ended without a pass; a new one must be started."""

    sentence = "这次核验已失效，请重新开始实名核验。"
    step = "identity-check"


class WechatAccountOfAnother(Conflict):
    """This WeChat account already stands for another person."""

    sentence = "该微信已绑定其他人的身份，请使用本人微信或到柜台办理。"
    step = "identity-check"


@retried
def bind_person(*, member: Member, check_row_id: int, at: datetime) -> None:
    """The person of a passed check is there, and this WeChat account is the one bound to him.

    His former WeChat account is unbound and its sessions end. Raises `StepMissing` when a consent
    was withdrawn meanwhile, `CheckFailed` when he has proved himself again since the check began,
    `WechatAccountOfAnother`.
    """
    with transaction() as session:
        consents.refuse_without_consents(member.wechat_account_id)
        check = session.get_one(IdentityCheck, check_row_id)
        person = _person_of(check, at)
        _refuse_overtaken(check, person.id)
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
    index = id_index(check.id_number)
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
        masked_keys_index=vault.masked_keys_index(check.id_number, check.phone),
    )
    person_id = db.session().scalars(select(Person.id).where(Person.id_number_index == index)).one()
    person = locked_person(person_id)
    person.name, person.phone, person.phone_index = check.name, check.phone, phone_index
    person.masked_keys_index = vault.masked_keys_index(check.id_number, check.phone)
    person.real_name_passed_at = at
    return person


def _refuse_overtaken(check: IdentityCheck, person_id: int) -> None:
    """A check that was left unfinished must not undo a later proof of the same person."""
    newer = db.session().scalar(
        select(IdentityCheck.id)
        .where(
            IdentityCheck.person_id == person_id,
            IdentityCheck.state == "passed",
            IdentityCheck.finished_at > check.started_at,
            IdentityCheck.id != check.id,
        )
        .limit(1)
    )
    if newer is not None:
        raise CheckFailed()


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


def id_index(id_number: str) -> bytes:
    """The blind index of a normalised ID number."""
    return vault.blind_index(id_number, purpose="id-number")
