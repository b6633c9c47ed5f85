"""What of the money two people decided: each effect, its approval, and whether it is as decided."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from app.db import db
from app.models import (
    Approval,
    BankBatch,
    BankBatchResult,
    DepositLimitOverride,
    FundAccount,
    Journal,
    ManualJournal,
    PaymentCase,
    Payout,
    PayoutLeg,
    Person,
    Posting,
    SubAccount,
    WechatBillDay,
    WechatPayment,
)

Effect = tuple[str, int, str, bool]
"""(what, approval's id, action, whether it is what the payload says)"""


def effects(approvals: dict[int, Approval]) -> Iterator[Effect]:
    """Every effect on money, limits and cases that rests on an approval."""
    yield from _journals(approvals)
    yield from _payouts(approvals)
    yield from _bank_results(approvals)
    yield from _wechat_days(approvals)
    yield from _cases(approvals)
    yield from _limits(approvals)


def _said(approvals: dict[int, Approval], approval_id: int | None) -> dict[str, Any]:
    approval = approvals.get(approval_id or 0)
    said: dict[str, Any] = {} if approval is None else json.loads(approval.payload)
    return said


def _journals(approvals: dict[int, Approval]) -> Iterator[Effect]:
    for journal in db.session().scalars(select(ManualJournal)):
        said = _said(approvals, journal.approval_id)
        action = "manual-journal" if journal.reverses_id is None else "manual-journal-reversal"
        is_right = said.get("document_no") == journal.document_no and _is_booked(journal, said)
        yield f"manual journal {journal.document_no}", journal.approval_id, action, is_right


def _payouts(approvals: dict[int, Approval]) -> Iterator[Effect]:
    rows = db.session().execute(
        select(Payout, PaymentCase.public_id, WechatPayment.amount_fen, Person.public_id)
        .outerjoin(PaymentCase, PaymentCase.id == Payout.payment_case_id)
        .outerjoin(WechatPayment, WechatPayment.id == PaymentCase.payment_id)
        .outerjoin(SubAccount, SubAccount.id == Payout.sub_account_id)
        .outerjoin(FundAccount, FundAccount.id == SubAccount.account_id)
        .outerjoin(Person, Person.id == FundAccount.person_id)
    )
    for payout, case_id, paid_fen, person_id in rows:
        said = _said(approvals, payout.approval_id)
        if payout.purpose == "suspense-return":
            is_right = said == {"case_id": case_id} and payout.amount_fen == paid_fen
        else:
            stands = (person_id, payout.amount_fen, payout.payee_card, payout.payee_bank)
            is_right = stands == tuple(
                said.get(name) for name in ("person_id", "amount_fen", "card", "bank")
            )
        yield f"payout {payout.id}", payout.approval_id, payout.purpose, is_right


def _bank_results(approvals: dict[int, Approval]) -> Iterator[Effect]:
    session = db.session()
    for row, batch_id in session.execute(
        select(BankBatchResult, BankBatch.public_id).join(
            BankBatch, BankBatch.id == BankBatchResult.batch_id
        )
    ):
        said = _said(approvals, row.approval_id)
        legs = session.execute(
            select(PayoutLeg.provider_no, PayoutLeg.state).where(
                PayoutLeg.batch_result_id == row.id
            )
        )
        stands = {(number, state == "succeeded") for number, state in legs}
        lines = list(
            csv.reader(io.StringIO(said.get("result", "").removeprefix("\ufeff"), newline=""))
        )[1:]
        told = {(line[0].strip(), line[1].strip() == "成功") for line in lines if len(line) > 1}
        is_right = said.get("batch_id") == batch_id and stands == told
        yield f"bank result {row.id}", row.approval_id, "bank-batch-result", is_right


def _wechat_days(approvals: dict[int, Approval]) -> Iterator[Effect]:
    query = select(WechatBillDay).where(WechatBillDay.booked_approval_id.is_not(None))
    for row in db.session().scalars(query):
        said = _said(approvals, row.booked_approval_id)
        lines = db.session().execute(
            select(Posting.debit_code, Posting.credit_code, Posting.amount_fen)
            .where(Posting.journal_id == row.journal_id)
            .order_by(Posting.line)
        )
        names = ("debit_code", "credit_code", "amount_fen")
        told = [tuple(each.get(name) for name in names) for each in said.get("lines", [])]
        is_right = (
            said.get("day") == row.day.isoformat() and [tuple(each) for each in lines] == told
        )
        what = f"bill day {row.day}"
        yield what, row.booked_approval_id or 0, "wechat-day-entries", is_right


def _cases(approvals: dict[int, Approval]) -> Iterator[Effect]:
    query = select(PaymentCase).where(PaymentCase.approval_id.is_not(None))
    for case in db.session().scalars(query):
        is_right = _said(approvals, case.approval_id) == {"case_id": case.public_id}
        action = "payment-case-explanation"
        yield f"payment case {case.id}", case.approval_id or 0, action, is_right


def _limits(approvals: dict[int, Approval]) -> Iterator[Effect]:
    rows = db.session().execute(
        select(DepositLimitOverride, Person.public_id).join(
            Person, Person.id == DepositLimitOverride.person_id
        )
    )
    for override, person_id in rows:
        stored = {
            "person_id": person_id,
            "month_on": override.month_on.isoformat(),
            "limit_fen": override.limit_fen,
        }
        is_right = _said(approvals, override.approval_id) == stored
        what = f"deposit limit override {override.id}"
        yield what, override.approval_id, "deposit-limit-override", is_right


def _is_booked(row: ManualJournal, said: dict[str, Any]) -> bool:
    """Whether the journal stands as it was approved: its case, day, lines and people."""
    session = db.session()
    if row.reverses_id is not None:
        original = session.get_one(ManualJournal, row.reverses_id)
        return original.public_id == said.get("manual_journal_id")
    case = (
        None if row.payment_case_id is None else session.get_one(PaymentCase, row.payment_case_id)
    )
    rows = session.execute(
        select(
            Journal.value_on,
            Posting.debit_code,
            Posting.credit_code,
            Posting.amount_fen,
            FundAccount.account_no,
        )
        .join(Journal, Journal.id == Posting.journal_id)
        .outerjoin(SubAccount, SubAccount.id == Posting.sub_account_id)
        .outerjoin(FundAccount, FundAccount.id == SubAccount.account_id)
        .where(Posting.journal_id == row.journal_id)
        .order_by(Posting.line)
    )
    stands = [(day.isoformat(), *line) for day, *line in rows]
    names = ("debit_code", "credit_code", "amount_fen", "account_no")
    wanted = [
        (said.get("value_on"), *(each.get(name) for name in names))
        for each in said.get("lines", [])
    ]
    return stands == wanted and said.get("case_id") == (None if case is None else case.public_id)
