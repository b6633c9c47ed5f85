"""Payments nobody told us of: the follow-up with one question at a time, beside several at once.

Compared: how many orders a second `follow-up-payments` settles when it asks WeChat one after
another, and when it asks several at once, as it does. All orders are paid, WeChat (the sandbox)
told nobody and answers each question after 50 ms; the job runs in a process of its own, batch
after batch until nothing is due. It is how long workers wait for their money after an outage.
"""

import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

from flask import Flask

from app import create_app, settings
from app.jobs import runner
from app.services import payment_follow_up
from bench.orders import new_orders, new_workers
from bench.place import POSTGRES, SQLITE, Place, a_place
from bench.progress import done, tell
from bench.report import Line, Report
from sandbox.orders import Order, place_order, settle_order
from sandbox.server import create_sandbox, serve_in_thread
from sandbox.world import world_of

ANSWERS_AFTER_S = 0.05
PEOPLE = 500
ONE, SEVERAL = 1, payment_follow_up.AT_ONCE


@dataclass(frozen=True)
class Size:
    """How many rounds, and how many orders a round has for each of the two."""

    rounds: int
    for_one: int
    for_several: int

    @property
    def orders(self) -> int:
        """How many there are in all."""
        return self.rounds * (self.for_one + self.for_several)


FULL = {POSTGRES: Size(5, 100, 1900), SQLITE: Size(5, 50, 150)}
QUICK = {SQLITE: Size(3, 25, 75)}


def run(*, is_quick: bool) -> Report:
    """The bench has run; here is what it found."""
    lines: list[Line] = []
    for database, size in (QUICK if is_quick else FULL).items():
        rates = _rates(database, size)
        ratio = median(many / one for one, many in zip(rates[ONE], rates[SEVERAL], strict=True))
        lines += [
            Line(f"{SEVERAL} at once to one at a time, {size.orders:,} orders on {database}",
                 f"{ratio:.1f} x"),
            Line(f"orders a second, one at a time, on {database}", f"{median(rates[ONE]):.0f}"),
            Line(f"orders a second, {SEVERAL} at once, on {database}",
                 f"{median(rates[SEVERAL]):.0f}"),
        ]  # fmt: skip
    return Report(
        "Payments nobody told us of",
        f"`follow-up-payments` asking up to {SEVERAL} at once with the same asking one after"
        f" another, until nothing is due; WeChat answers after {ANSWERS_AFTER_S * 1000:.0f} ms."
        " Medians of rounds in turn; every payment was credited once and the books verified.",
        lines,
        [
            "On SQLite writers queue behind one another, whoever asks: only the waiting for WeChat"
            " is shared.",
        ],
    )


@dataclass(frozen=True)
class Turn:
    """One run of the job: what is due at its moment, and how many are asked about at once."""

    at: datetime
    at_once: int
    orders: int


def _rates(database: str, size: Size) -> dict[int, list[float]]:
    """Orders settled a second, by how many are asked about at once, for each round."""
    rates: dict[int, list[float]] = {ONE: [], SEVERAL: []}
    tell(f"unknown_payments: {size.orders} orders on {database}")
    with a_place(database) as place, _wechat(place) as (base, know):
        turns = _turns(place, size, know)
        spawned = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, spawned, _begin, (place.with_wechat_at(base),)) as worker:
            for number, turn in enumerate(turns, 1):
                tell(f"unknown_payments: {database}, turn {number} of {len(turns)}")
                counts, took_s = worker.submit(_resolve, turn).result()
                _must_be(counts, {"credited": turn.orders})
                rates[turn.at_once].append(turn.orders / took_s)
        _must_be(place.broken_invariants(), [])
    done()
    return rates


def _turns(place: Place, size: Size, know: Callable[[Iterable[Order]], None]) -> list[Turn]:
    """The orders stand here and are paid at WeChat; a turn's are due when those before are done."""
    begins = datetime.now(UTC) - timedelta(hours=1)
    people = new_workers(place, min(PEOPLE, size.orders))
    pairs = [(ONE, size.for_one), (SEVERAL, size.for_several)] * size.rounds
    turns = []
    for number, (at_once, count) in enumerate(pairs):
        turns.append(Turn(begins + timedelta(seconds=number), at_once, count))
        know(new_orders(place, people, count, at=begins, asked_at=turns[-1].at))
    return turns


def _must_be(found: object, wanted: object) -> None:
    if found != wanted:
        raise RuntimeError(f"there should be {wanted}, and there is {found}")


@contextmanager
def _wechat(place: Place) -> Iterator[tuple[str, Callable[[Iterable[Order]], None]]]:
    """A WeChat that answers late: its address, and how it gets to know of paid orders."""
    sandbox = create_sandbox(place.folder, database=":memory:")
    answer = sandbox.wsgi_app

    def late(environ: Any, start_response: Any) -> Any:
        time.sleep(ANSWERS_AFTER_S)
        return answer(environ, start_response)

    sandbox.wsgi_app = late  # type: ignore[method-assign]
    with serve_in_thread(sandbox) as base:
        yield base, lambda orders: _know(sandbox, orders)


def _know(sandbox: Flask, orders: Iterable[Order]) -> None:
    with world_of(sandbox).books.open() as books:
        for each in orders:
            asked = {
                "out_trade_no": each.out_trade_no,
                "payer": {"openid": each.openid},
                "amount": {"total": each.total_fen},
                "notify_url": "",
            }
            place_order(books, asked, at_s=each.until_s)
            settle_order(books, each.out_trade_no, success_s=each.until_s)


# --- in the process of the job ---

_app: list[Flask] = []


def _begin(environment: dict[str, str]) -> None:
    _app.append(create_app(settings.load(environment)))


def _resolve(turn: Turn) -> tuple[dict[str, int], float]:
    """What the job counted until nothing was due at that moment, and how long it took."""
    (job,) = [each for each in runner.JOBS if each.name == "follow-up-payments"]
    payment_follow_up.AT_ONCE = turn.at_once
    counts: Counter[str] = Counter()
    begun = time.perf_counter()
    with _app[0].app_context():
        while job.has_more(found := runner.run(job, at=turn.at)):
            counts.update(found)
    counts.update(found)
    return dict(counts), time.perf_counter() - begun
