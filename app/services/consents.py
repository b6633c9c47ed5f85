"""Separate consents, one per purpose, each to one exact text; given, listed, withdrawn."""

import hashlib
import tomllib
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from sqlalchemy import select, update

from app.db import db, insert_unless_there, reading, retried, transaction
from app.errors import Absent, Conflict
from app.models import Consent
from app.services.members import Member, StepMissing

_TEXTS = Path(__file__).resolve().parents[2] / "policies" / "consents.toml"


class ConsentTextChanged(Conflict):
    """The hash is not that of the text in force: the worker must see the new text first."""

    sentence = "告知书已更新，请重新阅读后再同意。"
    step = "consents"


class NoSuchPurpose(Absent):
    """Nobody asks for a consent of this name."""


@dataclass(frozen=True)
class ConsentText:
    """What is asked for one purpose, with the hash a consent is given to."""

    purpose: str
    title: str
    text: str
    sha256: str


@dataclass(frozen=True)
class ConsentState:
    """A text in force and when this WeChat account consented to it, if it did."""

    asked: ConsentText
    given_at: datetime | None


@lru_cache(maxsize=1)
def texts() -> tuple[ConsentText, ...]:
    """The texts in force, in the order they are asked."""
    return tuple(
        ConsentText(purpose, each["title"], each["text"], _sha256(each["text"]))
        for purpose, each in tomllib.loads(_TEXTS.read_text("utf-8")).items()
    )


def states_for(*, member: Member) -> tuple[ConsentState, ...]:
    """Every purpose with its text and whether the member's consent to that text is in force."""
    with reading():
        given = _in_force(member.wechat_account_id)
    return tuple(ConsentState(text, given.get((text.purpose, text.sha256))) for text in texts())


@retried
def give(*, member: Member, purpose: str, text_sha256: str, at: datetime) -> None:
    """The member's consent to exactly this text is in force; giving it again changes nothing.

    Raises `NoSuchPurpose`, `ConsentTextChanged`.
    """
    asked = _asked(purpose)
    if asked.sha256 != text_sha256:
        raise ConsentTextChanged()
    with transaction() as session:
        session.execute(
            update(Consent)
            .where(
                Consent.wechat_account_id == member.wechat_account_id,
                Consent.purpose == purpose,
                Consent.text_sha256 != text_sha256,
                Consent.withdrawn_at.is_(None),
            )
            .values(withdrawn_at=at)
        )
        insert_unless_there(
            Consent,
            wechat_account_id=member.wechat_account_id,
            purpose=purpose,
            text_sha256=text_sha256,
            given_at=at,
        )


@retried
def withdraw(*, member: Member, purpose: str, at: datetime) -> None:
    """The member's consent for the purpose is no longer in force; raises `NoSuchPurpose`.

    What was done under it stays lawful; the next identity check asks again.
    """
    _asked(purpose)
    with transaction() as session:
        session.execute(
            update(Consent)
            .where(
                Consent.wechat_account_id == member.wechat_account_id,
                Consent.purpose == purpose,
                Consent.withdrawn_at.is_(None),
            )
            .values(withdrawn_at=at)
        )


def refuse_without_consents(wechat_account_id: int) -> None:
    """Returns when every purpose is consented to, in the caller's transaction; else StepMissing."""
    given = _in_force(wechat_account_id)
    if any((text.purpose, text.sha256) not in given for text in texts()):
        raise StepMissing("consents")


def evidence(wechat_account_id: int) -> tuple[tuple[str, datetime], ...]:
    """(title, given at) of every consent in force, for the agreement's evidence."""
    given = _in_force(wechat_account_id)
    return tuple(
        (text.title, given[(text.purpose, text.sha256)])
        for text in texts()
        if (text.purpose, text.sha256) in given
    )


def _in_force(wechat_account_id: int) -> dict[tuple[str, str], datetime]:
    rows = db.session().execute(
        select(Consent.purpose, Consent.text_sha256, Consent.given_at).where(
            Consent.wechat_account_id == wechat_account_id, Consent.withdrawn_at.is_(None)
        )
    )
    return {(row.purpose, row.text_sha256): row.given_at for row in rows}


def _asked(purpose: str) -> ConsentText:
    for text in texts():
        if text.purpose == purpose:
            return text
    raise NoSuchPurpose()


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
