"""Money is whole fen; what is not whole is rounded once, half up, away from zero."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.money import MAX_FEN, round_fen, yuan

EXACT = st.fractions(min_value=-(10**15), max_value=10**15, max_denominator=10**9)


@pytest.mark.parametrize(
    ("exact", "rounded"),
    [
        (Fraction(1, 2), 1),
        (Fraction(-1, 2), -1),
        (Decimal("0.5"), 1),
        (Decimal("1.5"), 2),
        (Decimal("2.5"), 3),  # not to the even neighbour
        (Decimal("-2.5"), -3),
        (Decimal("0.4999999999999999999999"), 0),
        (Fraction(499_999, 10**6), 0),
        (Decimal("724463.5"), 724_464),
        (7, 7),
        (0, 0),
        (MAX_FEN, MAX_FEN),
    ],
)
def test_half_a_fen_is_rounded_away_from_zero(
    exact: Fraction | Decimal | int, rounded: int
) -> None:
    assert round_fen(exact) == rounded
    assert type(round_fen(exact)) is int


@given(EXACT)
def test_rounding_moves_by_half_a_fen_at_most_and_treats_both_signs_alike(exact: Fraction) -> None:
    rounded = round_fen(exact)

    assert abs(rounded - exact) <= Fraction(1, 2)
    assert round_fen(-exact) == -rounded
    assert round_fen(rounded) == rounded


@given(EXACT, EXACT)
def test_rounding_keeps_the_order(one: Fraction, other: Fraction) -> None:
    assert (round_fen(one) <= round_fen(other)) or one > other


@pytest.mark.parametrize(
    ("fen", "shown"),
    [
        (0, "0.00"),
        (1, "0.01"),
        (99, "0.99"),
        (100, "1.00"),
        (724_464, "7,244.64"),
        (-724_464, "-7,244.64"),
        (-5, "-0.05"),
        (MAX_FEN, "100,000,000,000.00"),
    ],
)
def test_an_amount_is_shown_as_people_read_it(fen: int, shown: str) -> None:
    assert yuan(fen) == shown


@given(st.integers(-MAX_FEN, MAX_FEN))
def test_no_fen_is_lost_by_showing_it(fen: int) -> None:
    assert Decimal(yuan(fen).replace(",", "")) * 100 == fen


def test_a_hundred_thousand_full_accounts_still_fit_the_column() -> None:
    assert MAX_FEN * 100_000 < 2**63
