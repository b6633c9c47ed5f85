"""Public ids cannot be guessed or mixed up; an account number notices every slip of the pen."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import ids

CENTRE = "330500000000000"
ACCOUNTS = st.builds(
    ids.account_number,
    st.from_regex(r"[0-9]{6,15}", fullmatch=True),
    st.integers(0, 10**11 - 1),
)


def test_a_public_id_has_its_type_and_130_random_bits() -> None:
    found = {ids.new_public_id("dep") for _ in range(2_000)}

    assert len(found) == 2_000
    assert all(re.fullmatch(r"dep_[0-9a-hjkmnp-tv-z]{26}", each) for each in found)
    assert {letter for each in found for letter in each[4:]} == set(ids._ALPHABET)
    assert len(ids._ALPHABET) == 32


@pytest.mark.parametrize(
    "text",
    [
        "dep_0123456789abcdefghjkmnpqr",
        "dep_0123456789abcdefghjkmnpqrst",
        "agr_0123456789abcdefghjkmnpqrs",
        "dep_0123456789abcdefghjkmnpqrI",
        "dep_0123456789abcdefghjkmnpqru",
        "dep_0123456789ABCDEFGHJKMNPQRS",
        "dep_0123456789abcdefghjkmnpqr\n",
        "dep_0123456789abcdefghjkmnpqrs\n",
        "dep_٠١٢٣456789abcdefghjkmnpqrs",
        "dep_%",
        "dep",
        "",
    ],
)
def test_what_only_looks_like_a_public_id_is_none(text: str) -> None:
    assert ids.is_public_id("dep_0123456789abcdefghjkmnpqrs", "dep")
    assert not ids.is_public_id(text, "dep")


def test_numbers_for_wechat_keep_to_its_alphabet_and_length() -> None:
    trade, sequence = ids.new_out_trade_no(), ids.new_out_seq_no()

    assert re.fullmatch(r"[0-9A-Za-z_\-|*]{6,32}", trade)
    assert re.fullmatch(r"[0-9A-Za-z_-]{5,32}", sequence)
    assert len({ids.new_out_trade_no() for _ in range(1_000)}) == 1_000


def test_a_token_has_256_bits_and_only_its_hash_is_kept() -> None:
    token = ids.new_token()

    assert len(token) == 43
    assert ids.token_hash(token) == ids.token_hash(token)
    assert len(ids.token_hash(token)) == 32
    assert token.encode() not in ids.token_hash(token)
    assert ids.token_hash("\ud800") != ids.token_hash("")  # whatever a stranger sends has one


# --- account numbers ---


def test_an_account_number_is_the_published_one() -> None:
    number = ids.account_number(CENTRE, 1)

    assert number.startswith("330500" + "8" + "00000000001")
    assert len(number) == 20
    assert int(number) % 97 == 1
    assert ids.is_account_number(number)


@given(ACCOUNTS)
def test_every_account_number_has_twenty_digits_and_is_one(number: str) -> None:
    assert re.fullmatch(r"[0-9]{20}", number)
    assert ids.is_account_number(number)


@given(ACCOUNTS)
def test_one_wrong_digit_is_always_noticed(number: str) -> None:
    for place, digit in enumerate(number):
        for other in set("0123456789") - {digit}:
            assert not ids.is_account_number(number[:place] + other + number[place + 1 :])


@given(ACCOUNTS)
def test_two_neighbours_in_the_wrong_order_are_always_noticed(number: str) -> None:
    for place in range(19):
        first, second = number[place], number[place + 1]
        swapped = number[:place] + second + first + number[place + 2 :]
        assert ids.is_account_number(swapped) == (first == second)


@pytest.mark.parametrize("text", ["", "3305008", "٣" * 20, " " * 20, "1" * 21])
def test_what_is_no_account_number_is_refused_without_a_fuss(text: str) -> None:
    number = ids.account_number(CENTRE, 7)

    assert not ids.is_account_number(text)
    assert not ids.is_account_number(f"{number}\n")
