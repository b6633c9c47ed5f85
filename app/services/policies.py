"""The policy in force on a day, how the first one comes in, and every later one by two people."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import select

from app import clock, settings
from app.db import db, reading
from app.errors import Conflict, Unacceptable
from app.models import PolicyVersion
from app.rules.policy import Policy, PolicyInvalid
from app.rules.policy_diff import changes
from app.rules.policy_document import PolicyDocument, load_policy, policy_from_canonical
from app.services.approval_action import FURTHEST, Action, Decision, Payload, Proposal


class NoPolicyInForce(Conflict):
    """No policy had begun on that day."""

    sentence = "{on}尚无生效的政策。"


@dataclass(frozen=True)
class PolicyInForce:
    """A stored version, typed; `version_id` is what other rows refer to."""

    version_id: int
    sha256: str
    policy: Policy


def policy_on(day: date) -> PolicyInForce:
    """The version in force on the day, inside the caller's transaction; or `NoPolicyInForce`."""
    row = (
        db.session()
        .execute(
            select(PolicyVersion.id, PolicyVersion.document, PolicyVersion.sha256)
            .where(PolicyVersion.effective_on <= day)
            .order_by(PolicyVersion.effective_on.desc())
            .limit(1)
        )
        .one_or_none()
    )
    if row is None:
        raise NoPolicyInForce(on=day)
    return PolicyInForce(row.id, row.sha256, _typed(row.document))


def published_policy(*, on: date) -> PolicyInForce:
    """The policy in force on the day, for anybody to read (O.2)."""
    with reading():
        return policy_on(on)


def install_first(toml_text: str, *, by: str, at: datetime) -> str:
    """The policy stands as the first version, in the caller's transaction; answers its code.

    A first version may start in the past; later ones need two people and may not.
    """
    document = load_policy(toml_text)
    _add(document, by=by, at=at)
    return document.code


@dataclass(frozen=True)
class PolicyLine:
    """A stored version in a list; `until_on` is the day the next one takes over."""

    code: str
    title: str
    effective_on: date
    until_on: date | None
    sha256: str
    placeholders: int
    installed_by: str


def policy_versions() -> tuple[PolicyLine, ...]:
    """Every version, the newest first: policies are few."""
    with reading() as session:
        rows = session.scalars(
            select(PolicyVersion).order_by(PolicyVersion.effective_on.desc())
        ).all()
        days: list[date | None] = [None, *(row.effective_on for row in rows)]
        return tuple(
            PolicyLine(
                code=row.code,
                title=row.title,
                effective_on=row.effective_on,
                until_on=until_on,
                sha256=row.sha256,
                placeholders=len(_typed(row.document).placeholders),
                installed_by=row.installed_by,
            )
            for row, until_on in zip(rows, days, strict=False)
        )


def check_proposal(*, document: str, at: datetime) -> list[str]:
    """What the policy in this TOML text would change, in words; nothing is stored.

    Raises `Unacceptable` with every problem of the file.
    """
    with reading():
        proposal = _prepare({"document": document}, at)
        return _in_words(proposal.payload)


# --- the action: a new version ---


def _prepare(payload: Payload, at: datetime) -> Proposal:
    """`document` is a whole policy in TOML, valid, and in force from a day still to come.

    What is decided is a change: the version it follows is part of the proposal, and another one
    in between asks for another proposal.
    """
    try:
        document = load_policy(payload["document"])
    except PolicyInvalid as invalid:
        raise Unacceptable(fields={"document": list(invalid.problems)}) from None
    problems = _not_to_be_added(document, clock.day_of(at))
    if problems:
        raise Unacceptable(fields={"document": problems})
    return Proposal(payload={**payload, "predecessor": _predecessor(document.effective_on)})


def _apply(payload: Payload, decision: Decision) -> dict[str, Any]:
    """The version stands, and is in force from its day on."""
    document = load_policy(payload["document"])
    _add(document, by=f"approval:{decision.public_id}", at=decision.at)
    return {"policy_code": document.code, "sha256": document.sha256}


def _in_words(payload: Payload) -> list[str]:
    """Each change against the policy in force the day before, a sentence each."""
    after = load_policy(payload["document"]).policy
    try:
        before = policy_on(after.effective_on - timedelta(days=1)).policy
    except NoPolicyInForce:
        return [f"自{after.effective_on}起施行《{after.title}》（{after.code}）。"]
    said = [each.sentence for each in changes(before, after)]
    unknown = len(after.placeholders)
    return said + ([f"其中 {unknown} 项数值尚无正式依据（示意）。"] if unknown else [])


def _predecessor(day: date) -> str | None:
    try:
        return policy_on(day - timedelta(days=1)).policy.code
    except NoPolicyInForce:
        return None


def _not_to_be_added(document: PolicyDocument, today: date) -> list[str]:
    session = db.session()
    problems = []
    if document.effective_on <= today:
        problems.append(f"effective_on: 施行日期应晚于今天（{today}）")
    if document.effective_on > today + FURTHEST:
        problems.append("effective_on: 施行日期过远，应在三年之内")
    taken = select(PolicyVersion.code)
    if session.scalar(taken.where(PolicyVersion.effective_on == document.effective_on)):
        problems.append("effective_on: 该日已有另一版本施行")
    if session.scalar(taken.where(PolicyVersion.code == document.code)):
        problems.append("code: 版本代号已被使用")
    if settings.current().is_production and document.policy.placeholders:
        named = "、".join(document.policy.placeholders)
        problems.append(f"以下数值尚无正式依据，不能施行：{named}")
    return problems


def _add(document: PolicyDocument, *, by: str, at: datetime) -> None:
    db.session().add(
        PolicyVersion(
            code=document.code,
            title=document.title,
            effective_on=document.effective_on,
            document=document.canonical,
            sha256=document.sha256,
            has_placeholders=bool(document.policy.placeholders),
            installed_at=at,
            installed_by=by,
        )
    )


@lru_cache(maxsize=64)
def _typed(document: str) -> Policy:
    # Policies are immutable and few; parsing one costs more than the rest of a quota answer.
    return policy_from_canonical(document)


VERSION = Action(prepare=_prepare, apply=_apply, in_words=_in_words)
