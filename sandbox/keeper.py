"""A process that ends when its owner ends, even when the owner is killed.

A child that outlives its parent holds a port, a lock or a data folder. So
every long-running program of the sandbox is started through a *keeper*: a
small process of its own which holds one end of a pipe. When the owner dies,
by whatever signal, the kernel closes the other end; the keeper sees it and
ends the program. Stopping in good order goes the same way.

As a script this file is the keeper; imported, it offers :class:`KeptProcess`.
It uses the standard library alone, so that the keeper starts in a moment.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

POLL_S = 0.2
"""How often a keeper looks whether its program, or its owner, has gone."""

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Account:
    """An account of the operating system to run a program under."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class Ending:
    """How a program is told to end, and what is cleared away after it.

    Nothing is cleared away when it ended by itself: its log is wanted then.
    """

    stop_signal: signal.Signals = signal.SIGTERM
    grace_s: float = 10.0
    remove: tuple[Path, ...] = ()


def run_as(account: Account | None, command: Sequence[str], *, timeout_s: float = 60.0) -> str:
    """The command has run to its end under the account; answers what it printed.

    Raises `subprocess.CalledProcessError` with the output when it fails, and
    `PermissionError` when this machine does not let root become the account.
    """
    done = subprocess.run(  # noqa: S603 - our own programs only
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
        timeout=timeout_s,
        cwd="/",
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        env={"PATH": os.defpath, "LC_ALL": "C", "HOME": "/"} if account else None,
    )
    return done.stdout


class KeptProcess:
    """A running program that ends with this process.

    Its output goes to the end of a log; without one it goes where ours goes.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path | None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        account: Account | None = None,
        ending: Ending | None = None,
    ) -> None:
        """The program has been started; whether it serves yet is for the caller to ask."""
        self.log = log
        self._ending = ending or Ending()
        keeper = [sys.executable, "-I", str(Path(__file__).resolve()), *_flags(self._ending)]
        if account is not None:
            keeper += ["--account", f"{account.name}:{account.uid}:{account.gid}"]
        with contextlib.ExitStack() as stack:
            output = stack.enter_context(log.open("ab")) if log else None
            self._keeper = subprocess.Popen(  # noqa: S603 - our own programs only
                [*keeper, "--owner", str(os.getpid()), "--", *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                env=None if env is None else dict(env),
                cwd=cwd,
                start_new_session=True,
            )

    @property
    def keeper_pid(self) -> int:
        """The keeper's process id; the program is its only child."""
        return self._keeper.pid

    @property
    def running(self) -> bool:
        """Whether the program has not ended yet."""
        return self._keeper.poll() is None

    @property
    def exit_code(self) -> int | None:
        """The program's exit code, None while it runs."""
        return self._keeper.poll()

    def last_lines(self, count: int = 20) -> str:
        """The end of the program's log, for an error message."""
        if self.log is None or not self.log.exists():
            return "(no log)"
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-count:]) or "(the log is empty)"

    def stop(self) -> None:
        """The program and everything in its process group have ended."""
        if self._keeper.stdin is not None:
            with contextlib.suppress(OSError):
                self._keeper.stdin.close()
        if self.running:
            # A child forked from this process may hold the pipe open as well.
            self._keeper.terminate()
        try:
            self._keeper.wait(self._ending.grace_s + 5)
        except subprocess.TimeoutExpired:
            self._keeper.kill()
            self._keeper.wait()


def _flags(ending: Ending) -> list[str]:
    flags = ["--signal", ending.stop_signal.name, "--grace", str(ending.grace_s)]
    for folder in ending.remove:
        flags += ["--remove", str(folder)]
    return flags


# --- the keeper itself -------------------------------------------------------


def keep(arguments: argparse.Namespace) -> int:
    """The program has run until its own end or its owner's; answers its exit code."""
    asked_to_stop = False

    def stop(_number: int, _frame: object) -> None:
        nonlocal asked_to_stop
        asked_to_stop = True

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)
    program = _start(arguments)
    owner_left = False
    while program.poll() is None and not asked_to_stop and not owner_left:
        readable, _, _ = select.select([sys.stdin], [], [], POLL_S)
        owner_left = bool(readable) or os.getppid() != arguments.owner
    ended_by_itself = program.poll() is not None
    _end(program, signal.Signals[arguments.signal], arguments.grace)
    for folder in arguments.remove if not ended_by_itself else ():
        shutil.rmtree(folder, ignore_errors=True)
    code = program.returncode
    return code if code >= 0 else 128 - code


def _start(arguments: argparse.Namespace) -> subprocess.Popen[bytes]:
    uid: int | None = None
    gid: int | None = None
    if arguments.account is not None:
        _, uid_text, gid_text = arguments.account.rsplit(":", 2)
        uid, gid = int(uid_text), int(gid_text)
    return subprocess.Popen(  # noqa: S603 - the owner's command
        arguments.command,
        stdin=subprocess.DEVNULL,
        user=uid,
        group=gid,
        extra_groups=None if uid is None else [],
        start_new_session=True,
        preexec_fn=_die_with_the_keeper(signal.Signals[arguments.signal]),  # noqa: PLW1509 - one thread
    )


def _die_with_the_keeper(number: signal.Signals) -> Callable[[], None] | None:
    """Answers what a new child runs to be told of the keeper's own death (Linux only).

    The kernel forgets the wish when the user changes; `Popen` changes the user
    before it calls this, which is the order needed.
    """
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)

    def ask_the_kernel() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)

    return ask_the_kernel


def _end(program: subprocess.Popen[bytes], number: signal.Signals, grace_s: float) -> None:
    if program.poll() is None:
        program.send_signal(number)
        deadline = time.monotonic() + grace_s
        while program.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(program.pid, signal.SIGKILL)  # what the program left behind
    program.wait()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="End a program when its owner ends.")
    parser.add_argument("--owner", type=int, required=True)
    parser.add_argument("--signal", required=True)
    parser.add_argument("--grace", type=float, required=True)
    parser.add_argument("--account")
    parser.add_argument("--remove", action="append", default=[])
    parser.add_argument("command", nargs="+")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(keep(_arguments()))
