"""The one Chinese font of every paper, and what is printed where that font has no glyph.

A character the reader could not see as itself is never dropped: it is printed as a marked
substitute, `〔U+20BB7〕`. That holds for rare characters the font lacks and for those that have
no shape of their own (controls, direction overrides, joiners, combining marks, lone surrogates).
"""

import re
import unicodedata
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from fontTools.ttLib import TTFont

from app.documents.errors import FontMissing

FONT_PACKAGE = "zhplot"
FONT_FILE = "NotoSansSC-Regular.ttf"
FONT_FAMILY = "Noto Sans SC"

# Control, format, surrogate, private use, unassigned, separators that break lines, and marks
# that would be drawn over the character before them.
_SHAPELESS = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Mn", "Me", "Mc"})

# Letters by category, yet blank on paper: Hangul fillers.
_BLANK = frozenset("\u115f\u1160\u3164\uffa0")

_TYPED_MARK = re.compile("〔(?=U\\+[0-9A-F]+〕)")


@cache
def font_folder() -> Path:
    """The folder that holds the font and no other typeface; raises `FontMissing`.

    The package is located and not imported: importing it would load matplotlib.
    """
    spec = find_spec(FONT_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise FontMissing(f"package {FONT_PACKAGE} is not installed")
    folder = Path(next(iter(spec.submodule_search_locations))) / "fonts"
    if not (folder / FONT_FILE).is_file():
        raise FontMissing(f"{FONT_FILE} is not in {folder}")
    return folder


def font_file() -> Path:
    """The path of the font; raises `FontMissing`."""
    return font_folder() / FONT_FILE


@cache
def _glyphs() -> frozenset[int]:
    """Every code point the font can draw as itself."""
    with TTFont(font_file(), lazy=True) as font:
        return frozenset(
            code
            for code in font.getBestCmap()
            if unicodedata.category(chr(code)) not in _SHAPELESS and chr(code) not in _BLANK
        )


def _mark(character: str) -> str:
    return f"〔U+{ord(character):04X}〕"


def covered(text: str) -> str:
    """The text with nothing in it that the font would drop or hide.

    Line breaks are substituted too: split lines first. Somebody who types the mark itself is
    told apart from a substitute, because the bracket he typed is substituted.
    """
    glyphs = _glyphs()
    typed_marks = {match.start() for match in _TYPED_MARK.finditer(text)}
    return "".join(
        _mark(character) if position in typed_marks or ord(character) not in glyphs else character
        for position, character in enumerate(text)
    )


def has_substitutes(text: str) -> bool:
    """Whether any character of the text is printed as a substitute."""
    return covered(text) != text
