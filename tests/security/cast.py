"""Two districts side by side: in each a depositor, proposals, what waits for people, and a clerk.

Written as rows: whoever asks who sees what begins here. Everything is the same on both sides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app import clock, ids
from app.models import (
    Approval,
    AuditEntry,
    BankBatch,
    Enrolment,
    FundAccount,
    PaymentCase,
    Person,
    StaffAccount,
    WorkItem,
)
from app.rules import duties
from app.services import work_items
from app.services.approval_action import canonical, sha256_of
from app.services.approvals import LIFETIME
from sandbox.desk import Desk
from sandbox.phone import Owner
from tests.house import STARTS_AT, House, somebody
from tests.office import account_id_of, seated
from tests.proposals import SUSPENSE, a_line, a_policy
from tests.reconciled import DAY, a_reconciled_day
from tests.short_cuts import Worker, a_worker, an_order, credit, writing

HERE, THERE = "wuxing", "nanxun"
PLACES = (HERE, THERE, duties.CENTRE)
# Which proposal each role reads, and decides if it decides any.
READS = {
    "counter-clerk": "deposit-limit-override",
    "reviewer": "deposit-limit-override",
    "risk-officer": "deposit-limit-override",
    "accountant": "manual-journal",
    "policy-officer": "policy-version",
    "committee-secretary": "policy-version",
    "security-administrator": "staff-reset",
    "auditor": "deposit-limit-override",
}


@dataclass(frozen=True)
class Things:
    """What there is in one district, by public ids; approvals and items by action."""

    owner: Owner
    openid: str
    person_id: str
    account_no: str
    clerk: Desk
    account_id: str
    case_id: str
    payout_id: str
    batch_id: str
    approvals: Mapping[str, tuple[str, str]]
    items: Mapping[str, str]

    def ids_for(self, role: str) -> dict[str, str]:
        """The things a role deals with, by the places in paths that name them."""
        action = READS[role]
        return {
            "account_id": self.account_id,
            "approval_id": self.approvals[action][0],
            "item_id": self.items[action],
            "case_id": self.case_id,
            "person_id": self.person_id,
            "payout_id": self.payout_id,
            "batch_id": self.batch_id,
            "day": DAY.isoformat(),
        }

    def body_for(self, role: str, body: Mapping[str, object] | None) -> dict[str, object] | None:
        """The body with what is of this district in it."""
        if body is None:
            return None
        real: dict[str, object] = {
            **self.ids_for(role),
            "payload_sha256": self.approvals[READS[role]][1],
        }
        return {name: real.get(name, value) for name, value in body.items() if name != "resubmits"}


def things_in(house: House, district: str, *, owner: Owner | None = None) -> Things:
    """A district with everything in it that a path can name."""
    owner = owner or somebody()
    worker = a_worker(house, owner=owner)
    with writing(house) as session:
        session.execute(
            update(Enrolment)
            .where(Enrolment.person_id == worker.person_id)
            .values(district=district)
        )
    credit(house, worker, 500_000, paid_at=STARTS_AT)
    out_trade_no = an_order(house, worker, 100_000, at=STARTS_AT)
    clerk = seated(house, "counter-clerk", district)
    account_id = account_id_of(clerk)
    makers = {role: seated(house, role) for role in ("accountant", "policy-officer")}
    makers["security-administrator"] = seated(house, "security-administrator")
    makers["counter-clerk"] = clerk
    payout_id = _paid_out(house, clerk, worker)
    with writing(house) as session:
        person = session.get_one(Person, worker.person_id)
        account_no = session.scalars(
            select(FundAccount.account_no).where(FundAccount.person_id == person.id)
        ).one()
        payloads = _payloads(district, person.public_id, account_id)
        rows = {
            action: _proposed(session, makers, district, action, payload, person.id)
            for action, payload in payloads.items()
        }
        case = _case(session, out_trade_no)
        a_reconciled_day(session)
        items = {action: _item_of(session, row) for action, row in rows.items()}
        return Things(
            owner=owner,
            openid=worker.openid,
            person_id=person.public_id,
            account_no=str(account_no),
            clerk=clerk,
            account_id=account_id,
            case_id=case.public_id,
            payout_id=payout_id,
            batch_id=_batch(session, clerk, district),
            approvals={a: (row.public_id, row.payload_sha256) for a, row in rows.items()},
            items=items,
        )


def all_seats(house: House) -> dict[tuple[str, str], Desk]:
    """A desk for each role in each place."""
    return {(role, at): seated(house, role, at) for role in duties.ROLES for at in PLACES}


def _payloads(district: str, person_id: str, account_id: str) -> dict[str, dict[str, Any]]:
    number, day = PLACES.index(district) + 1, f"2026-0{PLACES.index(district) + 4}-01"
    line = a_line(SUSPENSE, "10109", 100, account_no=None)
    return {
        "deposit-limit-override": {
            "person_id": person_id,
            "month_on": "2026-03-01",
            "limit_fen": 900_000,
        },
        "manual-journal": {
            "document_no": f"凭证-{district}",
            "value_on": "2026-03-02",
            "lines": [line],
            "case_id": None,
        },
        "policy-version": {"document": a_policy(f"huzhou-pilot-2026.{number}", day)},
        "staff-reset": {"account_id": account_id},
    }


def _proposed(
    session: Session,
    makers: Mapping[str, Desk],
    district: str,
    action: str,
    payload: dict[str, Any],
    person_id: int,
) -> Approval:
    """A proposal that waits, as its maker left it; in this district, whatever it is about."""
    desk = next(makers[role] for role in makers if role in duties.ACTIONS[action].makers)
    maker = session.scalars(select(StaffAccount).where(StaffAccount.login == desk.login)).one()
    at = clock.now()
    entry = AuditEntry(
        at=at,
        account_id=maker.id,
        role="",
        district=district,
        act=duties.submit_route(action),
        subject="",
        verdict="allowed",
        peer="127.0.0.1",
        request_id="",
    )
    session.add(entry)
    session.flush()
    is_persons = action == "deposit-limit-override"
    row = Approval(
        public_id=ids.new_public_id("apv"),
        action=action,
        district=district,
        depositors=str(person_id) if is_persons else "",
        payload=canonical(payload),
        payload_sha256=sha256_of(canonical(payload)),
        reason="按规定提交",
        maker_account_id=maker.id,
        maker_person_id=maker.staff_person_id,
        submitted_at=at,
        submit_audit_id=entry.id,
        expires_at=at + LIFETIME,
        state="submitted",
    )
    session.add(row)
    session.flush()
    work_items.open_for_approval(row, at=at)
    return row


def _paid_out(house: House, clerk: Desk, worker: Worker) -> str:
    """A withdrawal that two people decided, and that nobody has sent yet."""
    query = select(Person.public_id).where(Person.id == worker.person_id)
    said = {"person_id": house.rows(query)[0][0], "amount_fen": 100}
    proposal = clerk.propose("counter-withdrawal", "本人申请提取", **said)
    done = seated(house, "reviewer").approve(proposal)
    return str(done["result"]["payout_id"])


def _batch(session: Session, desk: Desk, district: str) -> str:
    """A file for the bank, with nothing in it."""
    by = session.scalars(select(StaffAccount.id).where(StaffAccount.login == desk.login)).one()
    row = BankBatch(
        public_id=ids.new_public_id("bat"),
        made_on=STARTS_AT.date(),
        made_at=STARTS_AT,
        made_by=by,
        district=district,
    )
    session.add(row)
    session.flush()
    return row.public_id


def _case(session: Session, out_trade_no: str) -> PaymentCase:
    case = PaymentCase(
        public_id=ids.new_public_id("cas"),
        kind="unconfirmed",
        transaction_id=f"4200{out_trade_no}",
        out_trade_no=out_trade_no,
        differences=[{"field": "amount", "expected": "1", "found": "2"}],
        opened_at=STARTS_AT,
        next_query_at=STARTS_AT + timedelta(days=1),
    )
    session.add(case)
    session.flush()
    work_items.open_for_case(case, at=STARTS_AT)
    return case


def _item_of(session: Session, row: Approval) -> str:
    return str(
        session.scalars(select(WorkItem.public_id).where(WorkItem.approval_id == row.id)).one()
    )
