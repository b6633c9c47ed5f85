"""The only writer of the books: a journal with its postings, balances and daily snapshots.

Everything happens in the caller's transaction. Personal sub-accounts are locked in id order and
hand out their gapless `account_seq`; the book day is read FOR SHARE, so that sealing waits for us
or we for it. House accounts have no row that everybody updates.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select

from app import clock
from app.db import db, insert_unless_there
from app.errors import Unacceptable
from app.ledger import chart, holds, snapshots
from app.models import BookDay, Journal, Posting, SubAccount
from app.money import MAX_FEN, Fen

# The only source whose journals take what is held: a payout's own leg.
HOLDER = "payout_leg"


class InsufficientBalance(Unacceptable):
    """More would leave the sub-account than lies in it."""

    sentence = "余额不足：可用 {available_fen} 分，需要 {requested_fen} 分。"


class BalanceOutOfBounds(Unacceptable):
    """An amount or a balance beyond what the books can hold."""

    sentence = "金额超出系统可记录的范围。"


@dataclass(frozen=True)
class Line:
    """`amount_fen` from `credit_code` to `debit_code`; a personal side names its sub-account."""

    debit_code: str
    credit_code: str
    amount_fen: Fen
    sub_account_id: int | None = None

    @property
    def personal_delta_fen(self) -> Fen:
        """What the line adds to its sub-account: credits raise what the centre owes a person."""
        return self.amount_fen if self.credit_code in chart.PERSONAL_CODES else -self.amount_fen


@dataclass(frozen=True)
class Event:
    """The business event behind a journal: what, why, by whom, and the one row it comes from."""

    kind: str
    reason: str
    actor: str
    source_kind: str
    source_id: int
    value_on: date
    at: datetime
    reverses_id: int | None = None


def post(event: Event, lines: Sequence[Line]) -> Journal:
    """The event stands in the books with these lines, balances and snapshots moved accordingly.

    Raises `InsufficientBalance` when a sub-account would fall below zero, today or on any day
    since the value day, `BalanceOutOfBounds`, and IntegrityError when the event's source already
    has a journal of this kind.
    """
    _refuse_malformed(lines)
    session = db.session()
    sub_accounts = _locked_sub_accounts(lines)
    journal = Journal(
        kind=event.kind,
        value_on=event.value_on,
        booked_on=_open_book_day(clock.day_of(event.at)),
        posted_at=event.at,
        actor=event.actor,
        reason=event.reason,
        source_kind=event.source_kind,
        source_id=event.source_id,
        reverses_id=event.reverses_id,
    )
    session.add(journal)
    session.flush()
    for number, line in enumerate(lines, start=1):
        sub_account = None if line.sub_account_id is None else sub_accounts[line.sub_account_id]
        session.add(_posting(journal, number, line, sub_account))
        if sub_account is not None:
            _refuse_overdrawn_on(event.value_on, line, sub_account)
            if line.personal_delta_fen < 0 and event.source_kind != HOLDER:
                _refuse_what_is_promised(line, sub_account)
            snapshots.move(sub_account.id, event.value_on, line.personal_delta_fen)
    session.flush()
    return journal


def _posting(journal: Journal, number: int, line: Line, sub_account: SubAccount | None) -> Posting:
    if sub_account is not None:
        balance_fen = sub_account.balance_fen + line.personal_delta_fen
        if balance_fen < 0:
            raise InsufficientBalance(
                available_fen=sub_account.balance_fen, requested_fen=line.amount_fen
            )
        if balance_fen > MAX_FEN:
            raise BalanceOutOfBounds()
        sub_account.balance_fen = balance_fen
        sub_account.last_seq += 1
    return Posting(
        journal_id=journal.id,
        line=number,
        debit_code=line.debit_code,
        credit_code=line.credit_code,
        amount_fen=line.amount_fen,
        sub_account_id=line.sub_account_id,
        account_seq=None if sub_account is None else sub_account.last_seq,
    )


def _refuse_overdrawn_on(day: date, line: Line, sub_account: SubAccount) -> None:
    """What lies there today may not have lain there on the value day."""
    if line.personal_delta_fen >= 0:
        return
    lowest_fen = snapshots.lowest_from(sub_account.id, day)
    if lowest_fen + line.personal_delta_fen < 0:
        raise InsufficientBalance(available_fen=lowest_fen, requested_fen=line.amount_fen)


def _refuse_what_is_promised(line: Line, sub_account: SubAccount) -> None:
    """What is on its way out is no longer anybody else's to spend (L7)."""
    held_fen = holds.held_fen(sub_account.id)
    if sub_account.balance_fen < held_fen:
        available_fen = sub_account.balance_fen + line.amount_fen - held_fen
        raise InsufficientBalance(available_fen=available_fen, requested_fen=line.amount_fen)


def _refuse_malformed(lines: Sequence[Line]) -> None:
    if not lines:
        raise ValueError("a journal needs a line")
    for line in lines:
        personal = [
            code for code in (line.debit_code, line.credit_code) if code in chart.PERSONAL_CODES
        ]
        if len(personal) > 1 or (len(personal) == 1) != (line.sub_account_id is not None):
            raise ValueError("a line names one sub-account exactly when it touches personal money")
        if type(line.amount_fen) is not int or not 1 <= line.amount_fen <= MAX_FEN:
            raise BalanceOutOfBounds()


def _locked_sub_accounts(lines: Sequence[Line]) -> dict[int, SubAccount]:
    wanted = {line.sub_account_id for line in lines if line.sub_account_id is not None}
    if not wanted:
        return {}
    rows = db.session().scalars(
        select(SubAccount)
        .where(SubAccount.id.in_(wanted))
        .order_by(SubAccount.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    found = {row.id: row for row in rows}
    for line in lines:
        if line.sub_account_id is not None:
            code = found[line.sub_account_id].control_code
            if code not in (line.debit_code, line.credit_code):
                raise ValueError("the sub-account does not lie under the line's control account")
    return found


def _open_book_day(today: date) -> date:
    """The accounting day to book on: today, or the day after the last sealed one (FOR SHARE)."""
    session = db.session()
    while True:
        sealed = session.scalar(select(func.max(BookDay.day)).where(BookDay.sealed_at.is_not(None)))
        day = today if sealed is None else max(today, sealed + timedelta(days=1))
        insert_unless_there(BookDay, day=day, sealed_at=None)
        row = session.execute(
            select(BookDay.sealed_at).where(BookDay.day == day).with_for_update(read=True)
        ).one()
        if row.sealed_at is None:
            return day
