"""The terminal: installing, running jobs, checking the books. `flask --help` lists everything."""

import signal
import threading
from collections import Counter
from pathlib import Path

import click
from flask import Flask
from flask.cli import with_appcontext

from app import clock, settings
from app.cli.notifications import notifications_group
from app.cli.policy import policy_group
from app.cli.staff import staff_group
from app.cli.wechat import wechat_group
from app.jobs import runner
from app.services import installation, verification

_ROOT = Path(__file__).resolve().parents[2]
FIRST_POLICY = _ROOT / "policies" / "huzhou-pilot.toml"
FIRST_AGREEMENT = _ROOT / "policies" / "agreements" / "huzhou-flexible-1.md"
BROKEN, COULD_NOT_CHECK = 1, 2

_TEXT_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def install(app: Flask) -> None:
    """The commands are there, beside `flask db` for migrations."""
    groups = (jobs, policy_group, staff_group, notifications_group, wechat_group)
    for command in (install_command, verify_command, *groups):
        app.cli.add_command(command)


@click.command("install")
@click.option("--policy", type=_TEXT_FILE, default=FIRST_POLICY, show_default=True)
@click.option("--agreement", type=_TEXT_FILE, default=FIRST_AGREEMENT, show_default=True)
@with_appcontext
def install_command(policy: Path, agreement: Path) -> None:
    """Install what a migrated database needs: environment, chart, first policy and agreement.

    Running it again adds what is missing and changes nothing.
    """
    try:
        added = installation.install(
            environment=settings.current().environment,
            policy_toml=policy.read_text("utf-8"),
            template=agreement.read_text("utf-8"),
            at=clock.now(),
        )
    except installation.NOT_INSTALLABLE as unfit:
        raise click.ClickException(str(unfit)) from unfit
    for line in added or ["nothing to add: everything was installed"]:
        click.echo(line)


@click.command("verify")
@with_appcontext
def verify_command() -> None:
    """Check every invariant of the books; exit 0 clean, 1 broken, 2 could not check.

    Prints each invariant's id, how many rows break it, and the first five of them. A row that
    cannot be read breaks the invariants that need it; 2 means the database could not be asked.
    """
    try:
        findings = verification.verify()
    except Exception as error:  # the reason matters more than the trace to whoever runs this
        click.echo(f"could not check: {type(error).__name__}: {error}", err=True)
        raise SystemExit(COULD_NOT_CHECK) from error
    for finding in findings:
        mark = "ok" if not finding.offenders else f"BROKEN ({len(finding.offenders)})"
        click.echo(f"{finding.id:4} {mark:12} {finding.title}")
        for offender in finding.offenders[:5]:
            click.echo(f"       {offender}")
    broken = [finding.id for finding in findings if finding.offenders]
    click.echo(f"broken: {', '.join(broken)}" if broken else "clean")
    raise SystemExit(BROKEN if broken else 0)


@click.group("jobs")
def jobs() -> None:
    """Run jobs: once by name, or all of them in a loop."""


@jobs.command("run")
@click.argument("name", type=click.Choice([job.name for job in runner.JOBS]))
@with_appcontext
def run_job(name: str) -> None:
    """Run one job now, batch after batch until nothing is due, and print what it counted."""
    job = next(each for each in runner.JOBS if each.name == name)
    counts: Counter[str] = Counter()
    while job.has_more(found := runner.run(job, at=clock.now())):
        counts.update(found)
        click.echo(f"{counts.total()} so far", err=True)
    counts.update(found)
    click.echo(" ".join(f"{key}={count}" for key, count in counts.items()) or "nothing to do")


@jobs.command("loop")
@with_appcontext
def loop_jobs() -> None:
    """Run every job when it is due, until SIGTERM or Ctrl-C."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    runner.loop(stop=stop)
