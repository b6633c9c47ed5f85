"""Fund accounts: opened by the first credited deposit, and what their owner sees of them."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select, update

from app import clock, ids, settings
from app.db import db, reading
from app.errors import Conflict, Unacceptable
from app.ledger import balances
from app.ledger.chart import CONTROL_CODE
from app.models import FLEXIBLE, UNIT, FundAccount, IdentitySegment, Journal, Posting, SubAccount
from app.money import Fen
from app.rules.periods import Period
from app.services.members import Member

NORMAL = "01"  # JGJ/T 320 A.6
DAYS_SHOWN_MAX = 366
PAGE_MAX = 100


class PeriodUnfit(Unacceptable):
    """The days asked for are reversed, too many, or not yet there."""

    sentence = "查询区间有误：起始日不晚于截止日，不超过{days_max}天，截止日不晚于今天。"


class AccountMissing(Conflict):
    """The account opens with the first deposit (2.3)."""

    sentence = "账户将在首次缴存到账时开立，目前还没有账户。"
    step = "first-deposit"


@dataclass(frozen=True)
class AccountView:
    """An account as its owner sees it; balances in fen."""

    account_no: str
    status: str
    opened_on: date
    flexible_fen: Fen
    unit_fen: Fen
    first_credit_on: date | None


@dataclass(frozen=True)
class PostingView:
    """One movement of the owner's flexible money, newest first; `seq` is gapless from 1."""

    seq: int
    kind: str
    reason: str
    value_on: date
    booked_on: date
    delta_fen: Fen


def open_flexible(person_id: int) -> SubAccount | None:
    """The flexible sub-account of the person's open account, in the caller's transaction."""
    return (
        db.session()
        .scalars(
            select(SubAccount)
            .join(FundAccount, FundAccount.id == SubAccount.account_id)
            .where(
                FundAccount.person_id == person_id,
                FundAccount.closed_on.is_(None),
                SubAccount.kind == FLEXIBLE,
            )
        )
        .one_or_none()
    )


def open_account(*, person_id: int, on: date, at: datetime) -> SubAccount:
    """The person has an open account, and here is its flexible sub-account (Seed §2, §3).

    In the caller's transaction, with the person's row locked: an account there already is taken,
    so two first deposits from two phones open one account. It begins with the earliest of them,
    also when that one is heard of last.
    """
    there = open_flexible(person_id)
    if there is not None:
        _begin_by(there.account_id, on)
        return there
    session = db.session()
    account = FundAccount(person_id=person_id, status=NORMAL, opened_on=on, opened_at=at)
    session.add(account)
    session.flush()
    account.account_no = ids.account_number(settings.current().centre_code, account.id)
    subs = {
        kind: SubAccount(
            account_id=account.id,
            kind=kind,
            control_code=CONTROL_CODE[kind],
            balance_fen=0,
            last_seq=0,
        )
        for kind in (FLEXIBLE, UNIT)
    }
    session.add_all(subs.values())
    session.add(IdentitySegment(account_id=account.id, kind=FLEXIBLE, from_on=on))
    session.flush()
    return subs[FLEXIBLE]


def _begin_by(account_id: int, on: date) -> None:
    """The account and its first segment begin on the day or before: no money lies outside them."""
    session = db.session()
    account = session.get_one(FundAccount, account_id)
    if account.opened_on <= on:
        return
    session.execute(
        update(IdentitySegment)
        .where(
            IdentitySegment.account_id == account_id,
            IdentitySegment.from_on == account.opened_on,
        )
        .values(from_on=on)
    )
    account.opened_on = on


def account_of(*, member: Member) -> AccountView:
    """The member's open account; raises `AccountMissing` before the first deposit."""
    with reading():
        return account_view(_flexible_of(member))


def account_view(flexible: SubAccount) -> AccountView:
    """The account of this flexible sub-account, in the caller's transaction."""
    session = db.session()
    account = session.get_one(FundAccount, flexible.account_id)
    unit_fen = session.scalars(
        select(SubAccount.balance_fen).where(
            SubAccount.account_id == account.id, SubAccount.kind == UNIT
        )
    ).one()
    return AccountView(
        account_no=account.account_no or "",
        status=account.status,
        opened_on=account.opened_on,
        flexible_fen=flexible.balance_fen,
        unit_fen=unit_fen,
        first_credit_on=balances.first_movement_on(flexible.id),
    )


def daily_balances(
    *, member: Member, from_on: date, to_on: date, at: datetime
) -> tuple[balances.DayBalance, ...]:
    """One row per calendar day from `from_on` to `to_on`, both shown; at most 366 days.

    Raises `PeriodUnfit`, `AccountMissing`.
    """
    days = (to_on - from_on).days + 1
    if not 1 <= days <= DAYS_SHOWN_MAX or to_on > clock.day_of(at):
        hint = PeriodUnfit.sentence.format(days_max=DAYS_SHOWN_MAX)
        raise PeriodUnfit(fields={"from": [hint], "to": [hint]}, days_max=DAYS_SHOWN_MAX)
    with reading():
        window = Period(from_on, date.fromordinal(to_on.toordinal() + 1))
        return tuple(balances.daily(_flexible_of(member).id, window))


def postings_of(*, member: Member, before_seq: int | None, limit: int) -> tuple[PostingView, ...]:
    """A page of the member's movements, newest first, with sequences below `before_seq`."""
    with reading():
        return postings_page(_flexible_of(member), before_seq=before_seq, limit=limit)


def postings_page(
    flexible: SubAccount, *, before_seq: int | None, limit: int
) -> tuple[PostingView, ...]:
    """A page of a sub-account's movements, newest first, in the caller's transaction."""
    rows = db.session().execute(
        select(Posting, Journal)
        .join(Journal, Journal.id == Posting.journal_id)
        .where(
            Posting.sub_account_id == flexible.id,
            Posting.account_seq < (before_seq or flexible.last_seq + 1),
        )
        .order_by(Posting.account_seq.desc())
        .limit(min(limit, PAGE_MAX))
    )
    return tuple(
        PostingView(
            seq=posting.account_seq or 0,
            kind=journal.kind,
            reason=journal.reason,
            value_on=journal.value_on,
            booked_on=journal.booked_on,
            delta_fen=(
                posting.amount_fen
                if posting.credit_code == flexible.control_code
                else -posting.amount_fen
            ),
        )
        for posting, journal in rows
    )


def _flexible_of(member: Member) -> SubAccount:
    flexible = open_flexible(member.proved())
    if flexible is None:
        raise AccountMissing()
    return flexible
