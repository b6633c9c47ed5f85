"""An app that WeChat pushes events to, written from the protocol and not from `sandbox/`."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from wechatpy.utils import check_signature

from tests.sandbox.merchant import WAIT_S

TOKEN = "lingcun1push"
AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
TEMPLATE = "BEwX0BO-T3MqK3Uc5oTU3CGBqzjpndk2jzUf7VfExd8"

Pushed = tuple[dict[str, str], bytes]


@dataclass
class App:
    """Where events arrive. It answers as it was told, then `success` for ever."""

    port: int
    answers: list[str] = field(default_factory=list)
    echoes: bool = True
    came: list[Pushed] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}/push"

    def wait_for(self, count: int) -> list[Pushed]:
        end = time.monotonic() + WAIT_S
        while len(self.came) < count and time.monotonic() < end:
            time.sleep(0.01)
        return list(self.came)


@contextmanager
def listening() -> Iterator[App]:
    """An app listens while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = dict(parse_qsl(urlsplit(self.path).query))
            check_signature(TOKEN, query["signature"], query["timestamp"], query["nonce"])
            self._answer(query["echostr"] if found.echoes else "no")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.came.append((dict(parse_qsl(urlsplit(self.path).query)), body))
            self._answer(found.answers.pop(0) if found.answers else "success")

        def _answer(self, text: str) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = App(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
