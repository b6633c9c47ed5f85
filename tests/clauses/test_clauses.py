"""The register of obligations holds together, and its marks are checked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.clauses.register import chapters, complaints, is_through_a_door, known_ids
from tests.clauses.report import cells, padded, report, wrapped

ROOT = Path(__file__).resolve().parents[2]


def run_pytest(folder: Path, test: str, *options: str) -> subprocess.CompletedProcess[str]:
    scenarios = folder / "scenarios"
    scenarios.mkdir()
    (scenarios / "test_story.py").write_text(test, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.clauses.plugin"]
    command += ["-p", "no:cacheprovider", "--rootdir", str(folder), *options, str(scenarios)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_every_obligation_stands_under_its_own_chapter_in_order() -> None:
    for chapter in chapters():
        expected = [f"{chapter.key}.{number + 1}" for number in range(len(chapter.obligations))]
        assert list(chapter.obligations) == expected

    assert len(known_ids()) == sum(len(chapter.obligations) for chapter in chapters())
    assert [chapter.key for chapter in chapters()] == [*map(str, range(14)), "O"]


def test_an_unknown_id_and_an_empty_mark_are_named_with_their_test() -> None:
    assert complaints("a", ("6.2", "6.9"), (), (6.2,)) == [
        "a: no obligation has the id '6.9'",
        "a: the mark `clause` names no obligation",
        "a: no obligation has the id 6.2",
    ]


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("tests/scenarios/test_story.py::test_x", True),
        ("tests/api/member/test_quota.py::test_x", True),
        ("tests/rules/test_api.py::test_x", False),
    ],
)
def test_only_a_test_through_a_door_shows_an_obligation(test: str, expected: bool) -> None:
    assert is_through_a_door(test) is expected


def test_a_chinese_sign_takes_two_columns() -> None:
    assert cells("长缴多贷 holds") == 14
    assert padded("补贴", 6) == "补贴  "
    assert wrapped("one pool, separate books", 12) == ["one pool,", "separate", "books"]


def test_the_columns_of_the_report_are_aligned() -> None:
    table = report({"0.1": ["tests/scenarios/test_a.py::test_x", "tests/rules/test_b.py::test_y"]})

    rows = [line for line in table.splitlines() if line.endswith((" -", "::test_x"))]
    starts = {cells(line) - cells(line.rsplit("  ", maxsplit=1)[1]) for line in rows}
    assert len(starts) == 1
    assert "Shown: 1 of" in table
    assert "tests/rules/test_b.py::test_y" in table.split("Not counted")[1]


@pytest.mark.parametrize(
    ("workers", "code"), [("0", pytest.ExitCode.USAGE_ERROR), ("1", pytest.ExitCode.TESTS_FAILED)]
)
def test_an_unknown_id_stops_the_run_with_a_clear_message(
    tmp_path: Path, workers: str, code: int
) -> None:
    test = 'import pytest\n@pytest.mark.clause("99.1")\ndef test_x():\n    pass\n'

    done = run_pytest(tmp_path, test, "-n", workers)

    assert done.returncode == code
    assert "no obligation has the id '99.1'" in done.stdout + done.stderr


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_run_counts_only_what_passed(tmp_path: Path, workers: str) -> None:
    test = (
        'import pytest\n@pytest.mark.clause("1.1")\ndef test_x():\n    pass\n'
        '@pytest.mark.clause("1.2")\ndef test_y():\n    assert False\n'
        '@pytest.mark.clause("1.3")\n@pytest.mark.skip\ndef test_z():\n    pass\n'
    )

    done = run_pytest(tmp_path, test, "--clauses-report", "-n", workers)

    shown = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("  ● ")]
    assert shown == ["1.1"]
