"""The launcher refuses with a reason what cannot go well, before anything has started."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.stack import Stack, StackFailed, demo, run, running_stack


def test_a_folder_with_something_else_in_it_is_not_wiped(tmp_path: Path) -> None:
    folder = tmp_path / "photographs"
    folder.mkdir()
    (folder / "summer.jpg").touch()

    with pytest.raises(StackFailed, match="holds something else"):
        demo("sqlite", folder)

    assert (folder / "summer.jpg").exists()


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    script = "import fcntl, sys; held = open(sys.argv[1], 'w'); fcntl.flock(held, 2);"
    script += "print(flush=True); input()"
    lock = tmp_path / "here.lock"
    other = _process(script, str(lock))
    assert other.stdout is not None
    other.stdout.readline()

    with (
        pytest.raises(StackFailed, match="another run uses"),
        running_stack(tmp_path / "here", database="sqlite", api_port=0, sandbox_port=0, fresh=True),
    ):
        pass
    other.communicate(b"\n")


def test_a_taken_port_is_named_with_the_way_out(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(StackFailed, match=f"port {port} .* PORT="):
            run("sqlite", tmp_path / "here", port, 0)


def test_a_part_that_ends_is_reported_with_its_last_words(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    stack = Stack(tmp_path, 0, 0, {"PATH": "/usr/bin:/bin"})

    with pytest.raises(StackFailed, match=r"migrate ended with code 1[\s\S]*No module named"):
        stack.do("migrate", ["no_such_module_at_all"])


def test_a_part_that_never_answers_is_reported_when_it_ends(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    stack = Stack(tmp_path, 0, 0, {"PATH": "/usr/bin:/bin"})

    with pytest.raises(StackFailed, match=r"api ended with code 0"):
        stack.serve("api", ["this"], ready_url="http://127.0.0.1:9/readyz")
    stack.stop()


def _process(script: str, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
