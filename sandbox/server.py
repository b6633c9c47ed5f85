"""Puts a sandbox together and serves it, on this machine only."""

import logging
import signal
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from flask import Flask, Response, g, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException
from werkzeug.http import http_date
from werkzeug.serving import WSGIRequestHandler, make_server

from sandbox import keys
from sandbox.books import Books
from sandbox.call_log import write_answer, write_call
from sandbox.catching_up import bring_about
from sandbox.clock import Clock
from sandbox.control import control
from sandbox.control_bills import control_bills
from sandbox.control_messages import control_messages
from sandbox.control_notices import control_notices
from sandbox.control_payments import control_payments
from sandbox.control_purse import control_purse
from sandbox.control_refunds import control_refunds
from sandbox.control_signing import control_signing
from sandbox.control_transfers import control_transfers
from sandbox.faults import Faults
from sandbox.house_templates import ensure_templates
from sandbox.identity import read_identity
from sandbox.miniprogram import miniprogram
from sandbox.notices import Courier
from sandbox.pay import pay
from sandbox.pay_balance import pay_balance
from sandbox.pay_bills import pay_bill_files, pay_bills
from sandbox.pay_certificates import pay_certificates, restore_signing
from sandbox.pay_refunds import pay_refunds
from sandbox.pay_transfers import pay_transfers
from sandbox.pusher import Pusher
from sandbox.subscribe import subscribe
from sandbox.transfers import Look
from sandbox.world import World, attach, this_world, world_of

HOST = "127.0.0.1"
BLUEPRINTS = (
    *(miniprogram, subscribe, pay, pay_certificates, pay_bills, pay_bill_files),
    *(pay_balance, pay_refunds, pay_transfers),
    *(control, control_payments, control_signing, control_bills, control_messages),
    *(control_purse, control_refunds, control_transfers, control_notices),
)
NOTIFY_DEFAULT = "https://localhost:8000/v1/notices/wechat-pay"


class NotThisMachine(Exception):
    """The sandbox was asked to listen to other machines."""


class _Handler(WSGIRequestHandler):
    # Header and body leave in two writes; Nagle would hold the second one back for 40 ms.
    disable_nagle_algorithm = True

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The Date of an answer is the sandbox's time: a merchant may hold his clock against it."""
        return http_date(world_of(self.server.app).clock.now())  # type: ignore[arg-type]

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing is written: query strings hold the app secret and tokens."""


def create_sandbox(
    folder: Path, *, database: str | None = None, notify_default: str = NOTIFY_DEFAULT
) -> Flask:
    """A sandbox with the keys of `folder` is ready and its courier at work.

    `database` is `folder/wechat.sqlite` unless given; `:memory:` forgets. `notify_default` is
    where notices of payments go that no order of the merchant asked for.
    Raises FileNotFoundError when the keys have not been made.
    """
    app = Flask("sandbox", static_folder=None)
    attach(app, new_world(folder, database=database, notify_default=notify_default))
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    app.before_request(_log_call)
    app.after_request(_log_answer)
    app.register_error_handler(HTTPException, _in_json)
    return app


def new_world(
    folder: Path, *, database: str | None = None, notify_default: str = NOTIFY_DEFAULT
) -> World:
    """What a sandbox remembers is there, and its courier and pusher at work; as `create_sandbox`.

    Attached to a sandbox that stands already, it makes it as new.
    """
    keys.ensure_platform_certificate(folder)
    identity = read_identity(folder)
    books = Books(database or str(folder / "wechat.sqlite"))
    with books.open() as db:
        restore_signing(db, identity.signing)
        ensure_templates(db)
    clock = Clock(folder / keys.CLOCK_OFFSET)
    faults = Faults()

    def advance(db: sqlite3.Connection, at_s: int) -> None:
        bring_about(db, Look(identity, at_s, not faults.is_on("no_notice")))

    courier = Courier(identity, books=books, clock=clock, advance=advance)
    pusher = Pusher(identity, books=books, clock=clock)
    courier.start()
    pusher.start()
    return World(identity, books, clock, faults, courier, pusher, notify_default)


@contextmanager
def serve_in_thread(app: Flask, port: int = 0) -> Iterator[str]:
    """The sandbox answers at the address the block gets, and is over when the block ends."""
    server = make_server(HOST, port, app, threaded=True, request_handler=_Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        world_of(app).close()


def serve(app: Flask, *, host: str, port: int) -> None:
    """The sandbox has answered until SIGTERM or Ctrl-C and is over.

    Raises NotThisMachine for any host but 127.0.0.1.
    """
    if host != HOST:
        raise NotThisMachine(f"the sandbox listens on {HOST} only, not on {host!r}")
    # werkzeug says at every start that it is no production server. Nor is a sandbox.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server(host, port, app, threaded=True, request_handler=_Handler)
    signal.signal(signal.SIGTERM, _end)
    try:
        server.serve_forever()
    finally:
        world_of(app).close()


def _end(signum: int, frame: FrameType | None) -> None:
    # Raised in the main thread, which only waits for connections; request threads are daemons.
    raise KeyboardInterrupt


def _log_call() -> None:
    if request.path.startswith("/sandbox/"):
        return
    world = this_world()
    endpoint = f"{request.method} {request.url_rule or '(unknown)'}"
    with world.books.open() as db:
        g.call = write_call(db, endpoint=endpoint, path=request.path, at_s=world.clock.now_s())


def _log_answer(response: Response) -> Response:
    if "call" in g:
        with this_world().books.open() as db:
            write_answer(db, g.call, status=response.status_code)
    return response


def _in_json(error: HTTPException) -> ResponseReturnValue:
    code = error.name.upper().replace(" ", "_")
    return {"code": code, "message": error.description}, error.code or 500
