"""What nobody foresaw (F35): rolled back, answered without a word too many, and over afterwards.

The database itself fails, in the middle of each step's transaction: a trigger on the table that
the step writes last raises, with a text that must not get out.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy.engine import make_url

from app.db import transaction
from app.models import PaymentCase
from sandbox.phone import Phone, Problem
from tests.api.asking import (
    another_app,
    ask,
    but_for_the_record,
    everything_stored,
    problem_of,
)
from tests.house import STARTS_AT, House
from tests.office import seated
from tests.proposals import a_limit, a_saver_here

SECRET = "bGVha2VkLWludGVybmFs"
Step = Callable[[House, Phone], Any]

# The table that fails, and the step that must then have no effect.
STEPS: dict[str, Step] = {
    "consent": lambda _, phone: phone.consent(),
    "identity_check": lambda _, phone: phone.prove_identity(),
    "person": lambda _, phone: phone.prove_identity(),
    "enrolment": lambda _, phone: phone.enrol(),
    "agreement": lambda _, phone: phone.sign_agreement(),
    "idempotency_key": lambda _, phone: phone.order(100_000),
    "daily_balance_snapshot": lambda house, phone: settle_paid(phone),
    "posting": lambda house, phone: settle_paid(phone),
}
PAID_BEFORE = {"daily_balance_snapshot", "posting"}
# What a step leaves behind on purpose: a try at proving an identity is counted whatever follows.
RECORDED_FIRST = {"person": {"identity_check"}}


def test_a_step_that_fails_midway_has_no_effect_and_works_the_next_time(house: House) -> None:
    phone = house.phone()
    phone.log_in()

    for table, step in STEPS.items():
        if table in PAID_BEFORE:
            pay(phone)
        before = everything_stored(house)
        with failing(house, table):
            problem = failed(step, house, phone)
        after = everything_stored(house)
        kept = RECORDED_FIRST.get(table, set())

        assert problem.status == 500, table
        assert {t for t in before if before[t] != after[t]} <= kept, table
        assert problem.kind == "internal-server-error"
        assert SECRET not in repr(problem.details)
        assert set(problem.details) == {"type", "title", "status", "detail", "request_id"}
        step(house, phone)

    assert phone.get("/v1/me/account")["flexible_fen"] == 200_000


def test_a_notice_that_fails_midway_is_not_taken_and_comes_again(house: House) -> None:
    """Inbox row and credit are one transaction (P4): WeChat sees a 500 and sends once more."""
    phone = house.worker()
    phone.wechat.pay(phone.order(100_000)["payment_parameters"], notify=False)
    notice = house.play(f"orders/{house.out_trade_no()}/notice")
    before = everything_stored(house)

    with failing(house, "posting"):
        failed = house.send_notice(notice)
    after = everything_stored(house)
    again = house.send_notice(notice)

    assert (failed.status_code, again.status_code) == (500, 204)
    assert SECRET not in failed.text
    assert after == before
    assert phone.get("/v1/me/account")["flexible_fen"] == 100_000


def test_what_staff_do_and_fails_midway_has_no_effect_and_works_the_next_time(
    house: House,
) -> None:
    """Also where it cannot be put on record: then it is not done (W8)."""
    clerk, reviewer = seated(house, "counter-clerk"), seated(house, "reviewer")
    _, person_id, _ = a_saver_here(house)
    limit = a_limit(person_id)

    for table in ("audit_entry", "approval", "work_item"):
        before = but_for_the_record(house)
        with failing(house, table), pytest.raises(Problem) as found:
            clerk.propose("deposit-limit-override", "年终奖", **limit)
        assert found.value.status == 500, table
        assert SECRET not in repr(found.value.details)
        assert but_for_the_record(house) == before, table
    proposal = clerk.propose("deposit-limit-override", "年终奖", **limit)
    before = but_for_the_record(house)
    with failing(house, "deposit_limit_override"), pytest.raises(Problem) as found:
        reviewer.approve(proposal)

    assert found.value.status == 500
    assert but_for_the_record(house) == before
    assert reviewer.approve(proposal)["state"] == "approved"


def test_an_answer_that_cannot_be_put_on_record_is_given_all_the_same(house: House) -> None:
    """The call itself is on record before it has any effect; its status is then not known."""
    clerk, auditor = seated(house, "counter-clerk"), seated(house, "auditor")

    with failing(house, "audit_answer"):
        found = clerk.get("/me")

    assert found["account"]["login"] == clerk.login
    newest = auditor.get("/audit", login=clerk.login, limit=1)["items"][0]
    assert (newest["act"], newest["status"]) == ("GET /v1/staff/me", None)


def test_an_exception_in_a_view_is_answered_by_a_number_alone(house: House) -> None:
    before = everything_stored(house)

    with another_app(house) as app:
        add_failing_view(app)
        answer = app.test_client().post("/fail")

    problem = problem_of(answer)
    assert answer.status_code == 500
    assert problem["detail"] == "系统出现意外错误，请稍后再查看结果；如需帮助请提供编号。"
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    assert SECRET not in answer.get_data(as_text=True)
    assert "Traceback" not in answer.get_data(as_text=True)
    assert everything_stored(house) == before, "half of the transaction stayed"


@pytest.mark.parametrize("standing_house", ["sqlite"], indirect=True)
def test_debugging_is_off_and_offers_no_console(house: House) -> None:
    assert house.app.debug is False
    assert house.app.testing is False
    assert house.app.config["PROPAGATE_EXCEPTIONS"] is None
    assert house.app.secret_key is None
    assert ask(house, "GET", "/console").status_code == 404
    assert ask(house, "GET", "/?__debugger__=yes&cmd=resource&f=debugger.js").status_code == 404


@pytest.mark.parametrize("standing_house", ["postgres"], indirect=True)
def test_without_its_database_the_service_says_so_and_lives_on(house_to_break: House) -> None:
    """503 with a time to come back at, for money and for health alike; then it is as before."""
    house = house_to_break
    phone = house.worker()

    house.database._server.drop_database("lingcun_live")
    away = {
        path: ask(house, method, path, by=phone, json={"amount_fen": 100_000})
        for method, path in (
            ("GET", "/v1/me"),
            ("GET", "/readyz"),
            ("GET", "/v1/public/policy"),
            ("POST", "/v1/me/deposits"),
        )
    }
    alive = ask(house, "GET", "/healthz")

    assert {path: each.status_code for path, each in away.items()} == dict.fromkeys(away, 503)
    assert all(each.headers["Retry-After"] == "5" for each in away.values())
    assert "lingcun" not in "".join(each.get_data(as_text=True) for each in away.values())
    assert alive.status_code == 200
    house.reset()
    assert ask(house, "GET", "/readyz").status_code == 200


def pay(phone: Phone) -> None:
    """Another deposit is paid at WeChat, and nobody has told the service."""
    phone.wechat.pay(phone.order(100_000)["payment_parameters"], notify=False)


def settle_paid(phone: Phone) -> None:
    """The newest order is asked after."""
    phone.settle(phone.get("/v1/me/deposits")[0]["deposit_id"])


def failed(step: Step, house: House, phone: Phone) -> Problem:
    """What the step was refused with."""
    with pytest.raises(Problem) as found:
        step(house, phone)
    return found.value


def add_failing_view(app: Flask) -> None:
    """A route that writes a row and then fails, inside one transaction."""

    def fail() -> None:
        with transaction() as session:
            session.add(
                PaymentCase(
                    public_id="cas_of_the_failing_view",
                    kind="unconfirmed",
                    transaction_id="1",
                    out_trade_no="1",
                    differences=[],
                    opened_at=STARTS_AT,
                    next_query_at=STARTS_AT,
                )
            )
            session.flush()
            raise ZeroDivisionError(SECRET)

    fail.lingcun_guard = "public"  # type: ignore[attr-defined]
    app.add_url_rule("/fail", "fail", fail, methods=["POST"])


@contextmanager
def failing(house: House, table: str) -> Iterator[None]:
    """While inside, the database refuses every new row of this table, in words of its own."""
    if house.database.owner_url:
        begin = (
            "CREATE FUNCTION fail_for_test() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{SECRET}'; END $$;"
            f"CREATE TRIGGER fail_for_test BEFORE INSERT ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION fail_for_test()"
        )
        end = "DROP FUNCTION fail_for_test CASCADE"
    else:
        begin = (
            f"CREATE TRIGGER fail_for_test BEFORE INSERT ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{SECRET}'); END"
        )
        end = "DROP TRIGGER fail_for_test"
    as_owner(house, begin)
    try:
        yield
    finally:
        as_owner(house, end)


def as_owner(house: House, statement: str) -> None:
    """The owner of the tables has done this."""
    if house.database.owner_url:
        url = make_url(house.database.owner_url).set(drivername="postgresql")
        with psycopg.connect(url.render_as_string(hide_password=False)) as server:
            server.execute(statement)  # type: ignore[call-overload]
        return
    file = sqlite3.connect(str(make_url(house.database.app_url).database))
    try:
        file.execute(statement)
        file.commit()
    finally:
        file.close()
