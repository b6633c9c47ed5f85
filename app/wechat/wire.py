"""How both gateways speak HTTP: no proxy, no redirect, and an answer bounded in size and time.

A read time-out alone bounds the wait for the next byte, not for the last: a server that sends a
byte a second would hold a worker for days, and one that never stops would fill its memory.
"""

import io
import time
from contextlib import suppress
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

TIMEOUT_S = (2.0, 5.0)  # connect, read
_ANSWER_WITHIN_S = 10.0
_LARGEST_ANSWER = 256 * 1024


class AnswerUnfit(requests.RequestException):
    """The answer is too large, too slow, or breaks off."""


class _BoundedAdapter(HTTPAdapter):
    """Hands over an answer only once the whole of it has been read, within the bounds."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        response = super().send(request, *args, **kwargs)
        response.raw = io.BytesIO(_read(response.raw))
        return response


def session() -> requests.Session:
    """A pooled session for one gateway; it reads no proxy and no `.netrc` of the machine."""
    made = requests.Session()
    made.trust_env = False
    for scheme in ("http://", "https://"):
        made.mount(scheme, _BoundedAdapter(pool_maxsize=16))
    return made


def _read(raw: Any) -> bytes:
    deadline, body = time.monotonic() + _ANSWER_WITHIN_S, b""
    with suppress(HTTPError, OSError):
        while len(body) <= _LARGEST_ANSWER and time.monotonic() <= deadline:
            chunk = raw.read1(_LARGEST_ANSWER, decode_content=True)
            if not chunk:
                raw.release_conn()
                return body
            body += chunk
    raw.close()
    raise AnswerUnfit()
