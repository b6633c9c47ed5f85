"""Messages to workers that need people: `flask notifications retry-parked`."""

import click
from flask.cli import with_appcontext

from app import clock
from app.services import notifications


@click.group("notifications")
def notifications_group() -> None:
    """Messages to workers."""


@notifications_group.command("retry-parked")
@with_appcontext
def retry_parked() -> None:
    """Put parked messages back into the outbox, once the reason in the log is mended."""
    click.echo(f"due again: {notifications.retry_parked(at=clock.now())}")
