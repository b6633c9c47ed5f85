"""The register of the plan's obligations, read from `register.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

REGISTER = Path(__file__).with_name("register.toml")

DOORS = ("api", "cli", "console", "jobs", "scenarios")
"""Folders of tests that drive the system through a door; a unit test shows no obligation."""


@dataclass(frozen=True)
class Chapter:
    """A paragraph of the plan: its title and its obligations by id."""

    key: str
    title: str
    about: str
    obligations: Mapping[str, str]


@cache
def chapters() -> tuple[Chapter, ...]:
    """Answers the whole register, in the plan's order."""
    with REGISTER.open("rb") as file:
        content = tomllib.load(file)
    return tuple(Chapter(key=key, **entry) for key, entry in content.items())


def known_ids() -> frozenset[str]:
    """Answers every id of the register."""
    return frozenset(clause for chapter in chapters() for clause in chapter.obligations)


def complaints(test: str, *marks: tuple[object, ...]) -> list[str]:
    """Answers what is wrong with the marks of a test, each a tuple of ids; empty is well."""
    found = []
    for ids in marks:
        if not ids:
            found.append(f"{test}: the mark `clause` names no obligation")
        found += [
            f"{test}: no obligation has the id {clause!r}"
            for clause in ids
            if clause not in known_ids()
        ]
    return found


def complaints_about(item: pytest.Item) -> list[str]:
    """Answers what is wrong with the marks of a collected test."""
    return complaints(item.nodeid, *(mark.args for mark in item.iter_markers("clause")))


def ids_of(item: pytest.Item) -> tuple[object, ...]:
    """Answers the obligations a test bears, on itself, its class or its file."""
    return tuple(clause for mark in item.iter_markers("clause") for clause in mark.args)


def is_through_a_door(test: str) -> bool:
    """Whether the test, given as a node id, lies where tests drive the whole system."""
    parts = Path(test.split("::", maxsplit=1)[0]).parts
    return any(part in DOORS for part in parts[:-1])
