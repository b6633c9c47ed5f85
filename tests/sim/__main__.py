"""`python -m tests.sim --ops N --seed S --db sqlite|postgres --report FILE`."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.postgres import EmbeddedPostgres
from tests.databases import Database, Postgres, Sqlite
from tests.house import open_house
from tests.sim.report import report
from tests.sim.run import run


def main() -> int:
    """The simulation has run and its report stands; answers the exit code."""
    asked = _asked()
    begun = time.monotonic()
    with (
        _folder() as folder,
        _database(asked.db, folder) as database,
        open_house(folder / "house", database) as house,
    ):
        result = run(house, operations=asked.ops, seed=asked.seed, told=_Teller(asked.ops))
    took_s = time.monotonic() - begun
    command = f"make sim OPS={asked.ops} SEED={asked.seed} DB={asked.db}"
    text = report(result, command=command, took_s=took_s)
    if asked.report:
        Path(asked.report).write_text(text, "utf-8")
    print(f"\n{asked.ops} operations in {took_s:.0f} s: truth and ledger agree to the fen")
    print(f"trace {result.trace_hash}")
    return 0


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Chance acts; truth is held against the books.")
    parser.add_argument("--ops", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--db", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--report", default="")
    return parser.parse_args()


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="lingcun-sim-"))
    folder.chmod(0o711)  # the account that runs a PostgreSQL server must get through to its data
    (folder / "house").mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _database(kind: str, folder: Path) -> Iterator[Database]:
    if kind == "sqlite":
        yield Sqlite(folder)
        return
    with EmbeddedPostgres(folder / "postgres", durable=False) as server:
        yield Postgres(server)


class _Teller:
    """A line on the terminal that shows how far the run has come, ten times a second at most."""

    def __init__(self, operations: int) -> None:
        self._operations, self._begun, self._last = operations, time.monotonic(), 0.0

    def __call__(self, done: int) -> None:
        now = time.monotonic()
        if not sys.stderr.isatty() or (now - self._last < 0.1 and done < self._operations):
            return
        self._last = now
        filled = 30 * done // self._operations
        left_s = (now - self._begun) / done * (self._operations - done)
        bar = "#" * filled + "." * (30 - filled)
        print(f"\r[{bar}] {done}/{self._operations}, {left_s:.0f} s left ", end="", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
