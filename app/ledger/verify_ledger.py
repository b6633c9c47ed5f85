"""L1-L5, L7, L8 (sequences), L10, L11: the double-entry books."""

from collections.abc import Iterator
from datetime import date
from itertools import groupby
from operator import itemgetter

from sqlalchemy import Case, and_, case, func, or_, select, true
from sqlalchemy.orm import aliased

from app.db import db
from app.ledger import balances, chart
from app.ledger.sources import POSTED, SOURCES
from app.models import (
    BookDay,
    BookDayTotal,
    HouseAccount,
    Journal,
    Posting,
    SubAccount,
)
from app.money import MAX_FEN

L8 = "journals and postings refuse every change; sequences are gapless"


def l1_postings_well_formed() -> Iterator[str]:
    """L1: two different accounts, 1 <= fen <= 10^13, a journal; a journal has postings."""
    session = db.session()
    bad = or_(
        Posting.debit_code == Posting.credit_code,
        Posting.amount_fen < 1,
        Posting.amount_fen > MAX_FEN,
        Journal.id.is_(None),
    )
    query = select(Posting.id).outerjoin(Journal, Journal.id == Posting.journal_id).where(bad)
    for posting_id in session.scalars(query):
        yield f"posting {posting_id} is malformed or has no journal"
    empty = (
        select(Journal.id)
        .outerjoin(Posting, Posting.journal_id == Journal.id)
        .where(Posting.id.is_(None))
    )
    for journal_id in session.scalars(empty):
        yield f"journal {journal_id} has no posting"


def l1_chart_as_published() -> Iterator[str]:
    """L1: the accounts are those of the chart, and postings stand on its leaves alone."""
    session = db.session()
    columns = (HouseAccount.code, HouseAccount.side, HouseAccount.parent_code)
    stored = {tuple(row) for row in session.execute(select(*columns, HouseAccount.is_personal))}
    wanted = {(each.code, each.side, each.parent_code, each.is_personal) for each in chart.CHART}
    for code, *_ in sorted(stored ^ wanted, key=str):
        yield f"account {code} is not as the chart has it"
    sums = [each.parent_code for each in chart.CHART if each.parent_code]
    query = select(Posting.id).where(
        or_(Posting.debit_code.in_(sums), Posting.credit_code.in_(sums))
    )
    for posting_id in session.scalars(query):
        yield f"posting {posting_id} stands on an account that only sums up others"


def l1_sub_accounts_named() -> Iterator[str]:
    """L1: a posting names a sub-account exactly when it touches personal money, under its code."""
    personal = or_(
        Posting.debit_code.in_(chart.PERSONAL_CODES), Posting.credit_code.in_(chart.PERSONAL_CODES)
    )
    query = (
        select(Posting.id)
        .outerjoin(SubAccount, SubAccount.id == Posting.sub_account_id)
        .where(
            or_(
                and_(personal, SubAccount.id.is_(None)),
                and_(
                    SubAccount.id.is_not(None),
                    Posting.debit_code != SubAccount.control_code,
                    Posting.credit_code != SubAccount.control_code,
                ),
            )
        )
    )
    for posting_id in db.session().scalars(query):
        yield f"posting {posting_id} and its sub-account disagree"


def l2_one_source_each() -> Iterator[str]:
    """L2: each journal has one source row that points back; none has two journals of a kind."""
    session = db.session()
    kinds = set(session.scalars(select(Journal.source_kind).distinct()))
    for kind in sorted(kinds - SOURCES.keys()):
        yield f"journals name the unknown source {kind}"
    for kind, table in SOURCES.items():
        lonely = (
            select(Journal.id)
            .outerjoin(table, and_(table.id == Journal.source_id, table.journal_id == Journal.id))
            .where(Journal.source_kind == kind, Journal.reverses_id.is_(None), table.id.is_(None))
        )
        for journal_id in session.scalars(lonely):
            yield f"journal {journal_id}: its {kind} does not point back"
        unposted = (
            select(table.id)
            .outerjoin(Journal, and_(Journal.id == table.journal_id, Journal.source_kind == kind))
            .where(Journal.id.is_(None), POSTED.get(kind, true()))
        )
        for row_id in session.scalars(unposted):
            yield f"{kind} {row_id} has no journal"
    double = (
        select(Journal.source_kind, Journal.source_id, Journal.kind)
        .group_by(Journal.source_kind, Journal.source_id, Journal.kind)
        .having(func.count() > 1)
    )
    for source_kind, source_id, kind in session.execute(double):
        yield f"{source_kind} {source_id} has two journals {kind}"


def l3_trial_balance_zero() -> Iterator[str]:
    """L3: debits equal credits now and at every sealed day; stored day totals are the turnover."""
    lines = balances.trial_balance()
    debit, credit = sum(x.debit_fen for x in lines), sum(x.credit_fen for x in lines)
    if debit != credit:
        yield f"debits {debit} and credits {credit} differ"
    for day, code, debit, credit in _turnover_of_sealed_days():
        yield f"day {day}, account {code}: stored totals are not the turnover {debit}/{credit}"


def _turnover_of_sealed_days() -> Iterator[tuple[date, str, int, int]]:
    session = db.session()
    computed: dict[tuple[date, str], list[int]] = {}
    for index, column in enumerate((Posting.debit_code, Posting.credit_code)):
        rows = session.execute(
            select(Journal.booked_on, column, func.sum(Posting.amount_fen))
            .join(Journal, Journal.id == Posting.journal_id)
            .join(BookDay, BookDay.day == Journal.booked_on)
            .where(BookDay.sealed_at.is_not(None))
            .group_by(Journal.booked_on, column)
        )
        for day, code, amount in rows:
            computed.setdefault((day, code), [0, 0])[index] = int(amount)
    stored = {
        (row.day, row.code): [row.debit_fen, row.credit_fen]
        for row in session.scalars(select(BookDayTotal))
    }
    for key in sorted(computed.keys() | stored.keys(), key=str):
        if computed.get(key) != stored.get(key):
            debit, credit = computed.get(key, [0, 0])
            yield key[0], key[1], debit, credit


def l4_balances_are_sums() -> Iterator[str]:
    """L4: the stored balance of a sub-account is the sum of its postings."""
    total = func.coalesce(func.sum(case((Posting.id.is_(None), 0), else_=_signed())), 0)
    rows = db.session().execute(
        select(SubAccount.id, SubAccount.balance_fen, total)
        .outerjoin(Posting, Posting.sub_account_id == SubAccount.id)
        .group_by(SubAccount.id, SubAccount.balance_fen)
        .having(SubAccount.balance_fen != total)
    )
    for sub_account_id, stored, computed in rows:
        yield f"sub-account {sub_account_id}: stored {stored}, postings give {computed}"


def _signed() -> Case[int]:
    """What a posting adds to its sub-account."""
    return case(
        (Posting.credit_code == SubAccount.control_code, Posting.amount_fen),
        else_=-Posting.amount_fen,
    )


def l5_control_accounts() -> Iterator[str]:
    """L5: the sub-accounts of each kind add up to their control account, and both to 201."""
    session = db.session()
    in_books = {
        line.code: line.credit_fen - line.debit_fen
        for line in balances.trial_balance()
        if line.code in chart.PERSONAL_CODES
    }
    rows = session.execute(
        select(SubAccount.control_code, func.sum(SubAccount.balance_fen)).group_by(
            SubAccount.control_code
        )
    )
    in_subs = {code: int(total) for code, total in rows}
    for code in chart.PERSONAL_CODES:
        if in_books.get(code, 0) != in_subs.get(code, 0):
            yield f"{code}: books {in_books.get(code, 0)}, sub-accounts {in_subs.get(code, 0)}"
    wrong_side = select(SubAccount.id).where(
        case(
            (SubAccount.kind == "flexible", SubAccount.control_code != chart.FLEXIBLE_MONEY),
            else_=SubAccount.control_code != chart.UNIT_MONEY,
        )
    )
    for sub_account_id in session.scalars(wrong_side):
        yield f"sub-account {sub_account_id} lies under the other kind's control account"


def l7_never_below_zero() -> Iterator[str]:
    """L7: no sub-account was below zero at any sequence."""
    rows = db.session().execute(
        select(Posting.sub_account_id, Posting.account_seq, _signed())
        .join(SubAccount, SubAccount.id == Posting.sub_account_id)
        .order_by(Posting.sub_account_id, Posting.account_seq)
    )
    for sub_account_id, group in groupby(rows, key=itemgetter(0)):
        balance = 0
        for _, seq, delta in group:
            balance += delta
            if balance < 0:
                yield f"sub-account {sub_account_id} is {balance} at sequence {seq}"


def l8_sequences_gapless() -> Iterator[str]:
    """L8: `account_seq` runs from 1 to the sub-account's last, each once."""
    rows = db.session().execute(
        select(
            SubAccount.id,
            SubAccount.last_seq,
            func.count(Posting.id),
            func.count(Posting.account_seq.distinct()),
            func.coalesce(func.max(Posting.account_seq), 0),
            func.coalesce(func.min(Posting.account_seq), 1),
        )
        .outerjoin(Posting, Posting.sub_account_id == SubAccount.id)
        .group_by(SubAccount.id, SubAccount.last_seq)
    )
    for sub_account_id, last, count, different, highest, lowest in rows:
        if lowest != 1 or not last == count == different == highest:
            told = f"{count} postings, sequences to {highest}, last {last}"
            yield f"sub-account {sub_account_id}: {told}"


def l10_reversals() -> Iterator[str]:
    """L10: a reversal mirrors its journal exactly, and a journal is reversed at most once."""
    session = db.session()
    original, reversal = aliased(Journal), aliased(Journal)
    pairs = session.execute(
        select(reversal.id, original.id).join(original, original.id == reversal.reverses_id)
    ).all()
    for reversal_id, original_id in pairs:
        if reversal_id <= original_id:
            yield f"journal {reversal_id} reverses journal {original_id}, which is not before it"
        if _lines(reversal_id, swapped=True) != _lines(original_id, swapped=False):
            yield f"journal {reversal_id} does not mirror journal {original_id}"
    twice = (
        select(Journal.reverses_id)
        .where(Journal.reverses_id.is_not(None))
        .group_by(Journal.reverses_id)
        .having(func.count() > 1)
    )
    for journal_id in session.scalars(twice):
        yield f"journal {journal_id} is reversed more than once"


def _lines(journal_id: int, *, swapped: bool) -> list[tuple[object, ...]]:
    first, second = (
        (Posting.credit_code, Posting.debit_code)
        if swapped
        else (Posting.debit_code, Posting.credit_code)
    )
    rows = db.session().execute(
        select(first, second, Posting.amount_fen, Posting.sub_account_id).where(
            Posting.journal_id == journal_id
        )
    )
    return sorted(tuple(row) for row in rows)


def l11_actor_and_reason() -> Iterator[str]:
    """L11: every journal says who (person, staff, named job, installer), why, and from what."""
    actors = ("person:%", "staff:%", "job:%")
    known = or_(Journal.actor == "installer", *(Journal.actor.like(each) for each in actors))
    query = select(Journal.id).where(
        or_(~known, func.trim(Journal.reason) == "", func.trim(Journal.source_kind) == "")
    )
    for journal_id in db.session().scalars(query):
        yield f"journal {journal_id} lacks an actor, a reason or a source"


CHECKS = (
    ("L1", "postings are well-formed", l1_postings_well_formed),
    ("L1", "postings are well-formed", l1_sub_accounts_named),
    ("L1", "postings are well-formed", l1_chart_as_published),
    ("L2", "each journal has one source, which points back", l2_one_source_each),
    ("L3", "the trial balance is zero, now and at every sealed day", l3_trial_balance_zero),
    ("L4", "stored balances are the sums of postings", l4_balances_are_sums),
    ("L5", "sub-accounts add up to 20101, 20102 and 201", l5_control_accounts),
    ("L7", "no sub-account was ever below zero", l7_never_below_zero),
    ("L8", L8, l8_sequences_gapless),
    ("L10", "reversals mirror their journals, once", l10_reversals),
    ("L11", "every journal has actor, reason and source", l11_actor_and_reason),
)
