"""Who calls the service: WeChat with notices at a steady pace, and phones that wait for an answer.

A notice is late from the moment it should have been sent, not from when a sender was free: a
service that stands still must not slow down the clock that measures it.
"""

import http.client
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from bench.notices import Notice

SENDERS = 96
ANSWER_WITHIN_S = 30
A_PHONE_EVERY_S = 5.0  # as long as a phone waits when WeChat hangs


@dataclass(frozen=True)
class Answer:
    """How a notice was answered, and how many seconds after it should have been sent."""

    status: int
    took_s: float


def posted(base: str, notices: Sequence[Notice], *, each_second: int) -> list[Answer]:
    """The notices were posted at this pace, each on a connection of its own; their answers."""
    with ThreadPoolExecutor(SENDERS) as senders:
        begun, sent = time.monotonic(), []
        for number, notice in enumerate(notices):
            due = begun + number / each_second
            time.sleep(max(0.0, due - time.monotonic()))
            sent.append(senders.submit(_post, base, notice, due))
        return [each.result() for each in sent]


@contextmanager
def phones(base: str, count: int) -> Iterator[None]:
    """So many phones log in, again and again, while the block runs; WeChat is asked each time."""
    stop = threading.Event()
    threads = [threading.Thread(target=_log_in, args=(base, stop)) for _ in range(count)]
    for each in threads:
        each.start()
    try:
        yield
    finally:
        stop.set()
        for each in threads:
            each.join()


def _post(base: str, notice: Notice, due: float) -> Answer:
    status = _status(base, "/v1/notices/wechat-pay", notice.body, notice.headers)
    return Answer(status, time.monotonic() - due)


def _log_in(base: str, stop: threading.Event) -> None:
    while not stop.is_set():
        again_at = time.monotonic() + A_PHONE_EVERY_S
        body = f'{{"code": "{uuid.uuid4().hex}"}}'.encode()
        _status(base, "/v1/sessions", body, {"Content-Type": "application/json"})
        stop.wait(max(0.0, again_at - time.monotonic()))


def _status(base: str, path: str, body: bytes, headers: dict[str, str]) -> int:
    """The status of the answer; 0 when none came."""
    line = http.client.HTTPConnection(urlsplit(base).netloc, timeout=ANSWER_WITHIN_S)
    try:
        line.request("POST", path, body, {**headers, "Connection": "close"})
        answer = line.getresponse()
        answer.read()
        return answer.status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        line.close()
