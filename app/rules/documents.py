"""Documents people send in, read within bounds: TOML of bounded depth, text that can be stored."""

import re
import tomllib
from typing import Any

_LONGEST_LINE = 4_000
# A key of many dotted parts costs the reader the square of them.
_MOST_DOTS = 8
_STRAY = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


class DocumentUnreadable(ValueError):
    """The text is no TOML, or none that anybody would write by hand; the message says why."""


def read_toml(text: str) -> dict[str, Any]:
    """The table in the text; raises `DocumentUnreadable`."""
    for number, line in enumerate(text.splitlines(), start=1):
        if len(line) > _LONGEST_LINE:
            raise DocumentUnreadable(f"line {number} is longer than {_LONGEST_LINE} characters")
        if line.partition("=")[0].count(".") > _MOST_DOTS:
            raise DocumentUnreadable(f"line {number} names a key of too many parts")
    text = text.removeprefix("\ufeff")  # as some editors begin a file
    try:
        text.encode()  # a lone surrogate could be neither stored nor hashed
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise DocumentUnreadable(str(error) or type(error).__name__) from None


def is_storable(text: str, *, longest: int) -> bool:
    """Whether the text says something, is not too long, and holds no control characters."""
    return bool(text.strip()) and len(text) <= longest and _STRAY.search(text) is None
