"""A flow that dies at its k-th point: before each SQL statement, each COMMIT, each call outside.

Dying after a point is dying before the next one, and dying at the very end is an answer that was
never sent; so the points "before", and one beyond the last, are all there are.
"""

import json
import os
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests
from sqlalchemy import event

from app.db import db
from tests.house import House

KILLED = 9


@dataclass(frozen=True)
class Points:
    """How many points of each kind a flow has that nobody killed."""

    statements: int
    commits: int
    calls: int

    @property
    def total(self) -> int:
        return self.statements + self.commits + self.calls


def dies_at(house: House, point: int, flow: Callable[[], Any]) -> bool:
    """Whether a process of its own died in the flow at this point; False when it had ended before.

    The child is a fork: it shares the house's sockets to nobody, because every pool is emptied
    first, and ends without a word to the database, as under `kill -9`.
    """
    return outlived(house, point, flow) is None


def outlived(house: House, point: int, flow: Callable[[], Any]) -> Points | None:
    """The flow's points if it ended before this one (nobody dies at 0); None when it died there."""
    with house.app.app_context():
        db.engine.dispose()
    for gateway in ("lingcun-pay", "lingcun-mini-program"):
        _http_of(house.app.extensions[gateway]).close()
    told, tells = os.pipe()
    child = os.fork()
    if child == 0:
        _live_and_die(house, point, flow, tells)
    os.close(tells)
    with os.fdopen(told) as answer:
        said = answer.read()
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, KILLED), f"the flow failed at point {point}: see its traceback"
    return None if code == KILLED else Points(**json.loads(said))


def _live_and_die(house: House, point: int, flow: Callable[[], Any], tells: int) -> None:
    reached: Counter[str] = Counter(statements=0, commits=0, calls=0)

    def step(kind: str) -> None:
        reached[kind] += 1
        if reached.total() == point:
            os._exit(KILLED)

    plain_send = requests.Session.send

    def send(session: requests.Session, *args: Any, **kwargs: Any) -> requests.Response:
        step("calls")
        return plain_send(session, *args, **kwargs)

    try:
        with house.app.app_context():
            engine = db.engine
        event.listen(engine, "before_cursor_execute", lambda *_: step("statements"))
        event.listen(engine, "commit", lambda *_: step("commits"))
        requests.Session.send = send  # type: ignore[method-assign]
        flow()
        os.write(tells, json.dumps(reached).encode())
    except BaseException:  # noqa: BLE001 - a fork must never go on as a second test run
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _http_of(gateway: Any) -> requests.Session:
    found = getattr(gateway, "_http", None) or gateway._client._http
    assert isinstance(found, requests.Session)
    return found
