"""An accountant's own journals, and their reversals: each proposed, approved, posted once (W5).

With `case_id`, money that stood in suspense is put where it belongs and its case is resolved; the
reversal of such a journal puts it back and opens the case again.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from unicodedata import normalize

from sqlalchemy import select

from app import clock, ids, vault
from app.db import db
from app.errors import Unacceptable
from app.ledger import chart, entries
from app.ledger.posting import Line
from app.models import (
    FundAccount,
    Journal,
    ManualJournal,
    PaymentCase,
    Person,
    Posting,
    SubAccount,
    WechatPayment,
)
from app.money import yuan
from app.services import work_items
from app.services.approval_action import Action, Decision, Payload, Proposal
from app.services.suspense import open_return_of, open_suspended_case

RESOLUTION = "manual-journal"
_LEAVES = {each.code: each for each in chart.CHART}
_SUMS = {each.parent_code for each in chart.CHART}


# --- the action: a journal ---


def _prepare(payload: Payload, at: datetime) -> Proposal:
    """`document_no`, `value_on`, `lines` of two accounts and an amount, perhaps a `case_id`."""
    value_on = date.fromisoformat(payload["value_on"])
    payload = {**payload, "document_no": _document_no(payload["document_no"])}
    problems = _document_problems(payload["document_no"])
    if value_on > clock.day_of(at):
        problems["value_on"] = ["起息日不能晚于今天。"]
    depositors: set[int] = set()
    for number, line in enumerate(payload["lines"]):
        found, owner = _line_problems(line, value_on)
        problems |= {f"lines[{number}].{name}": why for name, why in found.items()}
        depositors |= {owner} if owner is not None else set()
    if not payload["lines"]:
        problems["lines"] = ["至少一行。"]
    problems |= _case_problems(payload)
    if problems:
        raise Unacceptable(fields=problems)
    return Proposal(payload=dict(payload), depositor_ids=tuple(sorted(depositors)))


def _apply(payload: Payload, decision: Decision) -> dict[str, Any]:
    """The journal stands in the books; the case it resolves is closed."""
    case = open_suspended_case(payload.get("case_id"))
    row = ManualJournal(
        public_id=ids.new_public_id("mjn"),
        approval_id=decision.approval_id,
        document_no=payload["document_no"],
        payment_case_id=None if case is None else case.id,
    )
    db.session().add(row)
    db.session().flush()
    journal = entries.manual_journal(
        row,
        lines=[_line(line) for line in payload["lines"]],
        value_on=date.fromisoformat(payload["value_on"]),
        actor=decision.actor,
        at=decision.at,
    )
    row.journal_id = journal.id
    if case is not None:
        case.resolved_at, case.resolution = decision.at, RESOLUTION
        work_items.close(case_id=case.id, at=decision.at)
    return {"manual_journal_id": row.public_id, "document_no": row.document_no}


def _in_words(payload: Payload) -> list[str]:
    case = payload.get("case_id")
    return [
        f"原始凭证 {payload['document_no']}，起息日 {payload['value_on']}。",
        *(_line_in_words(line) for line in payload["lines"]),
        *([f"同时办结待查款项 {case}。"] if case else []),
    ]


# --- the action: its reversal ---


def _prepare_reversal(payload: Payload, at: datetime) -> Proposal:
    """`manual_journal_id` of a journal that stands, and the reversal's own `document_no`."""
    payload = {**payload, "document_no": _document_no(payload["document_no"])}
    problems = _document_problems(payload["document_no"])
    original = _manual_journal(payload["manual_journal_id"])
    if original is None or original.reverses_id is not None or _reversal_of(original) is not None:
        problems["manual_journal_id"] = ["没有这张手工凭证，或它已被冲正，或它本身是冲正凭证。"]
    if problems or original is None:
        raise Unacceptable(fields=problems)
    owners = db.session().scalars(
        select(FundAccount.person_id)
        .join(SubAccount, SubAccount.account_id == FundAccount.id)
        .join(Posting, Posting.sub_account_id == SubAccount.id)
        .where(Posting.journal_id == original.journal_id)
        .distinct()
    )
    return Proposal(payload=dict(payload), depositor_ids=tuple(sorted(owners)))


def _apply_reversal(payload: Payload, decision: Decision) -> dict[str, Any]:
    """The mirror image stands in the books; a case the journal resolved is open again."""
    session = db.session()
    original = _manual_journal(payload["manual_journal_id"])
    assert original is not None  # prepared a moment ago  # noqa: S101
    row = ManualJournal(
        public_id=ids.new_public_id("mjn"),
        approval_id=decision.approval_id,
        document_no=payload["document_no"],
        reverses_id=original.id,
    )
    session.add(row)
    session.flush()
    wrong = session.get_one(Journal, original.journal_id)
    row.journal_id = entries.manual_journal_reversed(
        row, of=wrong, lines=_mirrored(wrong.id), actor=decision.actor, at=decision.at
    ).id
    if original.payment_case_id is not None:
        case = session.get_one(PaymentCase, original.payment_case_id, with_for_update=True)
        case.resolved_at = case.resolution = None
        work_items.open_for_case(case, at=decision.at)
    return {"manual_journal_id": row.public_id, "document_no": row.document_no}


def _reversal_in_words(payload: Payload) -> list[str]:
    original = _manual_journal(payload["manual_journal_id"])
    if original is None or original.journal_id is None:
        return []
    mirrored = [
        _line_in_words(vars(line) | {"account_no": _account_no(line.sub_account_id)})
        for line in _mirrored(original.journal_id)
    ]
    return [f"冲正凭证 {original.document_no}，按原起息日红字冲回：", *mirrored]


# --- reading the payload ---


def _document_no(written: str) -> str:
    """The number as it is kept: full-width letters and blanks around it make no other paper."""
    return normalize("NFKC", written).strip()


def _document_problems(document_no: str) -> dict[str, list[str]]:
    if not document_no or not all(each.isalnum() or each in "-_/.()" for each in document_no):
        return {"document_no": ["应由文字、数字和 - _ / . ( ) 组成，不含空格和不可见字符。"]}
    used = db.session().scalar(
        select(ManualJournal.id).where(ManualJournal.document_no == document_no)
    )
    return {} if used is None else {"document_no": ["该原始凭证号已入账，不能重复使用。"]}


def _line_problems(line: Payload, value_on: date) -> tuple[dict[str, list[str]], int | None]:
    """What is wrong with a line, and whose money it moves."""
    codes = (line["debit_code"], line["credit_code"])
    problems: dict[str, list[str]] = {
        name: ["不是可记账的末级科目。"]
        for name, code in zip(("debit_code", "credit_code"), codes, strict=True)
        if code not in _LEAVES or code in _SUMS
    }
    if codes[0] == codes[1]:
        problems["credit_code"] = ["借方和贷方不能是同一科目。"]
    personal = [code for code in codes if code in chart.PERSONAL_CODES]
    if len(personal) == 2:
        problems["credit_code"] = ["一行只能涉及一个个人账户，请拆成两行。"]
    if bool(personal) != (line.get("account_no") is not None):
        problems["account_no"] = ["涉及个人资金科目时必填，否则不填。"]
    if problems or not personal:
        return problems, None
    account = _account(line["account_no"])
    if account is None or account.closed_on is not None:
        return {"account_no": ["没有这个账户，或账户已销户。"]}, None
    if value_on < account.opened_on:
        return {"account_no": [f"账户于 {account.opened_on} 开立，起息日不能早于开户日。"]}, None
    return {}, account.person_id


def _case_problems(payload: Payload) -> dict[str, list[str]]:
    """A case is resolved by taking exactly its money out of suspense; nothing else touches it."""
    touched = {line[side] for line in payload["lines"] for side in ("debit_code", "credit_code")}
    if payload.get("case_id") is None:
        hint = f"涉及 {chart.SUSPENSE} 待查收款时必填：请写明要办结的待查款项。"
        return {"case_id": [hint]} if chart.SUSPENSE in touched else {}
    case = open_suspended_case(payload["case_id"])
    payment = None if case is None else db.session().get(WechatPayment, case.payment_id)
    if case is None or payment is None:
        return {"case_id": ["没有这笔待查款项，或已办结。"]}
    if open_return_of(case.id) is not None:
        return {"case_id": ["这笔款项正在退回付款人。"]}
    taken = sum(
        line["amount_fen"] for line in payload["lines"] if line["debit_code"] == chart.SUSPENSE
    )
    put_in = {line["credit_code"] for line in payload["lines"]}
    if taken != payment.amount_fen or chart.SUSPENSE in put_in:
        hint = f"应从 {chart.SUSPENSE} 借方转出该笔款项的全额 {yuan(payment.amount_fen)}元。"
        return {"case_id": [hint]}
    return {}


def _line(line: Payload) -> Line:
    sub_account_id = None
    if line.get("account_no") is not None:
        account = _account(line["account_no"])
        assert account is not None  # prepared a moment ago  # noqa: S101
        sub_account_id = db.session().scalar(
            select(SubAccount.id).where(
                SubAccount.account_id == account.id,
                SubAccount.control_code.in_((line["debit_code"], line["credit_code"])),
            )
        )
    return Line(line["debit_code"], line["credit_code"], line["amount_fen"], sub_account_id)


def _mirrored(journal_id: int) -> Sequence[Line]:
    rows = db.session().scalars(
        select(Posting).where(Posting.journal_id == journal_id).order_by(Posting.line)
    )
    return [
        Line(each.credit_code, each.debit_code, each.amount_fen, each.sub_account_id)
        for each in rows
    ]


def _line_in_words(line: Payload) -> str:
    debit, credit = (_LEAVES[line[side]] for side in ("debit_code", "credit_code"))
    said = f"借 {debit.code} {debit.name}，贷 {credit.code} {credit.name}，"
    said += f"{yuan(line['amount_fen'])}元"
    account = None if line.get("account_no") is None else _account(line["account_no"])
    if account is None:
        return f"{said}。"
    owner = db.session().get_one(Person, account.person_id)
    return f"{said}；个人账户 {account.account_no}（{vault.masked_name(owner.name)}）。"


def _account_no(sub_account_id: int | None) -> str | None:
    return db.session().scalar(
        select(FundAccount.account_no)
        .join(SubAccount, SubAccount.account_id == FundAccount.id)
        .where(SubAccount.id == sub_account_id)
    )


def _account(account_no: str) -> FundAccount | None:
    query = select(FundAccount).where(FundAccount.account_no == account_no)
    return db.session().scalars(query).one_or_none()


def _manual_journal(public_id: str) -> ManualJournal | None:
    query = select(ManualJournal).where(ManualJournal.public_id == public_id)
    return db.session().scalars(query).one_or_none()


def _reversal_of(row: ManualJournal) -> int | None:
    return db.session().scalar(select(ManualJournal.id).where(ManualJournal.reverses_id == row.id))


ENTRY = Action(prepare=_prepare, apply=_apply, in_words=_in_words)
REVERSAL = Action(prepare=_prepare_reversal, apply=_apply_reversal, in_words=_reversal_in_words)
