"""A deployment made for one bench and gone with it: keys, a database, the application."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from flask import Flask

from app import create_app, settings
from app.db import db
from app.services import verification
from sandbox.keys import ensure_keys
from sandbox.postgres import APP_ROLE, EmbeddedPostgres
from tests.deployments import migrate_and_install, plain_environment

POSTGRES, SQLITE = "PostgreSQL", "SQLite"
NAME = "bench"


@dataclass(frozen=True)
class Place:
    """Where a deployment lives, what its processes are told, and its application within reach."""

    folder: Path
    environment: dict[str, str]
    app: Flask

    def with_wechat_at(self, base: str) -> dict[str, str]:
        """What a process of it is told whose WeChat is there."""
        return self.environment | {"WECHAT_API_BASE": base, "WECHAT_PAY_BASE": base}

    def broken_invariants(self) -> list[str]:
        """The invariants of the books that do not hold."""
        with self.app.app_context():
            return [each.id for each in verification.verify() if each.offenders]


@contextmanager
def a_place(database: str) -> Iterator[Place]:
    """A deployment on a new database, migrated and installed; its PostgreSQL syncs to disk."""
    with ExitStack() as ending:
        root = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="lingcun-bench-")))
        folder = root / "sandbox"
        ensure_keys(folder)
        url, owner_url = f"sqlite:///{folder / 'lingcun.sqlite'}", ""
        if database == POSTGRES:
            server = ending.enter_context(EmbeddedPostgres())
            owner_url, url = server.create_database(NAME), server.url(NAME, user=APP_ROLE)
        migrate_and_install(url, owner_url, environment=settings.SANDBOX)
        environment = plain_environment(
            root / "home",
            APP_ENV=settings.SANDBOX,
            SANDBOX_FOLDER=str(folder),
            DATABASE_URL=url,
            LOG_LEVEL="CRITICAL",
        )
        app = create_app(settings.load(environment))
        yield Place(folder, environment, app)
        with app.app_context():
            db.engine.dispose()
