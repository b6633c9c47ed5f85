"""Documents people send in are read within bounds, and say nothing that no database can hold."""

import pytest

from app.rules.documents import DocumentUnreadable, is_storable, read_toml


def test_a_document_is_read_as_toml() -> None:
    assert read_toml('code = "p-1"\n[quota.cap_fen]\nvalue = 1\n') == {
        "code": "p-1",
        "quota": {"cap_fen": {"value": 1}},
    }


@pytest.mark.parametrize(
    "text",
    [
        "no toml",
        "a = 1\na = 2",
        "x = " + "[" * 3_000,
        "x = " + "{a=" * 1_200,
        "n = " + "9" * 3_900 + "\nn2 = " + "9" * 4_100,
        ".".join("a" * 1_500) + " = 1",
        "[" + ".".join("a" * 1_500) + "]",
        'x = "\ud800"',
        "\x00",
    ],
    ids=range(9),
)
def test_what_no_hand_would_write_is_refused_and_never_crashes(text: str) -> None:
    with pytest.raises(DocumentUnreadable) as refused:
        read_toml(text)

    assert str(refused.value)


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("规则", True),
        ("两\n行\t字", True),
        ("", False),
        (" \n", False),
        ("a\x00b", False),
        ("a\x1b[2Kb", False),
        ("a\x7fb", False),
        ("\udc00", False),
        ("字" * 10, True),
        ("字" * 11, False),
    ],
)
def test_text_that_can_be_stored_says_something_and_hides_nothing(text: str, fits: bool) -> None:
    assert is_storable(text, longest=10) is fits
