"""Names as workers type them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.id_number import NAME_CHARACTERS_MAX, normalise_name, refusals_of_name


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (" 张伟 ", "张伟"),
        ("\u3000张伟", "张伟"),
        ("阿卜杜拉•买买提", "阿卜杜拉·买买提"),
        ("阿卜杜拉・买买提", "阿卜杜拉·买买提"),
        ("阿卜杜拉‧买买提", "阿卜杜拉·买买提"),
        ("阿卜杜拉 · 买买提", "阿卜杜拉·买买提"),
        ("ＡＮＮＡ　Ｌｅｅ", "ANNA Lee"),
        ("Anna   Lee", "Anna Lee"),
        ("Jose\u0301", "José"),
        ("\ufa11", "\ufa11"),
        ("\uf9d1", "\uf9d1"),
        ("𠮷", "𠮷"),
    ],
)
def test_one_name_is_kept_one_way(typed: str, kept: str) -> None:
    assert normalise_name(typed) == kept
    assert refusals_of_name(typed) == ()


@pytest.mark.parametrize(
    "name",
    ["李", "欧阳娜娜", "𠮷田", "王\U00031350", "周\U0002ebf0", "李〇", "佐々木", "古丽·阿依"],
)
def test_rare_characters_are_names(name: str) -> None:
    assert refusals_of_name(name) == ()


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("", ("name-missing",)),
        ("   ", ("name-missing",)),
        ("··", ("name-missing",)),
        ("张" * (NAME_CHARACTERS_MAX + 1), ("name-too-long",)),
        ("张3", ("name-has-other-characters",)),
        ("张３", ("name-has-other-characters",)),
        ("张\u0000伟", ("name-has-other-characters",)),
        ("张\n伟", ("name-has-other-characters",)),
        ("张\u200b伟", ("name-has-other-characters",)),
        ("张\u3164", ("name-has-other-characters",)),
        ("张😀", ("name-has-other-characters",)),
        ("张<b>", ("name-has-other-characters",)),
        ("张\ud800", ("name-has-other-characters",)),
        ("12345", ("name-missing", "name-has-other-characters")),
        ("9" * 61, ("name-missing", "name-too-long", "name-has-other-characters")),
    ],
)
def test_what_is_no_name_is_refused_with_every_reason(
    typed: str, expected: tuple[str, ...]
) -> None:
    refusals = refusals_of_name(typed)

    assert tuple(refusal.code for refusal in refusals) == expected
    assert {refusal.field for refusal in refusals} == {"name"}


def test_sixty_characters_are_still_a_name() -> None:
    assert refusals_of_name("张" * NAME_CHARACTERS_MAX) == ()


@given(text=st.text(max_size=80))
def test_a_kept_name_is_kept_unchanged_the_second_time(text: str) -> None:
    kept = normalise_name(text)

    assert normalise_name(kept) == kept
    assert refusals_of_name(kept) == refusals_of_name(text)
