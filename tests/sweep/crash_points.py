"""A flow that dies at its k-th point: before each SQL statement, each COMMIT, each call outside.

Dying after a point is dying before the next one, and dying at the very end is an answer that was
never sent; so the points "before", and one beyond the last, are all there are.
"""

import os
import traceback
from collections.abc import Callable
from typing import Any

import requests
from sqlalchemy import event

from app.db import db
from tests.house import House

KILLED = 9


def dies_at(house: House, point: int, flow: Callable[[], Any]) -> bool:
    """Whether a process of its own died in the flow at this point; False when it had ended before.

    The child is a fork: it shares the house's sockets to nobody, because every pool is emptied
    first, and ends without a word to the database, as under `kill -9`.
    """
    with house.app.app_context():
        db.engine.dispose()
    for gateway in ("lingcun-pay", "lingcun-mini-program"):
        _http_of(house.app.extensions[gateway]).close()
    child = os.fork()
    if child == 0:
        _live_and_die(house, point, flow)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, KILLED), f"the flow failed at point {point}: see its traceback"
    return code == KILLED


def _live_and_die(house: House, point: int, flow: Callable[[], Any]) -> None:
    reached = 0

    def step(*_: Any, **__: Any) -> None:
        nonlocal reached
        reached += 1
        if reached == point:
            os._exit(KILLED)

    plain_send = requests.Session.send

    def send(session: requests.Session, *args: Any, **kwargs: Any) -> requests.Response:
        step()
        return plain_send(session, *args, **kwargs)

    try:
        with house.app.app_context():
            engine = db.engine
        event.listen(engine, "before_cursor_execute", step)
        event.listen(engine, "commit", step)
        requests.Session.send = send  # type: ignore[method-assign]
        flow()
    except BaseException:  # noqa: BLE001 - a fork must never go on as a second test run
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _http_of(gateway: Any) -> requests.Session:
    found = getattr(gateway, "_http", None) or gateway._client._http
    assert isinstance(found, requests.Session)
    return found
