"""How migrations reach the database: as the owner role where there is one.

The application's own role may not change tables (PostgreSQL): `DATABASE_OWNER_URL` names the role
that migrates. SQLite has no roles and uses `DATABASE_URL`.
"""

from alembic import context
from flask import current_app
from sqlalchemy import create_engine

import app.models  # noqa: F401 - the tables
from app.db import db


def _run() -> None:
    settings = current_app.extensions["lingcun-settings"]
    engine = create_engine(settings.database_owner_url or settings.database_url)
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            transaction_per_migration=True,
            # ALTER on SQLite copies the table and loses its triggers: never by default.
            render_as_batch=False,
        )
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


if context.is_offline_mode():
    raise SystemExit("migrations run against a database, not into a file")
_run()
