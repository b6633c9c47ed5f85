"""gunicorn's settings, read from the folder it starts in.

Threads, because a request waits for WeChat or the database most of its time; a short grace on
stopping, so that a payment notice in the middle of its commit is finished.
"""

import os

bind = os.environ.get("GUNICORN_BIND", "127.0.0.1:8000")  # the sandbox is for loopback only
worker_class = "gthread"
workers = int(os.environ.get("GUNICORN_WORKERS", "2"))
threads = int(os.environ.get("GUNICORN_THREADS", "8"))
timeout = 30
graceful_timeout = 10
keepalive = 5
max_requests = 10_000
max_requests_jitter = 1_000
limit_request_line = 4094
limit_request_field_size = 8190
accesslog = None  # the app writes one JSON line per request, without addresses and queries
control_socket_disable = True  # it would be made in HOME


def post_fork(server: object, worker: object) -> None:
    """Half of a worker's threads may wait for WeChat; the others are free for its notices."""
    from app.wechat import wire

    wire.let_wait(max(1, threads // 2))


def on_starting(server: object) -> None:
    """A sandbox that others could reach does not even start; `app.serving` refuses them anyway."""
    address = getattr(server, "address", [("127.0.0.1", 0)])
    hosts = [each[0] for each in address if isinstance(each, tuple)]
    if os.environ.get("APP_ENV", "sandbox") == "sandbox":
        open_ones = [host for host in hosts if host not in ("127.0.0.1", "::1", "localhost")]
        if open_ones:
            raise SystemExit(f"APP_ENV=sandbox binds loopback only, not {', '.join(open_ones)}")
