"""Before serving: why this deployment may not, all reasons at once; and a ready sandbox."""

import fcntl
from pathlib import Path

import flask_migrate
from flask import Flask
from sqlalchemy.exc import DBAPIError

from app import cli, clock, db, documents, settings
from app.services import installation


def reasons_not_to_serve() -> list[str]:
    """Everything that must be mended first: settings, database, rules; empty when it may serve."""
    try:
        chosen: settings.Settings | None = settings.load()
        reasons = []
    except settings.SettingsUnfit as unfit:
        chosen, reasons = unfit.settings, list(unfit.problems)
    if chosen is None:
        return reasons
    return reasons + _seal_reasons(chosen.seal) + _database_reasons(chosen)


def make_sandbox_ready(app: Flask) -> None:
    """The embedded SQLite database of a sandbox is migrated and installed; nothing elsewhere.

    Several server processes may start at once: one of them does it, the others wait.
    """
    chosen: settings.Settings = app.extensions["lingcun-settings"]
    path = app.config["SQLALCHEMY_DATABASE_URI"].database
    if chosen.is_production or not chosen.database_url.startswith("sqlite") or not path:
        return
    lock = Path(path).with_suffix(".lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as held, app.app_context():
        fcntl.flock(held, fcntl.LOCK_EX)
        flask_migrate.upgrade()
        installation.install(
            environment=chosen.environment,
            policy_toml=cli.FIRST_POLICY.read_text("utf-8"),
            template=cli.FIRST_AGREEMENT.read_text("utf-8"),
            at=clock.now(),
        )


def _seal_reasons(seal: settings.SealSettings) -> list[str]:
    if not all(file.is_file() for file in (seal.key_file, seal.cert_file, seal.ca_file)):
        return []  # already named
    try:
        documents.Seal.load(key_file=seal.key_file, cert_file=seal.cert_file, ca_file=seal.ca_file)
    except (documents.SealUnusable, OSError) as error:
        return [f"the seal cannot be used: {error}"]
    return []


def _database_reasons(chosen: settings.Settings) -> list[str]:
    if not chosen.database_url:
        return []
    # A bare application: the settings that build the whole one may be what is missing.
    app = Flask(__name__, static_folder=None)
    try:
        db.install(app, chosen.database_url)
        with app.app_context():
            try:
                return installation.reasons_not_to_serve(chosen.environment)
            finally:
                db.db.engine.dispose()
    except DBAPIError as error:
        kind = type(error.orig).__name__
        return [f"the database does not answer or is not migrated ({kind}): `flask db upgrade`"]
    except Exception as error:  # noqa: BLE001 - a malformed URL raises what it likes, with the URL in its text
        return [f"DATABASE_URL cannot be used ({type(error).__name__})"]
