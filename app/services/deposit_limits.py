"""A person's own monthly limit, where two people decided that he may deposit more (4.1)."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import select

from app import clock, vault
from app.db import db
from app.errors import Absent, Unacceptable
from app.models import DepositLimitOverride, Person
from app.money import Fen, yuan
from app.rules.periods import add_months, month_start
from app.services import policies
from app.services.approval_action import Action, Decision, Payload, Proposal
from app.services.work_items import district_of_person

MONTHS_AHEAD = 12


def month_max_fen(person_id: int, day: date) -> Fen | None:
    """The limit decided for the person in the day's month; None where the policy's holds.

    In the caller's transaction; the newest decision counts, and never lowers what a policy that
    came since allows everybody.
    """
    decided = db.session().scalar(
        select(DepositLimitOverride.limit_fen)
        .where(
            DepositLimitOverride.person_id == person_id,
            DepositLimitOverride.month_on == month_start(day),
        )
        .order_by(DepositLimitOverride.id.desc())
        .limit(1)
    )
    if decided is None:
        return None
    return max(decided, policies.policy_on(day).policy.deposit.max_per_calendar_month_fen)


def _prepare(payload: Payload, at: datetime) -> Proposal:
    """`person_id` (public), `month_on` (its first day), `limit_fen` above the policy's limit."""
    person = _person(payload["person_id"])
    if person is None:
        raise Absent()
    today, month_on = clock.day_of(at), date.fromisoformat(payload["month_on"])
    problems: dict[str, list[str]] = {}
    if month_on != month_start(month_on):
        problems["month_on"] = ["应为某月的1日，例如 2026-04-01。"]
    elif not month_start(today) <= month_on <= add_months(month_start(today), MONTHS_AHEAD):
        problems["month_on"] = [f"应为本月至{MONTHS_AHEAD}个月内的月份。"]
    most = max(
        policies.policy_on(day).policy.deposit.max_per_calendar_month_fen
        for day in (today, max(today, month_on))
    )
    if payload["limit_fen"] <= most:
        problems["limit_fen"] = [f"应高于当月缴存上限 {yuan(most)}元。"]
    if problems:
        raise Unacceptable(fields=problems)
    return Proposal(
        payload=dict(payload),
        district=district_of_person(person.id),
        depositor_ids=(person.id,),
    )


def _apply(payload: Payload, decision: Decision) -> dict[str, Any]:
    """The person may deposit up to the limit in that month, from the next order on."""
    person = _person(payload["person_id"])
    assert person is not None  # prepared a moment ago  # noqa: S101
    db.session().add(
        DepositLimitOverride(
            approval_id=decision.approval_id,
            person_id=person.id,
            month_on=date.fromisoformat(payload["month_on"]),
            limit_fen=payload["limit_fen"],
        )
    )
    return {"person_id": payload["person_id"]}


def _in_words(payload: Payload) -> list[str]:
    person = _person(payload["person_id"])
    name = "" if person is None else vault.masked_name(person.name)
    month = date.fromisoformat(payload["month_on"])
    return [
        f"{name}（{payload['person_id']}）{month.year}年{month.month}月的缴存上限"
        f"调整为 {yuan(payload['limit_fen'])}元。"
    ]


def _district_of(payload: Payload) -> str | None:
    person = _person(payload["person_id"])
    return None if person is None else district_of_person(person.id)


def _person(public_id: str) -> Person | None:
    return db.session().scalars(select(Person).where(Person.public_id == public_id)).one_or_none()


OVERRIDE = Action(prepare=_prepare, apply=_apply, in_words=_in_words, district_of=_district_of)
