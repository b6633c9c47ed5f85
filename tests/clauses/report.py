"""Prints which tests show which obligation, and the share of the plan that is shown."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping

from tests.clauses.register import Chapter, chapters, is_through_a_door

OBLIGATION_CELLS = 62
RULE = "─" * 118


def cells(text: str) -> int:
    """Answers how many columns of a terminal the text takes; a Chinese sign takes two."""
    return sum(
        0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1
        for sign in text
    )


def padded(text: str, width: int) -> str:
    """Answers the text filled with blanks to the width in columns."""
    return text + " " * max(0, width - cells(text))


def wrapped(text: str, width: int) -> list[str]:
    """Answers the text in lines no wider than the width, broken between words where it has any."""
    lines, line = [], ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if cells(longer) <= width or not line:
            line = longer
        else:
            lines.append(line)
            line = word
    return [*lines, line]


def report(bearers: Mapping[str, Iterable[str]]) -> str:
    """Answers the table for a mapping from obligation id to the tests that bear it."""
    counted = {
        clause: sorted(test for test in tests if is_through_a_door(test))
        for clause, tests in bearers.items()
    }
    lines: list[str] = []
    for chapter in chapters():
        lines += _chapter_lines(chapter, counted)
    lines += ["", RULE, *_share_lines(counted)]
    unit_tests = sorted(
        {test for tests in bearers.values() for test in tests if not is_through_a_door(test)}
    )
    if unit_tests:
        lines += ["", "Not counted, because they pass through no door of the system:"]
        lines += [f"  {test}" for test in unit_tests]
    return "\n".join(lines)


def _chapter_lines(chapter: Chapter, counted: Mapping[str, list[str]]) -> Iterator[str]:
    yield ""
    yield f"{_name(chapter.key)} {chapter.title}  {chapter.about}"
    for clause, obligation in chapter.obligations.items():
        tests = counted.get(clause, [])
        left = wrapped(obligation, OBLIGATION_CELLS)
        right = [test.removeprefix("tests/") for test in tests] or ["-"]
        for row in range(max(len(left), len(right))):
            head = f"  {'●' if tests else '○'} {clause:<5}" if row == 0 else " " * 9
            text = padded(left[row] if row < len(left) else "", OBLIGATION_CELLS)
            yield f"{head} {text}  {right[row] if row < len(right) else ''}".rstrip()


def _share_lines(counted: Mapping[str, list[str]]) -> Iterator[str]:
    shown_in_all = all_of_them = 0
    for chapter in chapters():
        shown = sum(1 for clause in chapter.obligations if counted.get(clause))
        size = len(chapter.obligations)
        shown_in_all += shown
        all_of_them += size
        bar = "●" * shown + "○" * (size - shown)
        head = padded(_name(chapter.key), 6) + padded(chapter.title, 26)
        yield f"  {head}{shown:>2}/{size:<3}{bar}"
    share = 100 * shown_in_all / all_of_them
    yield f"Shown: {shown_in_all} of {all_of_them} obligations ({share:.0f} %)"


def _name(key: str) -> str:
    return f"§{key}"
