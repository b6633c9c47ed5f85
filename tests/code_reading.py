"""Reading the project's own code, for tests about the code itself."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
CLOCK_CALLS = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("time", "time"),
    ("time", "time_ns"),
    ("time", "localtime"),
    ("time", "gmtime"),
    ("func", "now"),
    ("func", "current_timestamp"),
}


def python_files(room: str) -> list[str]:
    """The Python files below a folder, as paths from the root of the project."""
    return sorted(str(path.relative_to(ROOT)) for path in (ROOT / room).rglob("*.py"))


def shipped() -> Iterator[str]:
    """Every text of the project that goes out of the house."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for path in listed.splitlines():
        if (ROOT / path).is_file() and not path.startswith("requirements"):
            yield path


@cache
def text(path: str) -> str:
    """What stands in the file."""
    return (ROOT / path).read_text("utf-8", errors="replace")


@cache
def tree(path: str) -> ast.Module:
    """The file as Python reads it."""
    return ast.parse(text(path))


def functions(room: str) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Every function and method below a folder."""
    for path in python_files(room):
        for each in ast.walk(tree(path)):
            if isinstance(each, ast.FunctionDef):
                yield path, each


def lines_of(function: ast.FunctionDef) -> int:
    """From the signature to the last line."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def lines_of_body(function: ast.FunctionDef) -> int:
    """The lines under the signature and the docstring."""
    first = function.body[1 if ast.get_docstring(function) else 0 :]
    return (function.end_lineno or 0) - first[0].lineno + 1 if first else 0


def arguments_of(function: ast.FunctionDef) -> int:
    """How many a caller gives; `self` is not one of them."""
    found = function.args
    own = [
        each.arg for each in (*found.posonlyargs, *found.args) if each.arg not in ("self", "cls")
    ]
    return len(own) + len(found.kwonlyargs)


def is_plain_data(each: ast.AST) -> bool:
    """A frozen value whose fields say it all, or a shape of another's object."""
    return isinstance(each, ast.ClassDef) and any(
        "dataclass" in ast.unparse(mark) for mark in each.decorator_list
    )


def is_float(node: ast.AST) -> bool:
    """A fraction in floating point, or the word for it."""
    if isinstance(node, ast.Constant):
        return type(node.value) is float
    return isinstance(node, ast.Name) and node.id == "float"


def is_exact(division: ast.BinOp) -> bool:
    """A path, or a division of which one side is visibly a Fraction or a Decimal."""
    written = ast.unparse(division)
    return any(word in written for word in ("Path(", "Fraction(", "Decimal(", "_TEMPLATES"))


def reads_the_clock(node: ast.AST) -> bool:
    """A call that asks what time it is."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return False
    owner = node.func.value
    name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
    return (name, node.func.attr) in CLOCK_CALLS


def imported(node: ast.AST) -> list[str]:
    """The modules that the statement imports."""
    if isinstance(node, ast.Import):
        return [each.name for each in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return []


def name_of(expression: ast.expr) -> str:
    """The last name in an expression."""
    if isinstance(expression, ast.Attribute):
        return expression.attr
    return expression.id if isinstance(expression, ast.Name) else ""


def is_pieced(node: ast.AST) -> bool:
    """SQL whose text is put together on the way to the database."""
    return (
        isinstance(node, ast.Call)
        and name_of(node.func) in ("text", "execute", "literal_column", "exec_driver_sql")
        and any(isinstance(part, ast.JoinedStr | ast.BinOp) for part in node.args)
    )


def is_careless(node: ast.AST) -> bool:
    """A plain comparison of something that only its owner may know."""
    if not isinstance(node, ast.Compare) or not isinstance(node.ops[0], ast.Eq | ast.NotEq):
        return False
    names = {name_of(side) for side in (node.left, *node.comparators)}
    return bool(names & {"token", "secret", "mac", "password", "apiv3_key"})
