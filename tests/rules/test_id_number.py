"""Identity numbers as workers type them. Every number here is fictitious."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.id_number import (
    IdNumberUnreadable,
    normalise_id_number,
    read_id_number,
    refusals_of_id_number,
)
from tests.rules.building import TODAY

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECKS = "10X98765432"


def with_check(first_17: str) -> str:
    """The number completed by the weights of the standard: an oracle of its own."""
    total = sum(int(digit) * weight for digit, weight in zip(first_17, WEIGHTS, strict=True))
    return first_17 + CHECKS[total % 11]


def codes(text: str, *, on: date = TODAY) -> tuple[str, ...]:
    return tuple(refusal.code for refusal in refusals_of_id_number(text, on=on))


NUMBERS = st.builds(
    lambda area, birth, serial: with_check(f"{area:06d}{birth:%Y%m%d}{serial:03d}"),
    st.integers(110000, 659999),
    st.dates(date(1900, 1, 1), TODAY),
    st.integers(0, 999),
)


@pytest.mark.parametrize(
    ("text", "birth_on", "sex", "area"),
    [
        ("11010519491231002X", date(1949, 12, 31), "F", None),
        ("11010519491231002x", date(1949, 12, 31), "F", None),
        ("330502199001011236", date(1990, 1, 1), "M", "吴兴区"),
        ("330521198506150041", date(1985, 6, 15), "F", "德清县"),
        (" 330503200802295613\n", date(2008, 2, 29), "M", "南浔区"),
    ],
)
def test_a_valid_number_tells_birth_sex_and_area(
    text: str, birth_on: date, sex: str, area: str | None
) -> None:
    assert refusals_of_id_number(text, on=TODAY) == ()

    read = read_id_number(text)

    assert (read.birth_on, read.sex, read.huzhou_area) == (birth_on, sex, area)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ("id-number-shape",)),
        ("33050219900101123", ("id-number-shape",)),
        ("3305021990010112366", ("id-number-shape",)),
        ("33050219900101123Y", ("id-number-shape",)),
        ("X30502199001011236", ("id-number-shape",)),
        ("330502 199001011236", ("id-number-shape",)),
        ("３３０５０２１９９００１０１１２３６", ("id-number-shape",)),
        ("٣٣٠٥٠٢١٩٩٠٠١٠١١٢٣٦", ("id-number-shape",)),
        ("330502900101123", ("id-number-shape",)),
        (with_check("33050219900230123"), ("id-number-birth-impossible",)),
        (with_check("33050319000229561"), ("id-number-birth-impossible",)),
        (with_check("33050200000000123"), ("id-number-birth-impossible",)),
        (with_check("33050220261124123"), ("id-number-birth-in-future",)),
        (with_check("33050218991231123"), ("id-number-birth-too-early",)),
        ("330502199001011237", ("id-number-check-character",)),
        ("33050219900101123X", ("id-number-check-character",)),
        ("330502199002301230", ("id-number-birth-impossible", "id-number-check-character")),
        ("810000199001010019", ("residence-permit-at-counter",)),
        ("820000199001010029", ("residence-permit-at-counter",)),
        ("830000199001010039", ("residence-permit-at-counter",)),
        (with_check("91133019900101001"), ("residence-permit-at-counter",)),
    ],
)
def test_a_number_is_refused_with_every_reason(text: str, expected: tuple[str, ...]) -> None:
    assert codes(text) == expected


def test_who_is_born_today_has_a_number_today_and_none_yesterday() -> None:
    number = with_check("33050220261123123")

    assert codes(number, on=date(2026, 11, 23)) == ()
    assert codes(number, on=date(2026, 11, 22)) == ("id-number-birth-in-future",)


def test_a_residence_permit_is_named_and_sent_to_the_counter() -> None:
    hong_kong = refusals_of_id_number("810000199001010019", on=TODAY)[0]
    foreign = refusals_of_id_number(with_check("91133019900101001"), on=TODAY)[0]

    assert "港澳台居民居住证" in hong_kong.sentence
    assert "外国人永久居留身份证" in foreign.sentence
    assert "柜台" in hong_kong.sentence
    assert hong_kong.field == "id_number"


@pytest.mark.parametrize("text", ["330502199001011237", "", with_check("33050219900230123")])
def test_an_invalid_number_cannot_be_read_and_does_not_appear_in_the_error(text: str) -> None:
    with pytest.raises(IdNumberUnreadable) as raised:
        read_id_number(text)

    assert not text or text not in str(raised.value)


def test_a_number_read_does_not_print_itself() -> None:
    assert "330502199001011236" not in repr(read_id_number("330502199001011236"))


@given(number=NUMBERS)
def test_every_number_of_the_standard_is_taken_and_comes_back_the_same(number: str) -> None:
    assert refusals_of_id_number(number, on=TODAY) == ()
    read = read_id_number(number)

    assert read.number == number
    assert f"{read.birth_on:%Y%m%d}" == number[6:14]
    assert (read.sex == "M") == (number[16] in "13579")


@given(number=NUMBERS)
def test_small_and_capital_x_are_one_person(number: str) -> None:
    assert normalise_id_number(f" {number.lower()} ") == number
    assert read_id_number(number.lower()) == read_id_number(number)


@given(number=NUMBERS, at=st.integers(0, 16), digit=st.sampled_from("0123456789"))
def test_one_mistyped_digit_is_always_noticed(number: str, at: int, digit: str) -> None:
    mistyped = number[:at] + digit + number[at + 1 :]

    assert (refusals_of_id_number(mistyped, on=TODAY) == ()) == (mistyped == number)


@given(text=st.text(max_size=20))
def test_any_text_gets_an_answer(text: str) -> None:
    assert isinstance(refusals_of_id_number(text, on=TODAY), tuple)
