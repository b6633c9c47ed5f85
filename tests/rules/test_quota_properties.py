"""More kept, or kept longer, never lends less (长缴多贷、多缴多贷); equal kept, equal lent."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.rules.balance_history import BalanceHistory
from app.rules.day_product import DayProduct
from app.rules.policy import Home
from app.rules.quota import QuotaExplanation, average_window, loan_quota
from tests.rules.building import TODAY, Move, a_history, the_policy

POLICY = the_policy()
WINDOW = average_window(TODAY, POLICY)
HOMES: st.SearchStrategy[Home] = st.sampled_from(["first", "second"])
DEPOSITS = st.lists(
    st.tuples(st.dates(date(2024, 1, 2), TODAY), st.integers(1, 3_000_000)), min_size=1, max_size=8
)


@st.composite
def moves_with_withdrawals(draw: st.DrawFn) -> list[Move]:
    """Deposits, and withdrawals never above the balance of their day."""
    moves: list[Move] = []
    balance = 0
    for day in sorted(draw(st.lists(st.dates(date(2024, 1, 2), TODAY), min_size=1, max_size=10))):
        if balance and draw(st.booleans()):
            fen = -draw(st.integers(1, balance))
        else:
            fen = draw(st.integers(1, 3_000_000))
        balance += fen
        moves.append((day, fen))
    return moves


def quota_of(history: BalanceHistory, home: Home) -> QuotaExplanation:
    return loan_quota(
        average=history.average_over(WINDOW),
        first_credit_on=history.first_credit_on,
        on=TODAY,
        home=home,
        policy=POLICY,
    )


def counted_day_by_day(moves: list[Move]) -> DayProduct:
    days = [WINDOW.from_on + timedelta(days=n) for n in range(WINDOW.days)]
    product = sum(sum(fen for moved_on, fen in moves if moved_on <= day) for day in days)
    return DayProduct(product, len(days))


@given(moves=moves_with_withdrawals())
def test_the_average_agrees_with_adding_up_every_day(moves: list[Move]) -> None:
    assert a_history(moves).average_over(WINDOW) == counted_day_by_day(moves)


@given(moves=moves_with_withdrawals(), home=HOMES)
def test_rows_before_the_window_may_be_left_out_but_for_the_last(
    moves: list[Move], home: Home
) -> None:
    whole = a_history(moves)
    before = [row for row in whole.changes if row[0] < WINDOW.from_on]
    inside = whole.changes[len(before) :]

    carried = BalanceHistory(whole.balance_fen, (*before[-1:], *inside), whole.first_credit_on)
    opened = BalanceHistory(
        whole.balance_fen, inside, whole.first_credit_on, before[-1][1] if before else 0
    )

    assert quota_of(carried, home) == quota_of(whole, home) == quota_of(opened, home)


@given(moves=moves_with_withdrawals(), home=HOMES, at=st.integers(0, 9))
def test_a_fen_more_never_lowers_average_or_quota(moves: list[Move], home: Home, at: int) -> None:
    deposits = [index for index, (_, fen) in enumerate(moves) if fen > 0]
    chosen = deposits[at % len(deposits)]
    more = [(day, fen + (index == chosen)) for index, (day, fen) in enumerate(moves)]

    before, after = quota_of(a_history(moves), home), quota_of(a_history(more), home)

    assert after.average.as_fraction >= before.average.as_fraction
    assert after.quota_fen >= before.quota_fen


@given(deposits=DEPOSITS, home=HOMES, at=st.integers(0, 7))
def test_the_same_deposit_a_day_earlier_never_lowers_average_or_quota(
    deposits: list[Move], home: Home, at: int
) -> None:
    chosen = at % len(deposits)
    earlier = [
        (day - timedelta(days=index == chosen), fen) for index, (day, fen) in enumerate(deposits)
    ]

    before, after = quota_of(a_history(deposits), home), quota_of(a_history(earlier), home)

    assert after.average.as_fraction >= before.average.as_fraction
    assert after.quota_fen >= before.quota_fen
    assert after.months >= before.months


@given(moves=moves_with_withdrawals(), home=HOMES)
def test_equal_histories_give_equal_quotas(moves: list[Move], home: Home) -> None:
    assert quota_of(a_history(moves), home) == quota_of(a_history(list(moves)), home)


@given(moves=moves_with_withdrawals())
def test_a_second_home_never_lends_more_than_a_first(moves: list[Move]) -> None:
    history = a_history(moves)

    assert quota_of(history, "second").quota_fen <= quota_of(history, "first").quota_fen


@given(moves=moves_with_withdrawals(), home=HOMES)
def test_a_quota_is_a_whole_multiple_within_the_cap_and_explains_itself(
    moves: list[Move], home: Home
) -> None:
    quota = quota_of(a_history(moves), home)

    assert quota.quota_fen % POLICY.quota.rounding_unit_fen == 0
    assert 0 <= quota.quota_fen <= POLICY.quota.cap_fen
    assert quota.quota_fen <= quota.uncapped_fen_exact
    assert bool(quota.missing) == (quota.quota_fen == 0)
    assert all("{" not in step.sentence and step.clause for step in quota.steps)
