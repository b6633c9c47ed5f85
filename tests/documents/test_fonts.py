"""What is printed where the font has no glyph."""

import subprocess
import sys

import pytest

from app.documents.fonts import covered, font_file, has_substitutes


def test_the_font_is_found_without_loading_the_plotting_library() -> None:
    program = (
        "import sys; from app.documents.fonts import covered, font_file; "
        "covered('字'); assert font_file().is_file(); "
        "assert not {'zhplot', 'matplotlib'} & set(sys.modules)"
    )

    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)

    assert answer.returncode == 0, answer.stderr.decode()
    assert font_file().name == "NotoSansSC-Regular.ttf"


@pytest.mark.parametrize(
    "name", ["张三", "㼆龘", "买买提·吐尔逊", "José 'O\"Neil", "〇", "王 五", "〔〕"]
)
def test_a_name_the_font_can_draw_stays_as_it_is(name: str) -> None:
    assert covered(name) == name
    assert not has_substitutes(name)


def test_a_character_without_a_glyph_is_shown_by_its_unicode_number() -> None:
    assert covered("𠮷田") == "〔U+20BB7〕田"
    assert has_substitutes("𠮷田")


@pytest.mark.parametrize(
    "hidden",
    [
        *("\0", "\n", "\r", "\t", "\x1b", "\x7f", "\x85"),
        *("\u00ad", "\u200b", "\u200e", "\u202e", "\u2028", "\u2066", "\ufeff", "\U000e0041"),
        *("\u0301", "\u20dd", "\ufe0f", "\u3099", "\u3164", "\uffa0"),
        *("\ud800", "\udfff", "\ue000", "\uffff", "\U0010ffff"),
    ],
)
def test_a_character_that_would_hide_is_made_visible(hidden: str) -> None:
    assert covered(f"张{hidden}三") == f"张〔U+{ord(hidden):04X}〕三"


def test_somebody_who_types_the_mark_is_told_apart_from_a_substitute() -> None:
    typed = covered("〔U+20BB7〕")

    assert typed == "〔U+3014〕U+20BB7〕"
    assert typed != covered("𠮷")
    assert has_substitutes("〔U+20BB7〕")


def test_nothing_that_was_covered_needs_covering_but_its_marks() -> None:
    everything = "".join(map(chr, range(0x11000)))

    shown = covered(everything)

    assert shown.isprintable() or set(filter(lambda c: not c.isprintable(), shown)) <= set(
        "\u00a0\u2002\u2003\u3000"
    )
