"""Resident identity numbers and names, as the worker types them.

A right check digit shows that nothing was mistyped; who holds the number is for the real-name
check to say. The area of issue is told, never required: workers from anywhere may join.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from stdnum.iso7064 import mod_11_2

from app.rules.refusal import Refusal, refuse

_SHAPE = re.compile(r"[0-9]{17}[0-9X]")
_EARLIEST_YEAR = 1900
_RESIDENCE_PERMITS = ("810000", "820000", "830000")
HUZHOU_AREAS = {
    "330502": "吴兴区",
    "330503": "南浔区",
    "330521": "德清县",
    "330522": "长兴县",
    "330523": "安吉县",
}
"""Areas of issue inside the city, for information."""

NAME_CHARACTERS_MAX = 60
"""Holds the longest transcribed names; the column is as wide."""
_MIDDLE_DOTS = dict.fromkeys(map(ord, "\u2022\u2027\u2219\u22c5\u30fb\uff65"), "·")
_FULL_WIDTH_LATIN = {
    code: chr(code - 0xFEE0)
    for first in (0xFF21, 0xFF41)  # full-width A and a
    for code in range(first, first + 26)
}
_ACCENTED = re.compile(r"[A-Za-z][\u0300-\u036f]+")
_INVISIBLE_LETTERS = frozenset("\u115f\u1160\u3164\uffa0")
_IDEOGRAPHIC_ZERO = "\u3007"


class IdNumberUnreadable(ValueError):
    """The text is no valid identity number; the number itself is kept out of the message."""


@dataclass(frozen=True, slots=True)
class IdNumber:
    """A valid identity number and what it says."""

    number: str = field(repr=False)
    birth_on: date
    sex: Literal["M", "F"]

    @property
    def huzhou_area(self) -> str | None:
        """District or county of the city that issued it; None for anywhere else."""
        return HUZHOU_AREAS.get(self.number[:6])


def normalise_id_number(text: str) -> str:
    """The number as stored and compared: no blanks around it, the last character upper-case."""
    return text.strip().replace("x", "X")


def refusals_of_id_number(text: str, *, on: date) -> tuple[Refusal, ...]:
    """Every reason why the number cannot be taken online on the day; none means it can."""
    number = normalise_id_number(text)
    if not _SHAPE.fullmatch(number):
        return (refuse("id-number-shape", field="id_number"),)
    reasons: list[Refusal] = []
    document = _document_for_the_counter(number)
    if document:
        reasons.append(refuse("residence-permit-at-counter", field="id_number", document=document))
    birth_code = _birth_problem(_birth_of(number), on)
    if birth_code:
        reasons.append(refuse(birth_code, field="id_number"))
    if not mod_11_2.is_valid(number):
        reasons.append(refuse("id-number-check-character", field="id_number"))
    return tuple(reasons)


def read_id_number(text: str) -> IdNumber:
    """The number taken apart; `IdNumberUnreadable` unless shape, birth date and check agree."""
    number = normalise_id_number(text)
    if not _SHAPE.fullmatch(number) or not mod_11_2.is_valid(number):
        raise IdNumberUnreadable("not an identity number")
    birth_on = _birth_of(number)
    if birth_on is None:
        raise IdNumberUnreadable("no such day of birth")
    return IdNumber(number, birth_on, "M" if int(number[16]) % 2 else "F")


def _document_for_the_counter(number: str) -> str | None:
    if number.startswith("9"):
        return "外国人永久居留身份证"
    return "港澳台居民居住证" if number.startswith(_RESIDENCE_PERMITS) else None


def _birth_of(number: str) -> date | None:
    try:
        return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return None


def _birth_problem(birth_on: date | None, on: date) -> str | None:
    if birth_on is None:
        return "id-number-birth-impossible"
    if birth_on > on:
        return "id-number-birth-in-future"
    return "id-number-birth-too-early" if birth_on.year < _EARLIEST_YEAR else None


def normalise_name(text: str) -> str:
    """The name as stored and compared: one middle dot, half-width letters, single spaces.

    Ideographs stay the very characters typed: Unicode composition would replace compatibility
    ideographs that stand in somebody's register. Only a Latin letter joins its accents.
    """
    plain = text.translate(_FULL_WIDTH_LATIN).translate(_MIDDLE_DOTS)
    composed = _ACCENTED.sub(lambda m: unicodedata.normalize("NFC", m.group()), plain)
    return re.sub(r" ?· ?", "·", re.sub(r"[ \u00a0\u3000]+", " ", composed)).strip()


def refusals_of_name(text: str) -> tuple[Refusal, ...]:
    """Every reason why the text cannot be a person's name; none means it can."""
    name = normalise_name(text)
    reasons: list[Refusal] = []
    if not any(_is_letter(character) for character in name):
        reasons.append(refuse("name-missing", field="name"))
    if len(name) > NAME_CHARACTERS_MAX:
        reasons.append(refuse("name-too-long", field="name", max_characters=NAME_CHARACTERS_MAX))
    if not all(_is_letter(character) or character in "· " for character in name):
        reasons.append(refuse("name-has-other-characters", field="name"))
    return tuple(reasons)


def _is_letter(character: str) -> bool:
    """Letters of any script and ideographs, also those younger than this Python's tables."""
    if character in _INVISIBLE_LETTERS:
        return False
    if 0x20000 <= ord(character) <= 0x3FFFF:  # the two planes hold ideographs only
        return ord(character) & 0xFFFF < 0xFFFE
    return character == _IDEOGRAPHIC_ZERO or unicodedata.category(character).startswith("L")
