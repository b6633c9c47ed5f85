"""The two databases every test runs on, each reset to "migrated and installed" in milliseconds."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Protocol

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from sandbox.postgres import APP_ROLE, OWNER_ROLE, EmbeddedPostgres

LIVE, INSTALLED = "lingcun_live", "lingcun_installed"


class Database(Protocol):
    """Where a house keeps its rows."""

    app_url: str
    owner_url: str

    def keep(self, name: str = INSTALLED) -> None:
        """The state now is kept under this name; nobody may be using the database."""

    def reset(self, to: str = INSTALLED) -> None:
        """The database is as it was when it was kept; nobody may be using it."""


class Sqlite:
    """One file; kept states are copies beside it."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._live = folder, folder / "live.sqlite"
        self.app_url = f"sqlite:///{self._live}"
        self.owner_url = ""

    def keep(self, name: str = INSTALLED) -> None:
        shutil.copyfile(self._live, self._folder / f"{name}.sqlite")

    def reset(self, to: str = INSTALLED) -> None:
        for suffix in ("-wal", "-shm"):
            Path(f"{self._live}{suffix}").unlink(missing_ok=True)
        shutil.copyfile(self._folder / f"{to}.sqlite", self._live)


class Postgres:
    """A database of a server, used as the app role; kept states are templates."""

    def __init__(self, server: EmbeddedPostgres | GivenPostgres) -> None:
        self._server = server
        server.drop_database(LIVE)
        self.owner_url = server.create_database(LIVE)
        self.app_url = server.url(LIVE, user=APP_ROLE)

    def keep(self, name: str = INSTALLED) -> None:
        self._server.drop_database(name)
        self._server.create_database(name, template=LIVE)

    def reset(self, to: str = INSTALLED) -> None:
        self._server.drop_database(LIVE)
        self._server.create_database(LIVE, template=to)


class GivenPostgres:
    """The server at TEST_POSTGRES_URL, whose user may create roles and databases.

    Databases carry the xdist worker's name, so that workers do not share one.
    """

    def __init__(self, url: str) -> None:
        self._url = make_url(url)
        self._suffix = os.environ.get("PYTEST_XDIST_WORKER", "main")
        self._roles()

    def url(self, database: str, user: str = OWNER_ROLE) -> str:
        found = self._url.set(
            drivername="postgresql+psycopg",
            database=self._name(database),
            username=user,
            password=user,
        )
        return found.render_as_string(hide_password=False)

    def create_database(self, name: str, template: str | None = None) -> str:
        self._do(
            "CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY FILE_COPY",
            self._name(name),
            OWNER_ROLE,
            self._name(template) if template else "template1",
        )
        return self.url(name)

    def drop_database(self, name: str) -> None:
        self._do("DROP DATABASE IF EXISTS {} WITH (FORCE)", self._name(name))

    def _roles(self) -> None:
        with self._admin() as connection:
            connection.execute("SELECT pg_advisory_lock(20250106)")
            for role in (OWNER_ROLE, APP_ROLE):
                row = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
                if row.fetchone() is None:
                    connection.execute(
                        sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
                            sql.Identifier(role), sql.Literal(role)
                        )
                    )

    def _name(self, name: str) -> str:
        return f"{name}_{self._suffix}"

    def _do(self, statement: str, *names: str) -> None:
        with self._admin() as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def _admin(self) -> psycopg.Connection[tuple[object, ...]]:
        url = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
        return psycopg.connect(url, autocommit=True)
