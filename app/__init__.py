"""Lingcun (灵存): housing-provident-fund savings for flexible workers, as a Flask application."""

from flask import Flask

from app import api, cli, clock, db, documents, log, serving, settings, vault, wechat

__all__ = ["create_app"]


def create_app(given: settings.Settings | None = None) -> Flask:
    """An application for these settings, or for those of the environment.

    Raises `SettingsUnfit` with every setting that must be mended. However it is served, a sandbox
    answers this machine alone, and production must be fit to serve.
    """
    chosen = serving.fit_settings() if given is None else given
    log.configure(chosen.log_level)
    clock.follow_offset_file(chosen.clock_offset_file)
    app = Flask(__name__, static_folder=None)
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    settings.install(app, chosen)
    vault.install(app, chosen.vault)
    db.install(app, chosen.database_url)
    wechat.install(app, chosen)
    documents.install(app, chosen.seal)
    api.install(app)
    serving.believe_proxies(app, chosen.trusted_proxies)
    cli.install(app)
    if not chosen.is_production:
        serving.keep_to_this_machine(app)
    return app
