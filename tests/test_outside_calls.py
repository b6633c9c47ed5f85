"""F21: nobody holds a transaction while WeChat is asked, in every route and job that asks it.

Which they are is read off the code (`tests/reaching.py`): who adds one exercises it here as well.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any
from unittest import mock

import psycopg
import pytest
import requests
from flask import has_request_context, request
from sqlalchemy import select, text
from sqlalchemy.engine import make_url

from app.db import db
from app.jobs import runner
from app.models import PayoutLeg
from tests.house import STARTS_AT, House
from tests.proposals import suspend
from tests.reaching import jobs_that_reach_wechat, views_that_reach_wechat
from tests.scenarios.paying_out import Till
from tests.scenarios.test_notifications import allow
from tests.short_cuts import a_phone

# The job at work: one at a time, in however many threads.
AT_WORK = ["nobody"]
# It asks from several threads, each with a session of its own: what idles may be another's.
IN_THREADS = "follow-up-payments"
IDLE = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'"
)


class Watch:
    """Every request that left for WeChat: who sent it, and what stood open meanwhile."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.callers: set[str] = set()
        self.open: list[tuple[str, str]] = []
        self._idle = _asking_who_idles(house)

    def before(self, method: str, url: str) -> None:
        """A request is about to leave."""
        caller = str(request.endpoint) if has_request_context() else AT_WORK[-1]
        self.callers.add(caller)
        if db.session().in_transaction() or (caller != IN_THREADS and self._idle()):
            self.open.append((caller, f"{method} {url.partition('?')[0]}"))


def _asking_who_idles(house: House) -> Any:
    if not house.database.app_url.startswith("postgresql"):
        return lambda: 0
    url = make_url(house.database.app_url).set(drivername="postgresql")
    address = url.render_as_string(hide_password=False)

    def idle() -> int:
        with psycopg.connect(address, autocommit=True) as connection:
            row = connection.execute(IDLE).fetchone()
        return int(row[0]) if row else 0

    return idle


@contextmanager
def watched(house: House) -> Iterator[Watch]:
    """The gateways' HTTP sessions tell of every request while the block runs."""
    found = house.app.extensions
    client, watch = found["lingcun-apiv3"], Watch(house)
    assert found["lingcun-pay"]._client is client
    with ExitStack() as stack:
        for session in (
            client._http,
            client._downloads,
            found["lingcun-mini-program"]._client._http,
        ):
            stack.enter_context(mock.patch.object(session, "send", _telling(session, watch)))
        yield watch


def _telling(session: requests.Session, watch: Watch) -> Any:
    plain = session.send

    def send(prepared: requests.PreparedRequest, **how: Any) -> requests.Response:
        watch.before(str(prepared.method), str(prepared.url))
        return plain(prepared, **how)

    return send


def test_no_transaction_is_open_while_wechat_is_asked(house: House) -> None:
    with watched(house) as watch:
        the_way_in(house)
        payments(house)
        till = payouts(house)
        till.accountant.get("/wechat-funds")
        house.at(STARTS_AT + timedelta(minutes=2))
        for job in runner.JOBS:
            run(house, job.name)
        house.at(STARTS_AT + timedelta(days=1, hours=2))
        run(house, "reconcile")
        transfer(house)

    assert watch.open == []
    assert watch.callers == endpoints(house) | jobs_that_reach_wechat()


def the_way_in(house: House) -> None:
    """Login, phone number, face: with an access token that must be fetched."""
    house.app.extensions["lingcun-mini-program"]._token = ""
    house.worker()


def payments(house: House) -> None:
    """An order, one settled, one cancelled, one left to the job; a message to send."""
    phone, _ = a_phone(house)
    allow(house, phone)
    house.deposit(phone, 50_000)
    waiting = phone.order(50_000)["deposit"]["deposit_id"]
    phone.post(f"/v1/me/deposits/{waiting}/cancel")
    phone.deposit(50_000, notify=False)


def payouts(house: House) -> Till:
    """A refund to send, and money in suspense that the job found."""
    till = Till(house)
    house.faults(no_notice=True)
    AT_WORK.append("follow-up-payments")
    suspend(house, till.phone, 30_000)
    AT_WORK.pop()
    till.withdraw(30_000)
    return till


def transfer(house: House) -> None:
    """A transfer is sent, and asked after by the next run."""
    house.at(STARTS_AT + timedelta(days=400))
    till = Till(house)
    house.at(STARTS_AT + timedelta(days=800))
    till.sit_down()
    house.play("balances/top-up", {"account": "OPERATION", "amount": 100_000})
    payout_id = till.withdraw(30_000)
    for minutes in (0, 12):
        house.at(STARTS_AT + timedelta(days=800, minutes=minutes))
        run(house, "follow-up-payouts")
    channels = house.rows(select(PayoutLeg.channel, PayoutLeg.state).order_by(PayoutLeg.id))
    assert channels[-1] == ("transfer", "waiting-for-payee")
    till.sit_down()
    till.clerk.post(f"/payouts/{payout_id}/cancellation")


def run(house: House, name: str) -> None:
    """The job ran, and what it sends is known as its own."""
    AT_WORK.append(name)
    house.run_job(name)
    AT_WORK.pop()


def endpoints(house: House) -> set[str]:
    """The routes whose views can reach WeChat; a view of no route is named as it is."""
    views = {
        (inspect.unwrap(view).__module__, inspect.unwrap(view).__name__): endpoint
        for endpoint, view in house.app.view_functions.items()
    }
    return {views.get(each, ".".join(each)) for each in views_that_reach_wechat()}


def test_the_code_is_read_rightly(house: House) -> None:
    """What is known today: whoever changes it has looked at this file."""
    assert endpoints(house) == {
        *("sessions.log_in", "identity.start_check", "identity.finish_check"),
        *("deposits.order_deposit", "deposits.settle_deposit", "deposits.cancel_deposit"),
        *("payouts.funds", "payouts.cancel"),
    }
    assert jobs_that_reach_wechat() == {
        *("refresh-certificates", "follow-up-payments", "follow-up-payouts"),
        *("send-notifications", "reconcile"),
    }


@pytest.mark.parametrize("standing_house", ["postgres"], indirect=True)
def test_the_watch_sees_a_transaction_that_somebody_left_open(house: House) -> None:
    with house.app.app_context():
        engine = db.engine
    with engine.connect() as connection, watched(house) as watch:
        connection.execute(text("SELECT 1"))
        run(house, "refresh-certificates")

    assert [caller for caller, _ in watch.open] == ["refresh-certificates"]
