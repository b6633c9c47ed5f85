"""A bench runs and says what it found; how fast anything is, no test says."""

import subprocess
import sys

from tests.code_reading import ROOT


def test_a_quick_bench_prints_its_table() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "open_notice"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "| open_notice to bare cryptography | " in done.stdout


def test_a_name_of_no_bench_is_refused_with_those_there_are() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "faster"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 2
    assert "there are open_notice, notices_under_hang, unknown_payments" in done.stderr
