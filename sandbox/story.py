"""A demonstration told to people step by step; the first step that does not hold ends it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import date
from typing import Any

import requests

FOUND_WITHIN_S = 60


class StepBroke(Exception):
    """A step of the story did not hold."""


class Story:
    """Prints the steps for people and stops at the first that does not hold."""

    def __init__(self, api: str, sandbox: str) -> None:
        self.api, self.sandbox = api, sandbox
        self._step = 0

    def chapter(self, title: str) -> None:
        """A heading."""
        print(f"\n\033[1m{title}\033[0m" if sys.stdout.isatty() else f"\n{title}")

    def step(self, sentence: str, *, holds: bool = True) -> None:
        """One step: printed, and broken if it does not hold."""
        self._step += 1
        print(f"  {self._step:>2} {'✓' if holds else '✗'} {sentence}", flush=True)
        if not holds:
            raise StepBroke(sentence)

    def say(self, line: str = "") -> None:
        """A line without a check."""
        print(f"       {line}" if line else "", flush=True)

    def clock(self, day: date, hour: str = "09:00:00") -> None:
        """Everybody on this machine lives at that moment of Shanghai from now on."""
        self._put("clock", {"now": f"{day.isoformat()}T{hour}+08:00"})

    def faults(self, **switched: Any) -> None:
        """Exactly these faults of WeChat are in force."""
        self._put("faults", switched)

    def _put(self, what: str, body: dict[str, Any]) -> None:
        requests.put(f"{self.sandbox}/sandbox/{what}", json=body, timeout=30).raise_for_status()


def yuan(fen: int) -> str:
    """Fen as people read them."""
    return f"{fen // 100:,}.{fen % 100:02d}"


def until(holds: Callable[[], bool], within_s: float = FOUND_WITHIN_S) -> bool:
    """Whether the thing became true in time."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.1)
    return False
