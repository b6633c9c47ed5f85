"""A deposit's amount is a JSON integer of fen (F27): whatever else comes leaves no trace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from werkzeug.test import TestResponse

from sandbox.phone import Phone
from tests.api.asking import PREPAY, ask, everything_stored, on_sqlite_alone, problem_of
from tests.api.bodies import AMOUNTS, UNREADABLE, WRONG_TYPES, amount_body
from tests.house import House

PATH = "/v1/me/deposits"


def test_only_a_json_integer_of_fen_is_an_amount(house: House) -> None:
    worker = house.worker()
    before = everything_stored(house)

    answers = {value[:40]: order(house, worker, amount_body(value)) for value in AMOUNTS}

    assert not_naming("amount_fen", answers) == {}
    assert everything_stored(house) == before
    assert PREPAY not in house.calls()


def test_a_body_that_is_no_json_object_is_refused_as_a_whole(house: House) -> None:
    worker = house.worker()
    before = everything_stored(house)

    answers = {name: order(house, worker, raw) for name, raw in UNREADABLE.items()}

    assert not_naming("body", answers) == {}
    assert everything_stored(house) == before
    assert PREPAY not in house.calls()


@on_sqlite_alone
def test_a_missing_or_an_unknown_field_is_named(house: House) -> None:
    worker = house.worker()

    missing = order(house, worker, b"{}")
    unknown = order(house, worker, b'{"amount_fen": 100000, "Amount_Fen": 1, "json": 1}')

    assert list(problem_of(missing)["errors"]) == ["amount_fen"]
    assert set(problem_of(unknown)["errors"]) == {"Amount_Fen", "json"}
    assert house.calls().get(PREPAY) is None


@on_sqlite_alone
def test_only_application_json_is_read(house: House) -> None:
    worker = house.worker()
    body = amount_body(b"100000")

    answers = {
        kind: ask(house, "POST", PATH, by=worker, data=body, headers={"Content-Type": kind})
        for kind in WRONG_TYPES
    }

    assert not_naming("body", answers) == {}
    assert worker.get(PATH) == []


@on_sqlite_alone
def test_a_body_above_the_limit_is_refused_before_it_is_read(house: House) -> None:
    worker = house.worker()

    answer = order(house, worker, amount_body(b'"' + b"9" * 1024 * 1024 + b'"'))

    assert answer.status_code == 413
    assert problem_of(answer)["type"] == "/problems/request-entity-too-large"
    assert worker.get(PATH) == []


@on_sqlite_alone
def test_a_deposit_without_a_usable_key_is_refused(house: House) -> None:
    worker = house.worker()
    keys = ("", "short", "with space", "x" * 65, "schlüssel-zu-lang", "a-key\tof-16", "'; DROP--")

    answers = {
        key: ask(
            house,
            "POST",
            PATH,
            by=worker,
            json={"amount_fen": 100_000},
            headers={"Idempotency-Key": key},
        )
        for key in keys
    }

    assert not_naming("Idempotency-Key", answers) == {}
    assert worker.get(PATH) == []


def test_the_same_worker_with_an_honest_body_is_served(house: House) -> None:
    worker = house.worker()

    answer = order(house, worker, b'{"amount_fen": 100000}\n')

    assert answer.status_code == 201
    assert house.calls()[PREPAY] == 1


def order(house: House, worker: Phone, body: bytes) -> TestResponse:
    """The answer to a deposit whose body is these bytes."""
    return ask(house, "POST", PATH, by=worker, data=body)


def not_naming(field: str, answers: Mapping[Any, TestResponse]) -> dict[Any, Any]:
    """The answers that are not a 422 of the reader (no rule was asked) naming this field alone."""
    found = {}
    for case, answer in answers.items():
        problem = problem_of(answer)
        told = (answer.status_code, problem["type"], list(problem["errors"]))
        if told != (422, "/problems/unacceptable", [field]):
            found[case] = told
    return found
