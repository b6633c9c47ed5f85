"""What an action is to the approvals: how a proposal is checked, told in words, and carried out."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from app.rules.duties import CENTRE

Payload = Mapping[str, Any]
# Rules and texts of a further day are slips of the pen: nobody could decide them today.
FURTHEST = timedelta(days=3 * 366)


@dataclass(frozen=True)
class Proposal:
    """A proposal found fit to be submitted: its payload as it will be executed, and whose it is.

    `depositor_ids` and `staff_person_id` say whom it is about: they neither propose nor decide it.
    """

    payload: Payload
    district: str = CENTRE
    depositor_ids: tuple[int, ...] = ()
    staff_person_id: int | None = None


@dataclass(frozen=True)
class Decision:
    """An approval at the moment it is carried out, in the approving transaction."""

    approval_id: int
    public_id: str
    reason: str
    maker_account_id: int
    checker_account_id: int
    at: datetime

    @property
    def actor(self) -> str:
        """Who stands in the books for it: both people, by account."""
        return f"staff:{self.maker_account_id}+{self.checker_account_id}"


@dataclass(frozen=True)
class Action:
    """Three functions, each called inside a transaction of the approvals.

    `prepare` checks what was proposed (raises `Unacceptable`, `Conflict`, `Absent`); it is called
    again just before `apply`, which carries it out and answers the public ids of what came of it.
    `in_words` tells the decider in Chinese what would change; `shown` is the payload without
    personal data; `district_of` says whose business it is, None when it is about nobody there is.
    """

    prepare: Callable[[Payload, datetime], Proposal]
    apply: Callable[[Payload, Decision], dict[str, Any]]
    in_words: Callable[[Payload], list[str]]
    shown: Callable[[Payload], Payload] = field(default=lambda payload: payload)
    district_of: Callable[[Payload], str | None] = field(default=lambda payload: CENTRE)


def canonical(payload: Payload) -> str:
    """The payload as it is stored and hashed: sorted keys, no blanks, no floats."""
    return json.dumps(payload, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def sha256_of(text: str) -> str:
    """The hash by which a decider says what he saw."""
    return hashlib.sha256(text.encode()).hexdigest()
