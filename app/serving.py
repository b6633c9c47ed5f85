"""Before serving: why this deployment may not, all reasons at once; and a ready sandbox."""

import fcntl
import ipaddress
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click
import flask_migrate
from flask import Flask, Response
from flask.cli import FlaskGroup, run_command
from sqlalchemy.exc import DBAPIError

from app import cli, clock, db, documents, settings
from app.services import installation

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def is_a_command() -> bool:
    """Whether a `flask` command is at work that does not serve: every one but `flask run`."""
    context = click.get_current_context(silent=True)
    return (
        context is not None
        and isinstance(context.find_root().command, FlaskGroup)
        and context.command is not run_command
    )


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


def fit_settings() -> settings.Settings:
    """The settings of this deployment, fit for what is at work here.

    Raises `SettingsUnfit`; where production is to be served, also with what its database lacks.
    """
    chosen = settings.load()
    if chosen.is_production and not is_a_command():
        reasons = reasons_not_to_serve()
        if reasons:
            raise settings.SettingsUnfit(reasons, settings=chosen)
    return chosen


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


def believe_proxies(app: Flask, count: int) -> None:
    """Requests come from whom the nearest `count` proxies say; with 0, from whoever connected.

    Only the address is taken from them: anybody can write the other headers.
    """
    if not count:
        return
    serve = app.wsgi_app

    def told(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        # Split at every comma: a reader of quoted strings takes the proxy's entry for part of a
        # quotation that the client has opened before it.
        named = environ.get("HTTP_X_FORWARDED_FOR", "").split(",")
        if len(named) >= count and named[-count].strip():
            environ["REMOTE_ADDR"] = named[-count].strip()
        return serve(environ, start_response)

    app.wsgi_app = told  # type: ignore[method-assign]


def keep_to_this_machine(app: Flask) -> None:
    """Requests from other machines are refused, whatever server and address let them in.

    A sandbox would hand them its keys and its clock.
    """
    serve = app.wsgi_app

    def guarded(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if _is_of_this_machine(environ.get("REMOTE_ADDR", "")):
            return serve(environ, start_response)
        refusal = Response(
            "APP_ENV=sandbox answers this machine only\n", 403, mimetype="text/plain"
        )
        return refusal(environ, start_response)

    app.wsgi_app = guarded  # type: ignore[method-assign]


def _is_of_this_machine(peer: str) -> bool:
    if not peer:  # a socket in the file system
        return True
    address = ipaddress.ip_address(peer)
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


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
