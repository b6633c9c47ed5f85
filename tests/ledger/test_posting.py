"""What may stand in a journal, and what a sub-account hands out to it."""

from contextlib import suppress
from datetime import date
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from app.ledger import chart, snapshots
from app.ledger.posting import BalanceOutOfBounds, Event, InsufficientBalance, Line, post
from app.models import Journal, Posting, SubAccount
from app.money import MAX_FEN
from tests.house import STARTS_AT, House, at_once
from tests.short_cuts import a_worker, credit, flexible, reverse, writing

IN_TRANSIT, FLEXIBLE, UNIT, SUSPENSE = (
    chart.WECHAT_IN_TRANSIT,
    chart.FLEXIBLE_MONEY,
    chart.UNIT_MONEY,
    chart.SUSPENSE,
)
DAY = date(2026, 3, 2)


class Undo(Exception):
    """What was tried in a transaction must not stay."""


def post_and_undo(house: House, event: Event, lines: list[Line]) -> None:
    with suppress(Undo), writing(house):
        post(event, lines)
        raise Undo


def an_event(**changed: Any) -> Event:
    facts: dict[str, Any] = {
        "kind": "trial",
        "reason": "试记",
        "actor": "staff:1",
        "source_kind": "wechat_payment",
        "source_id": 10**6,
        "value_on": DAY,
        "at": STARTS_AT,
    }
    return Event(**{**facts, **changed})


def counted(house: House) -> tuple[int, int]:
    return (
        house.rows(select(func.count()).select_from(Journal))[0][0],
        house.rows(select(func.count()).select_from(Posting))[0][0],
    )


MALFORMED = {
    "credits personal money of nobody": (IN_TRANSIT, FLEXIBLE, False),
    "debits personal money of nobody": (FLEXIBLE, IN_TRANSIT, False),
    "names a sub-account without touching personal money": (IN_TRANSIT, SUSPENSE, True),
    "touches two kinds of personal money": (UNIT, FLEXIBLE, True),
    "names a sub-account of the other kind": (IN_TRANSIT, UNIT, True),
}


def test_a_line_names_one_sub_account_exactly_when_it_touches_personal_money(house: House) -> None:
    worker = a_worker(house)
    credit(house, worker, 100, paid_at=STARTS_AT)
    mine = flexible(house, worker).id
    before = counted(house)

    for debit_code, credit_code, names_one in MALFORMED.values():
        line = Line(debit_code, credit_code, 100, mine if names_one else None)
        with pytest.raises(ValueError, match="sub-account"), writing(house):
            post(an_event(), [line])

    assert counted(house) == before


def test_a_journal_without_a_line_is_no_journal(house: House) -> None:
    with pytest.raises(ValueError, match="a journal needs a line"), writing(house):
        post(an_event(), [])


def test_an_amount_is_a_whole_number_of_fen_within_bounds(house: House) -> None:
    amounts: tuple[Any, ...] = (0, -1, MAX_FEN + 1, True, 1.0, "1")
    for amount_fen in amounts:
        with pytest.raises(BalanceOutOfBounds), writing(house):
            post(an_event(), [Line(IN_TRANSIT, SUSPENSE, amount_fen)])


def test_a_balance_never_exceeds_what_the_books_can_hold(house: House) -> None:
    worker = a_worker(house)
    credit(house, worker, MAX_FEN, paid_at=STARTS_AT)
    mine = flexible(house, worker).id

    with pytest.raises(BalanceOutOfBounds), writing(house):
        post(an_event(), [Line(IN_TRANSIT, FLEXIBLE, 1, mine)])

    assert flexible(house, worker).balance_fen == MAX_FEN


def test_no_more_leaves_a_sub_account_than_lies_in_it(house: House) -> None:
    worker = a_worker(house)
    credit(house, worker, 100, paid_at=STARTS_AT)
    mine = flexible(house, worker).id

    with pytest.raises(InsufficientBalance) as refused, writing(house):
        post(an_event(), [Line(FLEXIBLE, IN_TRANSIT, 101, mine)])

    assert refused.value.facts == {"available_fen": 100, "requested_fen": 101}
    assert (flexible(house, worker).balance_fen, flexible(house, worker).last_seq) == (100, 1)


def test_the_second_line_of_a_journal_sees_what_the_first_left(house: House) -> None:
    worker = a_worker(house)
    credit(house, worker, 100, paid_at=STARTS_AT)
    mine = flexible(house, worker).id
    sixty = Line(FLEXIBLE, IN_TRANSIT, 60, mine)

    with pytest.raises(InsufficientBalance) as refused, writing(house):
        post(an_event(), [sixty, sixty])

    assert refused.value.facts["available_fen"] == 40


def test_money_cannot_leave_on_a_day_before_it_came(house: House) -> None:
    worker = a_worker(house)
    credit(house, worker, 100, paid_at=STARTS_AT)
    mine = flexible(house, worker).id

    with pytest.raises(InsufficientBalance) as refused, writing(house):
        post(an_event(value_on=date(2026, 3, 1)), [Line(FLEXIBLE, IN_TRANSIT, 100, mine)])
    with pytest.raises(IntegrityError, match="closing_not_negative"), writing(house):
        snapshots.move(mine, date(2026, 3, 1), -100)

    assert refused.value.facts == {"available_fen": 0, "requested_fen": 100}


def test_the_same_source_is_posted_once(house: House) -> None:
    worker = a_worker(house)
    journal_id = credit(house, worker, 100, paid_at=STARTS_AT)
    mine = flexible(house, worker).id
    source_id = house.rows(select(Journal.source_id).where(Journal.id == journal_id))[0][0]
    again = an_event(kind="deposit-received", source_id=source_id)

    with pytest.raises(IntegrityError), writing(house):
        post(again, [Line(IN_TRANSIT, FLEXIBLE, 100, mine)])

    assert flexible(house, worker).balance_fen == 100


def test_a_reversal_swaps_the_sides_and_happens_once(house: House) -> None:
    worker = a_worker(house)
    credit(house, worker, 70, paid_at=STARTS_AT)
    journal_id = credit(house, worker, 100, paid_at=STARTS_AT)

    reversal_id = reverse(house, journal_id, value_on=DAY, at=STARTS_AT)

    line = house.rows(
        select(
            Posting.debit_code, Posting.credit_code, Posting.amount_fen, Posting.account_seq
        ).where(Posting.journal_id == reversal_id)
    )
    assert line == [(FLEXIBLE, IN_TRANSIT, 100, 3)]
    assert flexible(house, worker).balance_fen == 70
    with pytest.raises(IntegrityError):
        reverse(house, journal_id, value_on=DAY, at=STARTS_AT)


def test_sequences_are_gapless_whatever_fails_in_between(house: House) -> None:
    worker = a_worker(house)
    for amount_fen in (10, 20, 30):
        credit(house, worker, amount_fen, paid_at=STARTS_AT)
        mine = flexible(house, worker).id
        post_and_undo(house, an_event(), [Line(IN_TRANSIT, FLEXIBLE, 5, mine)])

    seqs = house.rows(select(Posting.account_seq).order_by(Posting.id))
    assert [seq for (seq,) in seqs] == [1, 2, 3]
    assert flexible(house, worker).balance_fen == 60


def test_eight_writers_at_once_share_one_sub_account_without_a_gap(house: House) -> None:
    """Corrections lock nothing but the sub-account: it alone keeps them apart."""
    worker = a_worker(house)
    journals = [credit(house, worker, 10**n, paid_at=STARTS_AT) for n in range(8)]

    found = at_once(8, lambda n: reverse(house, journals[n], value_on=DAY, at=STARTS_AT))

    assert all(isinstance(each, int) for each in found), found
    seqs = house.rows(select(Posting.account_seq).order_by(Posting.account_seq))
    assert [seq for (seq,) in seqs] == list(range(1, 17))
    assert flexible(house, worker).balance_fen == 0


def test_journals_over_two_sub_accounts_never_deadlock(house: House) -> None:
    """F10: whatever order the lines name them in, rows are locked in the order of their ids."""
    workers = [a_worker(house), a_worker(house)]
    for worker in workers:
        credit(house, worker, 1000, paid_at=STARTS_AT)
    first, second = (flexible(house, worker).id for worker in workers)

    def move_there_and_back(number: int) -> None:
        pair = (first, second) if number % 2 else (second, first)
        lines = [
            Line(FLEXIBLE, IN_TRANSIT, 10, pair[0]),
            Line(IN_TRANSIT, FLEXIBLE, 10, pair[1]),
        ]
        for _ in range(5):
            post_and_undo(house, an_event(source_id=10**6 + number), lines)

    found = at_once(6, move_there_and_back)

    assert found == [None] * 6


def test_a_journal_says_who_and_why(house: House) -> None:
    for missing in ({"actor": ""}, {"reason": ""}):
        with pytest.raises(IntegrityError, match="actor_and_reason"), writing(house):
            post(an_event(**missing), [Line(IN_TRANSIT, SUSPENSE, 1)])


def test_a_posting_from_an_account_to_itself_is_refused(house: House) -> None:
    with pytest.raises(IntegrityError, match="two_accounts"), writing(house):
        post(an_event(), [Line(IN_TRANSIT, IN_TRANSIT, 1)])


def test_unit_money_lies_apart_from_flexible_money(house: House) -> None:
    worker = a_worker(house)
    credit(house, worker, 100, paid_at=STARTS_AT)

    kinds = house.rows(
        select(SubAccount.kind, SubAccount.control_code, SubAccount.balance_fen).order_by(
            SubAccount.kind
        )
    )

    assert kinds == [("flexible", FLEXIBLE, 100), ("unit", UNIT, 0)]
