"""The cases of a day's bill: exactly the differences there are, open until they agree or are
explained by two people.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from app.db import db, insert_unless_there
from app.models import PaymentCase, WechatBillCase, WechatBillDay
from app.services import payment_cases
from app.services.bill_matters import UNFIT, Matter
from app.services.payment_cases import EXPLAINED, Difference

AGREES, READ = "agrees", "read"


# --- in the caller's transaction, with the day's row locked ---


def settle(row: WechatBillDay, matters: Sequence[Matter], *, at: datetime) -> int:
    """The day's cases are these; those it had besides agree by now. Answers how many are open."""
    cases = [_held(row, each, at) for each in matters]
    current = {case.id for case in cases}
    for case in _open_cases_of(row):
        if case.id not in current:
            resolution = READ if case.kind == UNFIT else AGREES
            payment_cases.resolve(case, resolution, at=at)
    db.session().flush()
    return sum(case.resolved_at is None for case in cases)


def hold_unfit(row: WechatBillDay, why: str, *, at: datetime) -> None:
    """The day's bill does not hold together: one case, until a good one is read."""
    number = f"bill:{row.day.isoformat()}"
    _held(row, Matter(UNFIT, number, "", (Difference("bill", "sound", why),)), at)
    db.session().flush()


def _held(row: WechatBillDay, matter: Matter, at: datetime) -> PaymentCase:
    """The case of the matter, open unless two people explained exactly these differences.

    What they explained is told by its differences: others under the same number are a new case.
    """
    told = [vars(each) for each in matter.found]
    number, case = matter.number, _case(matter.kind, matter.number)
    if case is not None and case.resolution == EXPLAINED and case.differences != told:
        number = f"{matter.number}#{row.reading}"
    payment_cases.open_case(
        matter.kind, number, matter.our_no, matter.found, at=at, payment_id=matter.payment_id
    )
    case = _case(matter.kind, number)
    assert case is not None  # opened just now, or before  # noqa: S101
    if case.resolution in (AGREES, READ):
        payment_cases.reopen(case, at=at)
    if case.resolved_at is None and case.differences != told:
        case.differences = told
    insert_unless_there(WechatBillCase, bill_day_id=row.id, case_id=case.id)
    return case


def _case(kind: str, number: str) -> PaymentCase | None:
    query = select(PaymentCase).where(
        PaymentCase.kind == kind, PaymentCase.transaction_id == number
    )
    return db.session().scalars(query).one_or_none()


def _open_cases_of(row: WechatBillDay) -> Sequence[PaymentCase]:
    query = (
        select(PaymentCase)
        .join(WechatBillCase, WechatBillCase.case_id == PaymentCase.id)
        .where(WechatBillCase.bill_day_id == row.id, PaymentCase.resolved_at.is_(None))
        .order_by(PaymentCase.id)
        .with_for_update(of=PaymentCase)
        .execution_options(populate_existing=True)
    )
    return db.session().scalars(query).all()
