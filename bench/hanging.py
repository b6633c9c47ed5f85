"""A WeChat that takes every connection and never answers on it."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def hanging_wechat() -> Iterator[str]:
    """Its address; the connections are closed when the block ends."""
    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0), backlog=512) as server:

        def take() -> None:
            with suppress(OSError):  # closed at the end
                while True:
                    held.append(server.accept()[0])

        threading.Thread(target=take, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            for each in held:
                each.close()
