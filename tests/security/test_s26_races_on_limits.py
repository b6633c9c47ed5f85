"""S26: fifty at the same moment get no more than one after the other would have got.

Where a second server stands on the same database, both are asked: a limit is counted there.
"""

from __future__ import annotations

from collections import Counter

from flask import Flask
from sqlalchemy import func, select

from app.models import AuditEntry, PaymentOrder, Person
from sandbox.phone import Problem
from tests.api.asking import another_app, ask, token_of
from tests.house import House, at_once
from tests.office import seated
from tests.security.trying import (
    NO_CODE,
    NO_PASSWORD,
    an_administrator,
    compared,
    kind_of,
    sign_in_with,
)
from tests.short_cuts import a_phone, a_worker

TIMES = 50
AMOUNT = 100_000
WRONG, LOCKED = (401, "sign-in-refused"), (429, "too-many")
BUSY = 503


def test_of_fifty_wrong_sign_ins_at_once_five_are_compared(house: House) -> None:
    desk = an_administrator(house)

    with another_app(house) as second:
        servers = (house.app, second)
        answers = at_once(
            TIMES,
            lambda n: patiently(servers[n % 2], desk.login),
        )

    outcomes = Counter(answers)
    assert set(outcomes) == {WRONG, LOCKED}
    assert compared(house) == outcomes[WRONG] <= 5


def test_fifty_logins_guessed_at_once_from_one_peer_share_its_thirty_tries(house: House) -> None:
    """Nobody's logins, each its own row: the peer's row alone is what they race for.

    Fifty at once are more than the pool holds: who is told to come back does, as phones do. A try
    that was counted before that is spent, so that fewer than thirty may be compared, never more.
    """
    answers = at_once(TIMES, lambda n: patiently(house.app, f"guess.{n}"))

    outcomes = Counter(answers)
    assert set(outcomes) == {WRONG, LOCKED}
    assert 20 <= outcomes[WRONG] <= 30
    assert compared(house) == outcomes[WRONG]
    assert patiently(house.app, "guess.99") == LOCKED


def patiently(app: Flask, login: str) -> tuple[int, str]:
    """The answer to a guess, asked again while the database is busy."""
    while True:
        answer = kind_of(sign_in_with(app, login, NO_PASSWORD, NO_CODE))
        if answer[0] != BUSY:
            return answer


def test_of_fifty_unmaskings_at_once_twenty_show_anything(house: House) -> None:
    worker = a_worker(house)
    found = house.rows(select(Person.public_id, Person.phone).where(Person.id == worker.person_id))
    person_id, phone = found[0]
    desk = seated(house, "counter-clerk")
    body = {"fields": ["phone"], "reason": "核对电话"}
    path = f"/v1/staff/people/{person_id}/unmask"

    answers = at_once(TIMES, lambda _: ask(house, "POST", path, by=token_of(desk), json=body))

    shown = [each for each in answers if each.status_code == 200]
    assert len(shown) == 20
    assert {kind_of(each) for each in answers if each.status_code != 200} == {LOCKED}
    assert {each.get_json()["phone"] for each in shown} == {phone}
    on_record = select(func.count()).where(AuditEntry.act == "unmask phone")
    assert house.rows(on_record) == [(20,)]


def test_fifty_orders_at_once_never_exceed_the_months_limit(house: House) -> None:
    """4.1: what is ordered and may yet be paid counts; 7,244.64 yuan hold seven orders of 1,000."""
    phone, _ = a_phone(house)

    answers = at_once(TIMES, lambda _: phone.order(AMOUNT))

    refused = [each for each in answers if isinstance(each, Problem)]
    assert Counter(each.status for each in refused) == {422: TIMES - 7}, Counter(
        each.kind for each in refused
    )
    codes = {each.details["reasons"][0]["code"] for each in refused}
    assert codes <= {"deposit-month-full", "deposit-above-month-maximum"}
    assert house.rows(select(func.sum(PaymentOrder.amount_fen)))[0][0] == 7 * AMOUNT
