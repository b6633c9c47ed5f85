"""Many payments nobody told us of: asked about several at a time, batch after batch."""

import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.jobs import runner
from app.models import JobRun, Journal
from app.services import payment_follow_up
from app.services.payment_follow_up import AT_ONCE, GIVE_UP_AFTER
from tests.house import STARTS_AT, House
from tests.short_cuts import a_phone

JOB = "follow-up-payments"


def paid_quietly(house: House, count: int) -> None:
    """So many deposits paid, of which WeChat told nobody; an hour has passed."""
    for _ in range(count):
        a_phone(house)[0].deposit(100_000, notify=False)
    house.at(STARTS_AT + timedelta(hours=1))


def credited(house: House) -> int:
    query = select(func.count()).select_from(Journal).where(Journal.kind == "deposit-received")
    return int(house.rows(query)[0][0])


class Watch:
    """How many questions were at WeChat at the same moment, at most; each stays a while."""

    def __init__(self, stay_s: float) -> None:
        self.most, self._there, self._stay_s = 0, 0, stay_s
        self._lock = threading.Lock()

    def __call__(self, path: str) -> None:
        if "/out-trade-no/" not in path:
            return
        with self._lock:
            self._there += 1
            self.most = max(self.most, self._there)
        time.sleep(self._stay_s)
        with self._lock:
            self._there -= 1


def test_several_orders_are_asked_about_at_once(house: House) -> None:
    paid_quietly(house, GIVE_UP_AFTER)
    house._wechat.before = watch = Watch(0.5)

    assert house.run_job(JOB) == {"credited": GIVE_UP_AFTER}

    assert watch.most == GIVE_UP_AFTER
    assert credited(house) == GIVE_UP_AFTER


def test_never_more_are_open_than_agreed_on(house: House) -> None:
    paid_quietly(house, 2 * AT_ONCE)
    house._wechat.before = watch = Watch(0.1)

    assert house.run_job(JOB) == {"credited": 2 * AT_ONCE}

    assert 1 < watch.most <= AT_ONCE


def test_the_command_goes_on_until_nothing_is_due(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid_quietly(house, 5)
    in_twos(monkeypatch)

    done = house.app.test_cli_runner().invoke(args=["jobs", "run", JOB])

    assert (done.exit_code, done.stdout) == (0, "credited=5\n")
    assert done.stderr.splitlines() == ["2 so far", "4 so far"]
    runs = house.rows(select(JobRun.counts).order_by(JobRun.id))
    assert [counts for (counts,) in runs] == [{"credited": 2}, {"credited": 2}, {"credited": 1}]


def test_the_loop_does_not_wait_with_the_rest_of_a_heap(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid_quietly(house, 5)
    in_twos(monkeypatch)
    stop = threading.Event()
    monkeypatch.setattr(
        runner, "JOBS", (*runner.JOBS, runner.Job("a-turn", lambda _: {}, timedelta(hours=1)))
    )

    def loop() -> None:
        with house.app.app_context():
            runner.loop(stop=stop)

    thread = threading.Thread(target=loop)
    thread.start()
    for _ in range(200):
        if credited(house) == 5:
            break
        stop.wait(0.02)
    stop.set()
    thread.join(timeout=5)

    assert credited(house) == 5
    names = [name for (name,) in house.rows(select(JobRun.job).order_by(JobRun.id))]
    assert names.index("a-turn") < len(names) - 1 - names[::-1].index(JOB)


def in_twos(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch is two orders, and follow-up is the only job."""
    monkeypatch.setattr(payment_follow_up, "BATCH", 2)
    (job,) = [each for each in runner.JOBS if each.name == JOB]
    monkeypatch.setattr(runner, "JOBS", (replace(job, batch=2),))
