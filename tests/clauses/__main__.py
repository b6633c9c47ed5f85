"""Prints the table of obligations from the tests as written: `python -m tests.clauses`.

Nothing is run. A test that is marked to be skipped or to fail counts for nothing.
The exit code is 1 when a mark names an unknown obligation or a test file is broken.
"""

from __future__ import annotations

import contextlib
import io
import sys
from collections import defaultdict

import pytest

from tests.clauses.register import ids_of
from tests.clauses.report import report

NOT_RUN = ("skip", "xfail")
OPTIONS = ["--collect-only", "-qq", "-p", "no:cacheprovider", "-p", "tests.clauses.plugin"]


class Bearers:
    """Notes which collected test bears which obligation."""

    def __init__(self) -> None:
        self.by_clause: dict[str, set[str]] = defaultdict(set)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Every collected test has been noted."""
        for item in session.items:
            if any(item.get_closest_marker(name) for name in NOT_RUN):
                continue
            for clause in ids_of(item):
                self.by_clause[str(clause)].add(item.nodeid.split("[", maxsplit=1)[0])


def main() -> int:
    """The table has been printed; answers the exit code."""
    bearers = Bearers()
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = pytest.main(OPTIONS, plugins=[bearers])
    if code not in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
        print(said.getvalue())
        print("The tests could not be collected; the obligations are not reported.")
        return 1
    print(report(bearers.by_clause))
    return 0


if __name__ == "__main__":
    sys.exit(main())
