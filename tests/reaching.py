"""Which views and jobs can reach WeChat, read off the code: by what they name, not by what ran.

Whatever a function, class or constant names it may call. A gateway's attribute speaks to WeChat
unless it is written down here as one that does not.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache

from tests.code_reading import python_files, tree

Node = tuple[str, str]  # a module's path, and a name at its top
ROOMS = ("app/services", "app/api", "app/jobs")
# Attributes of the gateways that send nothing. A new one speaks to WeChat until it stands here.
SAYS_NOTHING = {
    *("mchid", "appid", "platform", "asked_serial", "settings", "limit_fen"),
    *("payment_parameters", "parameters", "open", "echo"),
}


def views_that_reach_wechat() -> set[tuple[str, str]]:
    """(module, function) of each view that does, and of what else in `api` nobody there names."""
    found = {node for node in reaching() if node[0].startswith("app/api/")}
    named = {other for node in found for other in references()[node] if other != node}
    return {(_dotted(path), name) for path, name in found - named}


def jobs_that_reach_wechat() -> set[str]:
    """The names of the jobs that do."""
    path, reach = "app/jobs/runner.py", reaching()
    return {
        str(ast.literal_eval(call.args[0]))
        for call in ast.walk(tree(path))
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "Job" and call.args
        if any(each in reach for each in _named_in(call, path))
    }


@cache
def reaching() -> frozenset[Node]:
    """Everything at the top of a module from which a call to WeChat can be reached."""
    found = {node for node, code in _nodes() if _speaks(code)}
    while True:
        more = {node for node, named in references().items() if named & found} - found
        if not more:
            return frozenset(found)
        found |= more


@cache
def references() -> dict[Node, set[Node]]:
    """What each node names."""
    known: dict[Node, set[Node]] = {}
    for node, code in _nodes():
        known.setdefault(node, set()).update(_named_in(code, node[0]))
    return known


def _nodes() -> Iterator[tuple[Node, ast.AST]]:
    for path in _files():
        for code in tree(path).body:
            yield from (((path, name), code) for name in _names_of(code))


@cache
def _files() -> tuple[str, ...]:
    return tuple(path for room in ROOMS for path in python_files(room))


def _names_of(code: ast.stmt) -> list[str]:
    if isinstance(code, ast.FunctionDef | ast.ClassDef):
        return [code.name]
    targets = code.targets if isinstance(code, ast.Assign) else [getattr(code, "target", None)]
    return [each.id for each in targets if isinstance(each, ast.Name)]


def _named_in(code: ast.AST, path: str) -> set[Node]:
    modules, names = _imported_by(path)
    found: set[Node] = set()
    for each in ast.walk(code):
        if isinstance(each, ast.Name):
            found.add(names.get(each.id, (path, each.id)))
        elif isinstance(each, ast.Attribute) and ast.unparse(each.value) in modules:
            found.add((modules[ast.unparse(each.value)], each.attr))
    return found


@cache
def _imported_by(path: str) -> tuple[dict[str, str], dict[str, Node]]:
    """Our modules by the name they have in this one, and names taken out of them."""
    modules, names = {}, {}
    imports = [each for each in ast.walk(tree(path)) if isinstance(each, ast.ImportFrom)]
    for source, alias in ((each, alias) for each in imports for alias in each.names):
        folder = (source.module or "").replace(".", "/")
        local = alias.asname or alias.name
        if f"{folder}/{alias.name}.py" in _files():
            modules[local] = f"{folder}/{alias.name}.py"
        elif f"{folder}.py" in _files():
            names[local] = (f"{folder}.py", alias.name)
    return modules, names


def _speaks(code: ast.AST) -> bool:
    """Whether a gateway is used in there for more than what it knows by itself."""
    held = {
        target.id
        for each in ast.walk(code)
        if isinstance(each, ast.Assign) and _is_gateway(each.value, set())
        for target in each.targets
        if isinstance(target, ast.Name)
    }
    inner = {each.value for each in ast.walk(code) if isinstance(each, ast.Attribute)}
    return any(
        each.attr not in SAYS_NOTHING
        for each in ast.walk(code)
        if isinstance(each, ast.Attribute) and each not in inner and _is_gateway(each, held)
    )


def _is_gateway(code: ast.AST, held: set[str]) -> bool:
    """Whether an expression begins with a gateway: `wechat.pay()...`, or a name that holds one."""
    while isinstance(code, ast.Attribute):
        code = code.value
    if isinstance(code, ast.Name):
        return code.id in held
    if not (isinstance(code, ast.Call) and isinstance(code.func, ast.Attribute)):
        return False
    return ast.unparse(code.func.value) == "wechat"


def _dotted(path: str) -> str:
    return path.removesuffix(".py").replace("/", ".")
