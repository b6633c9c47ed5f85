"""Starts the whole service on this machine: `python -m sandbox.stack run|demo`.

`run` serves on fixed ports until it is interrupted and keeps its data. `demo`
begins with nothing on free ports, lets the demonstration walk through the
service, has the books verified, and ends. Both leave no process behind, however
they end.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from sandbox.keeper import KeptProcess
from sandbox.keys import ensure_keys
from sandbox.postgres import APP_ROLE, EmbeddedPostgres
from sandbox.postgres_host import PostgresDidNotStart

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
DATABASE = "lingcun"
STEP_DEADLINE_S = 180.0
SERVE_DEADLINE_S = 60.0
DEMO_DEADLINE_S = 1800.0

HANDED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TERM", "NO_COLOR", "COLUMNS")
"""What the children see of our environment: neither a stray setting nor a proxy."""
HANDED_ON_PREFIXES = ("CENTRE_", "GUNICORN_", "LOG_", "PYTHON", "WEB_")


class StackFailed(RuntimeError):
    """A part of the service did not start, or ended; the message says which and why."""


@dataclass
class Stack:
    """The parts of a running service, the folder it lives in and its two addresses."""

    folder: Path
    api_port: int
    sandbox_port: int
    environment: dict[str, str]
    serving: dict[str, KeptProcess] = field(default_factory=dict)

    @property
    def api(self) -> str:
        """The address of the service."""
        return f"http://{HOST}:{self.api_port}"

    @property
    def sandbox(self) -> str:
        """The address of the sandbox."""
        return f"http://{HOST}:{self.sandbox_port}"

    def do(
        self,
        name: str,
        arguments: Sequence[str],
        *,
        owner_url: str = "",
        deadline_s: float = STEP_DEADLINE_S,
        show: bool = False,
    ) -> None:
        """The step has run to a good end. Raises `StackFailed` with its last words."""
        more = {"DATABASE_OWNER_URL": owner_url} if owner_url else {}
        process = self._start(name, arguments, more, None if show else self._log(name))
        try:
            deadline = time.monotonic() + deadline_s
            while process.running:
                self.all_must_run()
                if time.monotonic() > deadline:
                    _fail(f"{name} did not end within {deadline_s:.0f} s", process)
                time.sleep(0.05)
            if process.exit_code != 0:
                _fail(f"{name} ended with code {process.exit_code}", process)
        finally:
            process.stop()

    def serve(self, name: str, arguments: Sequence[str], *, ready_url: str = "") -> None:
        """The part runs, and answers at its address if it has one. Raises `StackFailed`."""
        process = self.serving[name] = self._start(name, arguments, {}, self._log(name))
        deadline = time.monotonic() + SERVE_DEADLINE_S
        while ready_url and not _answers(ready_url):
            self.all_must_run()
            if time.monotonic() > deadline:
                _fail(f"{name} does not answer at {ready_url}", process)
            time.sleep(0.1)

    def all_must_run(self) -> None:
        """Every part that serves still runs; raises `StackFailed` for one that does not."""
        for name, process in self.serving.items():
            if not process.running:
                _fail(f"{name} ended with code {process.exit_code}", process)

    def stop(self) -> None:
        """Every part has ended, the last one started first."""
        while self.serving:
            _, process = self.serving.popitem()
            process.stop()

    def _start(
        self, name: str, arguments: Sequence[str], more: dict[str, str], log: Path | None
    ) -> KeptProcess:
        print(f"  {name} ...", flush=True)
        command = [sys.executable, "-m", *arguments]
        return KeptProcess(command, log=log, cwd=ROOT, env=self.environment | more)

    def _log(self, name: str) -> Path:
        return self.folder / "logs" / f"{name.replace(' ', '-')}.log"


@contextmanager
def running_stack(
    folder: Path, *, database: str, api_port: int, sandbox_port: int, fresh: bool
) -> Iterator[Stack]:
    """The whole service runs while the block does; a fresh one begins with nothing."""
    folder = folder.resolve()
    with ExitStack() as ending:
        ending.enter_context(_alone_in(folder))
        if fresh:
            _clear(folder)
        ensure_keys(folder, api_port=api_port, sandbox_port=sandbox_port)
        (folder / "logs").mkdir(exist_ok=True)
        app_url, owner_url = f"sqlite:///{folder / 'lingcun.sqlite'}", ""
        if database == "postgres":
            print("  postgres ...", flush=True)
            # Beside the folder, not in it: the folder is closed to other accounts.
            place = folder.with_name(f"{folder.name}-server")
            server = ending.enter_context(EmbeddedPostgres(place, keep=not fresh))
            owner_url = server.create_database(DATABASE)
            app_url = server.url(DATABASE, user=APP_ROLE)
        stack = Stack(folder, api_port, sandbox_port, _environment(folder, app_url, api_port))
        ending.callback(stack.stop)
        flask = ("flask", "--app", "wsgi")
        stack.do("migrate", [*flask, "db", "upgrade"], owner_url=owner_url)
        stack.do("install", [*flask, "install"])
        stack.serve(
            "sandbox",
            ["sandbox", "serve", "--folder", str(folder), "--port", str(sandbox_port)],
            ready_url=f"{stack.sandbox}/sandbox/health",
        )
        stack.serve(
            "api",
            ["gunicorn", "wsgi:app", "--bind", f"{HOST}:{api_port}"],
            ready_url=f"{stack.api}/readyz",
        )
        stack.serve("jobs", [*flask, "jobs", "loop"])
        yield stack


def run(database: str, folder: Path | None, api_port: int, sandbox_port: int) -> None:
    """The service has served until it was interrupted. Raises `StackFailed`."""
    for port, option in ((api_port, "PORT"), (sandbox_port, "SANDBOX_PORT")):
        _must_be_free(port, option)
    name = "sandbox" if database == "sqlite" else f"sandbox-{database}"
    folder = folder or ROOT / "var" / name
    print(f"Lingcun starts on {database}, in {folder}")
    with running_stack(
        folder, database=database, api_port=api_port, sandbox_port=sandbox_port, fresh=False
    ) as stack:
        print(f"\nService   {stack.api}\nSandbox   {stack.sandbox}\nLogs      {folder / 'logs'}")
        print(f"Database  {stack.environment['DATABASE_URL']}")
        print("Ctrl-C ends everything.", flush=True)
        while True:
            stack.all_must_run()
            time.sleep(0.5)


def demo(database: str, folder: Path | None) -> None:
    """The demonstration went through and the books verify. Raises `StackFailed`."""
    folder = folder or ROOT / "var" / f"demo-{database}"
    api_port, sandbox_port = _free_ports(2)
    print(f"Lingcun demonstrates itself on {database}, in {folder}")
    with running_stack(
        folder, database=database, api_port=api_port, sandbox_port=sandbox_port, fresh=True
    ) as stack:
        arguments = ["sandbox.demo", "--api", stack.api, "--sandbox", stack.sandbox]
        stack.do("demo", arguments, deadline_s=DEMO_DEADLINE_S, show=True)
        stack.do("verify", ["flask", "--app", "wsgi", "verify"], show=True)
    print(f"The demonstration went through and the books verify ({database}).")


def _environment(folder: Path, app_url: str, api_port: int) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in HANDED_ON or name.startswith(HANDED_ON_PREFIXES)
    }
    return kept | {
        "APP_ENV": "sandbox",
        "SANDBOX_FOLDER": str(folder),
        "DATABASE_URL": app_url,
        "GUNICORN_BIND": f"{HOST}:{api_port}",
        "PYTHONUNBUFFERED": "1",
    }


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackFailed(f"another run uses {folder}: end it first") from None
        yield


def _clear(folder: Path) -> None:
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "app.env").exists():
        raise StackFailed(f"{folder} holds something else: remove it, or name another folder")
    shutil.rmtree(folder, ignore_errors=True)


def _answers(url: str) -> bool:
    no_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with no_proxy.open(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((HOST, 0))
        return [each.getsockname()[1] for each in sockets]


def _must_be_free(port: int, option: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as failure:
            hint = f"choose another with `make run {option}=...`"
            raise StackFailed(f"port {port} cannot be had ({failure.strerror}): {hint}") from None


def _fail(what: str, process: KeptProcess) -> NoReturn:
    if process.log is None:
        raise StackFailed(what)
    raise StackFailed(f"{what}. The end of {process.log}:\n{process.last_lines()}")


def _end_in_good_order(number: int, _frame: object) -> NoReturn:
    sys.exit(128 + number)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox.stack", description=__doc__)
    parser.add_argument("what", choices=("run", "demo"))
    parser.add_argument("--db", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--folder", type=Path, help="default: var/sandbox or var/demo-<db>")
    parser.add_argument("--port", type=int, default=8000, help="of the service, for run")
    parser.add_argument("--sandbox-port", type=int, default=8100, help="for run")
    return parser.parse_args()


def main() -> int:
    """Answers 0 when what was asked went through, 1 with a sentence when it did not."""
    given = _arguments()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end_in_good_order)
    try:
        if given.what == "demo":
            demo(given.db, given.folder)
        else:
            run(given.db, given.folder, given.port, given.sandbox_port)
    except (StackFailed, PostgresDidNotStart) as failure:
        print(f"\nNot well: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nEnded.")
        return 0 if given.what == "run" else 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
