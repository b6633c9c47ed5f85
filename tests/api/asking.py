"""Asking the service as none of our phones would: any method, any bytes, any header."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app import create_app, settings
from app.api import auth
from app.db import db, reading
from sandbox.desk import Desk
from sandbox.phone import Phone
from tests.house import House

# For what no database can change.
on_sqlite_alone = pytest.mark.parametrize("standing_house", ["sqlite"], indirect=True)
KEY = "a-key-of-16-char"
NEVER_TOLD = {"X-Request-Id", "Date", "Content-Length"}
PREPAY = "POST /v3/pay/transactions/jsapi"


def ask(
    house: House,
    method: str,
    path: str,
    *,
    by: Phone | Desk | str | None = None,
    headers: Mapping[str, str] | None = None,
    **sent: Any,
) -> TestResponse:
    """What the service answers; `by` is a phone, a desk or a bare token, `sent` json= or data=."""
    told = {"Idempotency-Key": KEY, **(headers or {})}
    if by is not None:
        told["Authorization"] = f"Bearer {by if isinstance(by, str) else token_of(by)}"
    if "data" in sent:
        told.setdefault("Content-Type", "application/json")
    return house.app.test_client().open(path, method=method, headers=told, buffered=True, **sent)


@contextmanager
def another_app(house: House, **other: Any) -> Iterator[Flask]:
    """An application on the house's database that serves nobody yet: a test may add to it."""
    given: settings.Settings = house.app.extensions["lingcun-settings"]
    app = create_app(replace(given, **other))
    try:
        yield app
    finally:
        with app.app_context():
            db.engine.dispose()


def token_of(holder: Phone | Desk) -> str:
    """The session token that a logged-in phone or a signed-in desk holds."""
    return str(holder._http.headers["Authorization"]).removeprefix("Bearer ")


def problem_of(answer: TestResponse) -> dict[str, Any]:
    """The problem details of a refusal, whose shape is checked on the way."""
    assert answer.content_type == "application/problem+json", answer.content_type
    problem = json.loads(answer.data)
    assert problem["status"] == answer.status_code
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    assert problem["type"].startswith("/problems/")
    assert problem["detail"]
    return dict(problem)


def without_id(answer: TestResponse) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Everything about a refusal but what names this one request."""
    problem = {k: v for k, v in problem_of(answer).items() if k != "request_id"}
    headers = {k: v for k, v in answer.headers.items() if k not in NEVER_TOLD}
    return answer.status_code, problem, headers


def everything_stored(house: House) -> dict[str, list[str]]:
    """Each table's rows as text, in order: equal before and after means that nothing changed."""
    with house.app.app_context(), reading() as session:
        return {
            name: sorted(
                repr([bytes(v) if isinstance(v, memoryview) else v for v in row])
                for row in session.execute(text(f'SELECT * FROM "{name}"'))  # noqa: S608 - ours
            )
            for name in sorted(db.metadata.tables)
        }


# What every call of staff leaves behind, whatever it is about: that it was made, and how often.
RECORD = ("audit_entry", "audit_answer", "usage_window", "staff_session")


def but_for_the_record(house: House) -> dict[str, list[str]]:
    """Everything stored but the record of calls; of staff's sessions, which there are and ended."""
    stored = everything_stored(house)
    sessions = text("SELECT id, account_id, ended_at IS NULL FROM staff_session ORDER BY id")
    with house.app.app_context(), reading() as session:
        kept = [repr(tuple(row)) for row in session.execute(sessions)]
    return {name: rows for name, rows in stored.items() if name not in RECORD} | {
        "staff_session": kept
    }


@dataclass(frozen=True)
class Route:
    """One method of one route, as the route map has it."""

    method: str
    rule: Rule
    guard: str

    @property
    def endpoint(self) -> str:
        return str(self.rule.endpoint)

    def path(self, **values: str) -> str:
        """The path with these values, or with made-up ones, in its places."""
        found = str(self.rule.rule)
        for name in self.rule.arguments:
            for kind in ("string:", "path:", ""):
                found = found.replace(f"<{kind}{name}>", values.get(name, MADE_UP[name]))
        assert "<" not in found, found
        return found

    def __str__(self) -> str:
        return f"{self.method} {self.rule.rule}"


MADE_UP = {
    "purpose": "identity",
    "check_id": "chk_" + "0" * 26,
    "agreement_id": "agr_" + "0" * 26,
    "deposit_id": "dep_" + "0" * 26,
    "notification_id": "ntf_" + "0" * 26,
    "filename": "swagger-ui.css",
    "account_id": "stf_" + "0" * 26,
    "approval_id": "apv_" + "0" * 26,
    "item_id": "wrk_" + "0" * 26,
    "case_id": "cas_" + "0" * 26,
    "person_id": "per_" + "0" * 26,
    "payout_id": "pay_" + "0" * 26,
    "batch_id": "bat_" + "0" * 26,
    "day": "2026-02-01",
}
"""A value for each place of a path: well-formed, and nobody's."""


def routes(house: House, *, guard: str | None = None) -> list[Route]:
    """Every method of every route the application has, one by one."""
    return [each for each in _routes(house) if guard in (None, each.guard)]


def _routes(house: House) -> Iterator[Route]:
    for rule in house.app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield Route(method, rule, str(auth.guard_of(house.app, str(rule.endpoint))))


def document(house: House) -> dict[str, Any]:
    """The OpenAPI document as the service publishes it."""
    return dict(ask(house, "GET", "/openapi.json").get_json())


def json_routes(house: House) -> list[Route]:
    """The routes that take a JSON body, by the published document."""
    taking = {
        operation["operationId"]
        for methods in document(house)["paths"].values()
        for method, operation in methods.items()
        if method != "parameters" and "application/json" in _contents(operation)
    }
    return [each for each in routes(house) if each.endpoint in taking]


def _contents(operation: dict[str, Any]) -> dict[str, Any]:
    return dict(operation.get("requestBody", {}).get("content", {}))
