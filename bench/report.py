"""What a bench has found, and how it reads: lines of a table, and sentences under it."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One figure, what it is of, and what it should be ('' for one that is only told)."""

    what: str
    found: str
    goal: str = ""


@dataclass(frozen=True)
class Report:
    """What one bench has found."""

    title: str
    compared: str
    lines: Sequence[Line]
    notes: Sequence[str] = ()

    def markdown(self) -> str:
        """The report as a section of a page."""
        rows = [("What", "Found", "Goal"), ("---", "---", "---")]
        rows += [(each.what, each.found, each.goal or "-") for each in self.lines]
        table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
        notes = "\n".join(f"- {each}" for each in self.notes)
        return "\n\n".join(
            part for part in (f"## {self.title}", self.compared, table, notes) if part
        )


def ranked(values: Sequence[float], percent: int) -> float:
    """The value that so many percent of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
