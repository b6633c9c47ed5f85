"""Notices while WeChat hangs, beside the same notices while it answers.

Compared: how long gunicorn takes to answer signed notices of paid orders, 50 a second, when every
call of ours to WeChat hangs until its time-out, and when WeChat answers at once. WeChat's own
servers may well tell us of payments while they do not answer us; a notice needs nobody but the
database, and must not wait for those who wait. In both runs the job loop is at work (and stuck),
and phones log in: few of them, and as many as all workers have threads.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

from app import clock
from bench.hanging import hanging_wechat
from bench.load import Answer, phones, posted
from bench.notices import new_notices
from bench.orders import new_orders, new_workers
from bench.place import POSTGRES, SQLITE, Place, a_place
from bench.progress import done, tell
from bench.report import Line, Report, ranked
from sandbox.identity import read_identity
from sandbox.keeper import KeptProcess
from sandbox.server import create_sandbox, serve_in_thread
from tests.deployments import ROOT, serving
from tests.short_cuts import Worker

GOAL_S = 0.3
EACH_SECOND = 50
PEOPLE = 200
FEW, MANY = 4, 16
UNKNOWN = 64
STUCK_AFTER_S = 4.0


@dataclass(frozen=True)
class Run:
    """What was going on while notices came."""

    hangs: bool
    phones: int


CALM, HANG, CROWD = Run(False, FEW), Run(True, FEW), Run(True, MANY)


def run(*, is_quick: bool) -> Report:
    """The bench has run; here is what it found."""
    database, rounds, lasts_s = (SQLITE, 1, 3) if is_quick else (POSTGRES, 3, 10)
    found: dict[Run, list[list[Answer]]] = {CALM: [], HANG: [], CROWD: []}
    with a_place(database) as place, _servers(place) as servers:
        people = new_workers(place, PEOPLE)
        for each in (CALM, HANG):
            _sent(place, servers, each, people, 1)  # nobody measures a first second
        for number in range(rounds):
            for each in found:
                how = "hangs" if each.hangs else "answers"
                tell(f"notices_under_hang: round {number + 1} of {rounds}, WeChat {how}")
                found[each].append(_measured(place, servers, each, people, lasts_s))
        broken = place.broken_invariants()
    done()
    if broken:
        raise RuntimeError(f"the books do not verify: {broken}")
    return Report(
        "Notices while WeChat hangs",
        f"Signed notices of distinct orders, {EACH_SECOND} a second for {lasts_s} s, gunicorn with"
        f" 2 workers of 8 threads on {database}: while every call to WeChat hangs, the job loop is"
        f" stuck in such calls and {FEW} phones wait, and in the same run with a WeChat that"
        f" answers. Medians of rounds in turn ({rounds}); all were answered 204, and the books"
        " verified.",
        _lines(found),
        [
            f"{MANY} phones that wait hold every thread of both workers: what a notice waits for"
            " then is a time-out of somebody else's call.",
        ],
    )


def _lines(found: dict[Run, list[list[Answer]]]) -> list[Line]:
    def of(each: Run, percent: int) -> list[float]:
        return [ranked([answer.took_s for answer in round_], percent) for round_ in found[each]]

    def ratio(each: Run, percent: int) -> str:
        pairs = zip(of(each, percent), of(CALM, percent), strict=True)
        return f"{median(hung / calm for hung, calm in pairs):.2f} x"

    def within(each: Run) -> str:
        answers = [answer for round_ in found[each] for answer in round_]
        return f"{sum(answer.took_s <= GOAL_S for answer in answers) / len(answers):.1%}"

    def spoken(each: Run, percent: int) -> str:
        return f"{median(of(each, percent)) * 1000:.0f} ms"

    goal = f"<= {GOAL_S * 1000:.0f} ms"
    return [
        Line("p50, hanging to answering", ratio(HANG, 50)),
        Line("p99, hanging to answering", ratio(HANG, 99)),
        Line("p50 while WeChat answers / hangs", f"{spoken(CALM, 50)} / {spoken(HANG, 50)}"),
        Line("p99 while WeChat answers", spoken(CALM, 99)),
        Line("p99 while WeChat hangs", spoken(HANG, 99), goal),
        Line("within 300 ms while WeChat answers / hangs", f"{within(CALM)} / {within(HANG)}"),
        Line(f"p50, hanging with {MANY} phones waiting to answering", ratio(CROWD, 50)),
        Line(f"p50 / p99 with {MANY} phones waiting", f"{spoken(CROWD, 50)} / {spoken(CROWD, 99)}"),
        Line(f"within 300 ms with {MANY} phones waiting", within(CROWD)),
    ]


@dataclass(frozen=True)
class Servers:
    """The two services on one database, by whether their WeChat hangs, and where that WeChat is."""

    service: dict[bool, str]
    wechat: dict[bool, str]


@contextmanager
def _servers(place: Place) -> Iterator[Servers]:
    with ExitStack() as ending:
        sandbox = create_sandbox(place.folder, database=":memory:")
        wechat = {
            False: ending.enter_context(serve_in_thread(sandbox)),
            True: ending.enter_context(hanging_wechat()),
        }
        service = {}
        for hangs, base in wechat.items():
            log = place.folder / f"gunicorn-{hangs}.log"
            server = ending.enter_context(serving(place.with_wechat_at(base), log))
            service[hangs] = server.base
        yield Servers(service, wechat)


def _measured(
    place: Place, servers: Servers, what: Run, people: list[Worker], lasts_s: int
) -> list[Answer]:
    """The answers to notices while all that was going on."""
    now = clock.now()
    new_orders(place, people, UNKNOWN, at=now, asked_at=now)  # what the job loop asks after
    jobs = KeptProcess(
        [sys.executable, "-m", "flask", "--app", "wsgi", "jobs", "loop"],
        log=place.folder / "jobs.log",
        env=place.with_wechat_at(servers.wechat[what.hangs]),
        cwd=ROOT,
    )
    try:
        with phones(servers.service[what.hangs], what.phones):
            time.sleep(STUCK_AFTER_S)
            return _sent(place, servers, what, people, lasts_s)
    finally:
        jobs.stop()


def _sent(
    place: Place, servers: Servers, what: Run, people: list[Worker], lasts_s: int
) -> list[Answer]:
    now = clock.now()
    later = now + timedelta(days=1)  # nobody shall ask after these
    orders = new_orders(place, people, EACH_SECOND * lasts_s, at=now, asked_at=later)
    notices = new_notices(read_identity(place.folder), orders)
    answers = posted(servers.service[what.hangs], notices, each_second=EACH_SECOND)
    if wrong := {each.status for each in answers} - {204}:
        raise RuntimeError(f"notices were answered with {sorted(wrong)}")
    return answers
