"""The rules of the house that a machine can read off the code itself.

Ceilings, no floating-point money, one clock, nothing of this machine: whoever has a good reason
writes it down beside the exception.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.code_reading import (
    arguments_of,
    functions,
    imported,
    is_careless,
    is_exact,
    is_float,
    is_pieced,
    is_plain_data,
    lines_of,
    lines_of_body,
    python_files,
    reads_the_clock,
    shipped,
    text,
    tree,
)

CODE = ("app", "sandbox", "bench")

LINES_OF_A_FILE, LINES_OF_A_FUNCTION, ARGUMENTS, LINES_OF_A_VIEW = 300, 40, 7, 10
# Files that hold whatever found no better place.
NO_ROOMS = {"utils", "util", "helpers", "helper", "common", "misc", "managers", "manager", "base"}

# Fractions are welcome where seconds are waited or counted; never where money is.
FLOATS = {
    "app/db.py": "seconds of a retry and their jitter",
    "app/jobs/runner.py": "seconds until the next run",
    "app/wechat/miniprogram.py": "time-outs, and a deadline of the monotonic clock",
    "app/wechat/wire.py": "time-outs",
    "app/api/fields.py": "reads every JSON number, in order to refuse what is no integer",
    "app/log.py": "a fact of a log line may be a duration",
}
# Statements made of our own tables' names or of SQLite's settings, never of what came in.
PIECED = {"app/ledger/verify_append_only.py", "app/db.py"}
# The one reader of the clock.
CLOCK = "app/clock.py"


@pytest.mark.parametrize("room", CODE)
def test_no_file_is_longer_than_it_can_be_read_at_once(room: str) -> None:
    lengths = {path: len(text(path).splitlines()) for path in python_files(room)}

    assert {path: n for path, n in lengths.items() if n > LINES_OF_A_FILE} == {}


@pytest.mark.parametrize("room", CODE)
def test_no_function_is_longer_than_a_page(room: str) -> None:
    long = {
        f"{path}:{each.lineno} {each.name}": lines_of(each)
        for path, each in functions(room)
        if lines_of(each) > LINES_OF_A_FUNCTION
    }

    assert long == {}


@pytest.mark.parametrize("room", CODE)
def test_no_function_takes_more_than_seven_arguments(room: str) -> None:
    wide = {
        f"{path}:{each.lineno} {each.name}": arguments_of(each)
        for path, each in functions(room)
        if arguments_of(each) > ARGUMENTS
    }

    assert wide == {}


def test_a_view_guards_reads_calls_one_service_and_answers() -> None:
    views = [
        (path, each)
        for path, each in functions("app/api")
        if any("blueprint.route" in ast.unparse(mark) for mark in each.decorator_list)
    ]

    long = {
        f"{path}: {each.name}": n
        for path, each in views
        if (n := lines_of_body(each)) > LINES_OF_A_VIEW
    }

    assert len(views) >= 27
    assert {name: lines for name, lines in long.items() if lines > LINES_OF_A_VIEW} == {}


@pytest.mark.parametrize("room", CODE)
def test_every_room_and_every_public_function_says_what_it_is_for(room: str) -> None:
    silent = [
        f"{path}:{each.lineno} {each.name}"
        for path in python_files(room)
        for each in tree(path).body
        if isinstance(each, ast.FunctionDef | ast.ClassDef)
        and not each.name.startswith("_")
        and not ast.get_docstring(each)
        and not is_plain_data(each)
    ]
    nameless = [
        path for path in python_files(room) if text(path) and not ast.get_docstring(tree(path))
    ]

    assert silent == []
    assert nameless == []


def test_no_file_is_a_drawer_for_everything() -> None:
    drawers = [
        path
        for room in (*CODE, "tests")
        for path in python_files(room)
        if Path(path).stem in NO_ROOMS or Path(path).parent.name in NO_ROOMS
    ]

    assert drawers == []


def test_no_money_is_counted_in_floating_point() -> None:
    found: dict[str, list[int]] = {}
    for path in python_files("app"):
        for each in ast.walk(tree(path)):
            if is_float(each):
                found.setdefault(path, []).append(each.lineno)

    assert {path: lines for path, lines in found.items() if path not in FLOATS} == {}
    assert set(FLOATS) <= set(found), "an exception that nobody needs any more"


def test_no_rule_and_no_ledger_divides_with_a_slash() -> None:
    """`/` makes a float of two integers: exact rules use `//`, Fraction or Decimal."""
    divisions = [
        f"{path}:{each.lineno} {ast.unparse(each)}"
        for room in ("app/rules", "app/ledger", "app/services")
        for path in python_files(room)
        for each in ast.walk(tree(path))
        if isinstance(each, ast.BinOp) and isinstance(each.op, ast.Div)
        if not is_exact(each)
    ]

    assert divisions == []


def test_the_clock_is_read_in_one_file() -> None:
    readers = [
        f"{path}:{each.lineno}"
        for path in python_files("app")
        for each in ast.walk(tree(path))
        if reads_the_clock(each)
    ]

    assert {each.partition(":")[0] for each in readers} == {CLOCK}


def test_no_parameter_has_the_clock_as_its_default() -> None:
    """`on=None` that means today hides a clock: the door asks it and hands the answer down."""
    hidden = [
        f"{path}:{each.lineno} {each.name}"
        for room in ("app/rules", "app/ledger", "app/services")
        for path, each in functions(room)
        for default in (*each.args.defaults, *filter(None, each.args.kw_defaults))
        if isinstance(default, ast.Call) or (isinstance(default, ast.Name) and default.id == "now")
    ]

    assert hidden == []


def test_the_service_knows_nothing_of_the_sandbox_or_the_tests() -> None:
    imports = {
        f"{path}:{each.lineno}": name
        for path in python_files("app")
        for each in ast.walk(tree(path))
        for name in imported(each)
        if name.partition(".")[0] in ("sandbox", "tests", "bench")
    }

    assert imports == {}


def test_no_statement_is_put_together_from_pieces() -> None:
    """S9: values are bound; an f-string, `%` or `+` inside `text()` or `execute()` is a hole."""
    pieced = [
        f"{path}:{each.lineno} {ast.unparse(each)[:80]}"
        for path in python_files("app")
        for each in ast.walk(tree(path))
        if is_pieced(each) and path not in PIECED
    ]

    assert pieced == []


def test_secrets_are_compared_in_constant_time() -> None:
    """S14: `==` on a secret tells how much of it was right."""
    careless = [
        f"{path}:{each.lineno} {ast.unparse(each)}"
        for path in python_files("app")
        for each in ast.walk(tree(path))
        if is_careless(each) and "MemberSession." not in ast.unparse(each)  # SQL, on hashes
    ]

    assert careless == []


def test_nothing_of_one_machine_is_written_down() -> None:
    home = re.compile(r"""(?<![\w.:/])/(?:home|root|Users|work|mnt|media)/[\w.]""")

    found = [
        f"{path}:{number} {line.strip()[:80]}"
        for path in shipped()
        for number, line in enumerate(text(path).splitlines(), 1)
        if home.search(line)
    ]

    assert found == []


def test_nobody_asks_the_reader_to_finish_the_work() -> None:
    unfinished = re.compile(r"\b(TO[D]O|FIX[M]E|XX[X]|HA[C]K)\b")

    found = [
        f"{path}:{number} {line.strip()[:80]}"
        for path in shipped()
        for number, line in enumerate(text(path).splitlines(), 1)
        if unfinished.search(line)
    ]

    assert found == []


@pytest.mark.parametrize(
    ("check", "sample"),
    [
        (is_float, "total = 0.5"),
        (is_float, "total = float(fen)"),
        (is_float, "def f(fen: float): ..."),
        (reads_the_clock, "at = datetime.now(UTC)"),
        (reads_the_clock, "at = time.time()"),
        (reads_the_clock, "on = dt.date.today()"),
        (imported, "import sandbox"),
        (imported, "from sandbox.phone import Phone"),
        (is_careless, "if token == given: ..."),
        (is_careless, "ok = headers.token != made"),
        (is_pieced, "session.execute(text(f'SELECT {x}'))"),
        (is_pieced, "text('SELECT ' + x)"),
    ],
)
def test_the_rules_see_what_they_forbid(check: Callable[[ast.AST], object], sample: str) -> None:
    assert any(check(node) for node in ast.walk(ast.parse(sample)))
