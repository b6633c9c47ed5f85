"""How the gateways speak HTTP: no proxy, no redirect, and an answer bounded in size and time.

A read time-out alone bounds the wait for the next byte, not for the last: a server that sends a
byte a second would hold a worker for days, and one that never stops would fill its memory.
"""

import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

TIMEOUT_S = (2.0, 5.0)  # connect, read
_ANSWER_WITHIN_S = 10.0
_LARGEST_ANSWER = 256 * 1024
_DOWNLOAD_WITHIN_S = 120.0
_LARGEST_DOWNLOAD = 64 * 1024 * 1024


class AnswerUnfit(requests.RequestException):
    """The answer is too large, too slow, or breaks off."""


class TooManyWaiting(requests.RequestException):
    """As many threads of this process wait for WeChat as may."""


_places: threading.BoundedSemaphore | None = None


def let_wait(at_most: int) -> None:
    """From now on so many threads of this process may wait for an answer, and no more.

    A server says so once, when its process begins: threads that nobody lets wait stay free for
    WeChat's notices, however many phones ask for something while WeChat is slow.
    """
    global _places  # noqa: PLW0603 - one process, one number
    _places = threading.BoundedSemaphore(at_most)


@contextmanager
def _a_place() -> Iterator[None]:
    places = _places
    if places is None:
        yield
        return
    if not places.acquire(blocking=False):
        raise TooManyWaiting()
    try:
        yield
    finally:
        places.release()


class _BoundedAdapter(HTTPAdapter):
    """Hands over an answer only once the whole of it has been read, within the bounds."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        with _a_place():
            response = super().send(request, *args, **kwargs)
            response.raw = io.BytesIO(_read(response.raw, _LARGEST_ANSWER, _ANSWER_WITHIN_S))
            return response


class _DownloadAdapter(HTTPAdapter):
    """The same with the bounds of a day's bill."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        response = super().send(request, *args, **kwargs)
        response.raw = io.BytesIO(_read(response.raw, _LARGEST_DOWNLOAD, _DOWNLOAD_WITHIN_S))
        return response


def session() -> requests.Session:
    """A pooled session for one gateway; it reads no proxy and no `.netrc` of the machine."""
    return _session(_BoundedAdapter(pool_maxsize=16))


def download_session() -> requests.Session:
    """A session for files of up to 64 MB that come within two minutes."""
    return _session(_DownloadAdapter(pool_maxsize=2))


def _session(adapter: HTTPAdapter) -> requests.Session:
    made = requests.Session()
    made.trust_env = False
    for scheme in ("http://", "https://"):
        made.mount(scheme, adapter)
    return made


def _read(raw: Any, largest: int, within_s: float) -> bytes:
    deadline, body = time.monotonic() + within_s, bytearray()
    with suppress(HTTPError, OSError):
        while len(body) <= largest and time.monotonic() <= deadline:
            chunk = raw.read1(_LARGEST_ANSWER, decode_content=True)
            if not chunk:
                raw.release_conn()
                return bytes(body)
            body += chunk
    raw.close()
    raise AnswerUnfit()
