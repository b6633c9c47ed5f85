"""The one arrow holds, and whoever breaks it is told: every contract can fail."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import app
from tests.deployments import ROOT

CONTRACTS = [
    contract["name"]
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"][
        "importlinter"
    ]["contracts"]
]

# A line planted in a file, and the contract it must break.
PLANTED = [
    ("app/models/policy.py", "from app.services import policies", "One arrow"),
    ("app/rules/quota.py", "import sqlalchemy", "The ordinance is pure Python"),
    ("app/rules/deposit.py", "from app import clock", "The ordinance is pure Python"),
    ("app/services/quotas.py", "import flask", "Use cases know no web"),
    ("app/api/health.py", "from app import db", "Doors speak to services"),
    ("app/wechat/pay.py", "import sandbox.keys", "The sandbox and the service meet on HTTP"),
    ("app/rules/periods.py", "from app.rules import quota", "No cycles"),
]


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / "lint-imports"
    return subprocess.run(
        [sys.executable, str(program), "--no-logo", "--no-cache"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def verdicts(said: str) -> dict[str, str]:
    """Each contract's name and whether it was KEPT or BROKEN."""
    words = ("KEPT", "BROKEN")
    lines = [line.rsplit(" ", 1) for line in said.splitlines() if line.endswith(words)]
    return {name.strip(): verdict for name, verdict in lines}


def test_every_room_imports_only_rooms_below_it() -> None:
    found = lint_imports(ROOT)

    assert verdicts(found.stdout) == dict.fromkeys(CONTRACTS, "KEPT")
    assert found.returncode == 0


def test_every_contract_can_be_broken(tmp_path: Path) -> None:
    for name in ("app", "sandbox"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(ROOT / "pyproject.toml", tmp_path / "pyproject.toml")
    for file, line, _ in PLANTED:
        path = tmp_path / file
        path.write_text(f"{path.read_text('utf-8')}\n{line}\n", "utf-8")

    found = lint_imports(tmp_path)

    assert found.returncode != 0
    assert verdicts(found.stdout) == dict.fromkeys(CONTRACTS, "BROKEN")
    for contract in {contract for *_, contract in PLANTED}:
        assert any(name.startswith(contract) for name in CONTRACTS)


def test_a_new_room_must_be_given_its_place(tmp_path: Path) -> None:
    for name in ("app", "sandbox"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(ROOT / "pyproject.toml", tmp_path / "pyproject.toml")
    (tmp_path / "app" / "utils.py").write_text("")

    found = lint_imports(tmp_path)

    assert found.returncode != 0
    assert "app.utils" in found.stdout + found.stderr


def test_the_package_hands_out_create_app_alone() -> None:
    # What it handed out besides, `from app import db` for one, would slip past the contracts.
    tree = ast.parse((ROOT / "app" / "__init__.py").read_text("utf-8"))
    rooms = {path.stem for path in (ROOT / "app").iterdir()}

    own = set()
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == "app":
            own |= {alias.asname or alias.name for alias in node.names} - rooms
        elif isinstance(node, ast.ImportFrom) and node.module == "flask":
            own |= {alias.asname or alias.name for alias in node.names} - {"Flask"}
        elif not isinstance(node, ast.Expr):
            own.add(ast.unparse(node).splitlines()[0])

    assert own == {
        "__all__ = ['create_app']",
        "def create_app(given: settings.Settings | None=None) -> Flask:",
    }
    assert app.__all__ == ["create_app"]
