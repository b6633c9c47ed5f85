"""The table at the end of `make sweep`: how many points each flow has, and was killed at."""

from __future__ import annotations

from typing import Any

from tests.sweep.walking import IS_FULL

HEAD = ("flow", "database", "statements", "commits", "calls", "points", "killed")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The lines that the walked flows left with their reports."""
    reports = [each for found in terminalreporter.stats.values() for each in found]
    lines = sorted(
        value
        for each in reports
        if getattr(each, "when", "") == "call"
        for name, value in each.user_properties
        if name == "sweep"
    )
    if not (IS_FULL and lines):
        return
    widths = [max(len(str(line[at])) for line in (HEAD, *lines)) for at in range(len(HEAD))]
    terminalreporter.section("points of each flow")
    for line in (HEAD, *lines):
        left = [str(each).ljust(width) for each, width in zip(line[:2], widths, strict=False)]
        right = [str(each).rjust(w) for each, w in zip(line[2:], widths[2:], strict=True)]
        terminalreporter.write_line("  ".join([*left, *right]))
    killed = sum(int(line[-1]) for line in lines)
    terminalreporter.write_line(f"{len(lines)} walks, killed {killed} times")
