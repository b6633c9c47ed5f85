"""`flask policy`: is a file a policy, what would it change, which figures are still undecided."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from flask.cli import with_appcontext

from app import clock
from app.services import policy_reading

_TEXT_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_HEADER = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]\s*(#.*)?")
_COLUMNS = ("path", "name", "clause", "value", "source")
_WIDE = {"W", "F"}  # characters two columns wide on a terminal


@click.group("policy")
def policy_group() -> None:
    """Read policies: check a file, compare it, list what nobody has decided. Changes nothing.

    A policy is a TOML file like policies/huzhou-pilot.toml: each figure is a table [section.field]
    with value, unit, clause, provenance and source.
    """


@policy_group.command("check")
@click.argument("file", type=_TEXT_FILE)
def check_policy(file: Path) -> None:
    """Check that FILE is a valid policy; the database is not asked.

    Exit 0 with code, title, first day, hash and number of placeholders. Exit 1 with every problem
    on its own line, as FILE:LINE: field: what is wrong.
    """
    checked = policy_reading.check_file(_valid(file))
    click.echo(
        f"ok: {checked.code} 《{checked.title}》 from {checked.effective_on}, "
        f"{_counted(len(checked.placeholders))}, sha256 {checked.sha256}"
    )


@policy_group.command("diff")
@click.argument("file", type=_TEXT_FILE)
@click.option("--against", type=_TEXT_FILE, help="Compare with this file instead.")
@with_appcontext
def diff_policy(file: Path, against: Path | None) -> None:
    """Print what FILE changes, one sentence a line, or "no change".

    It is compared with the stored policy in force on the day before FILE begins, unless --against
    names a file. A figure counts as changed when its value, clause, provenance or source is
    another. Exit 0 with or without changes, 1 if a file is no policy or none is stored.
    """
    text = _valid(file)
    if against is not None:
        changes = policy_reading.diff_files(_valid(against), text)
    else:
        try:
            changes = policy_reading.diff_with_stored(text)
        except policy_reading.NoPolicyInForce as none:
            raise click.ClickException(
                f"no stored policy is in force on {none.facts['on']}, before this one begins; "
                "compare it with a file: --against FILE"
            ) from none
    for change in changes:
        click.echo(change.sentence)
    if not changes:
        click.echo("no change")
    elif {change.path for change in changes} == {policy_reading.HEAD}:
        click.echo("no figure changes")


@policy_group.command("unknowns")
@click.argument("file", type=_TEXT_FILE, required=False)
@with_appcontext
def list_unknowns(file: Path | None) -> None:
    """List the figures nobody has decided: provenance "placeholder".

    Of FILE, or without one of the stored policy in force today. Prints a table of path, name,
    clause, value and source, and how many there are. Exit 0 also when there are some.
    """
    if file is not None:
        found = policy_reading.unknowns_of(_valid(file))
    else:
        today = clock.today()
        try:
            found = policy_reading.unknowns_on(today)
        except policy_reading.NoPolicyInForce as none:
            raise click.ClickException(f"no stored policy is in force on {today}") from none
    if found:
        rows = [[each.path, each.name, each.clause, each.value, each.source] for each in found]
        for line in _table([_COLUMNS, *rows]):
            click.echo(line)
    click.echo(_counted(len(found)))


def _valid(file: Path) -> str:
    """The text of a file that is a policy; otherwise every problem is told and the exit code 1."""
    try:
        text = file.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{file} is not written in UTF-8") from error
    try:
        policy_reading.check_file(text)
    except policy_reading.PolicyInvalid as invalid:
        for problem in invalid.problems:
            line, said = _line_of(problem, text), policy_reading.plain(problem)
            click.echo(f"{file}:{line}: {said}" if line else f"{file}: {said}", err=True)
        raise SystemExit(1) from invalid
    return text


def _line_of(problem: str, text: str) -> int | None:
    """Where a problem's field stands: the line of its table, or of its key in the head."""
    field = problem.partition(":")[0]
    in_head = True
    for number, line in enumerate(text.split("\n"), 1):
        header = _HEADER.fullmatch(line)
        in_head = in_head and header is None
        if header is not None and f"{field}.".startswith(f"{header[1]}."):
            return number
        if in_head and line.partition("=")[0].strip() == field:
            return number
    return None


def _counted(placeholders: int) -> str:
    return f"{placeholders} placeholder{'' if placeholders == 1 else 's'}"


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)
        ]
        yield "  ".join(cells).rstrip()


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(each) in _WIDE else 1 for each in text)
