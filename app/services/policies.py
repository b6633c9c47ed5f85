"""The policy in force on a day, and how the first one comes in."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from sqlalchemy import select

from app.db import db, reading
from app.errors import Conflict
from app.models import PolicyVersion
from app.rules.policy import Policy
from app.rules.policy_document import load_policy, policy_from_canonical


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
    return document.code


@lru_cache(maxsize=64)
def _typed(document: str) -> Policy:
    # Policies are immutable and few; parsing one costs more than the rest of a quota answer.
    return policy_from_canonical(document)
