"""pytest learns the mark `clause` and refuses an id that the register does not hold.

Register it once, in `tests/conftest.py`: `pytest_plugins = ["tests.clauses.plugin"]`.
With `--clauses-report` a run closes with the table of obligations; there a test
counts when it passed. `python -m tests.clauses` prints the table without running.
"""

from __future__ import annotations

from collections import defaultdict

import pytest

from tests.clauses.register import complaints_about, ids_of
from tests.clauses.report import report

PROPERTY = "clause"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The command line knows `--clauses-report`."""
    parser.addoption(
        "--clauses-report",
        action="store_true",
        help="close with the table of the plan's obligations and the tests that showed them",
    )


def pytest_configure(config: pytest.Config) -> None:
    """The mark is known, whatever settings file is in force."""
    config.addinivalue_line("markers", "clause(*ids): obligations of the plan this test shows")
    if config.getoption("--clauses-report"):
        config.pluginmanager.register(ShownObligations(), "shown-obligations")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Every mark names an obligation of the register; otherwise the collection fails."""
    is_worker = hasattr(config, "workerinput")
    found = sorted({complaint for item in items for complaint in complaints_about(item)})
    if found and not is_worker:  # a worker has nobody to tell: there the test itself fails
        lines = "\n  ".join(found)
        raise pytest.UsageError(f"marks of obligations that do not fit the register:\n  {lines}")
    for item in items:
        item.user_properties += [(PROPERTY, clause) for clause in ids_of(item)]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test with a mark that does not fit fails with the reason."""
    for complaint in complaints_about(item):
        pytest.fail(complaint, pytrace=False)


class ShownObligations:
    """Gathers, over a run, the tests that passed and those that did not."""

    def __init__(self) -> None:
        self._bearers: dict[str, set[str]] = defaultdict(set)
        self._failed: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """The outcome is noted; it comes the same way from a worker process."""
        test = report.nodeid.split("[", maxsplit=1)[0]
        if report.failed:
            self._failed.add(test)
        elif report.when == "call" and report.passed and not hasattr(report, "wasxfail"):
            for name, value in report.user_properties:
                if name == PROPERTY:
                    self._bearers[str(value)].add(test)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The table stands at the end of the run."""
        shown = {clause: tests - self._failed for clause, tests in self._bearers.items()}
        terminalreporter.write_sep("=", "obligations of the plan")
        terminalreporter.write_line(report(shown))
