"""Whom each route is called by when its own refusals are not the subject, and with what.

A new staff route has no line in `STAFF_BODIES` yet: the tests that walk the route map fail there.
"""

from __future__ import annotations

from typing import Any

from app.rules import duties
from sandbox.desk import Desk
from sandbox.phone import Phone
from tests.api.asking import MADE_UP, Route, routes, token_of
from tests.house import House
from tests.office import seated

SHA256 = "a" * 64
REASON = "例行核对"
PROPOSED: dict[str, object] = {"reason": REASON, "resubmits": MADE_UP["approval_id"]}
PLACE: dict[str, object] = {"role": "reviewer", "district": "wuxing"}
LINE = {"debit_code": "21901", "credit_code": "10109", "amount_fen": 100}

# A well-formed body for each staff route, None where there is none; every field it may have.
STAFF_BODIES: dict[str, dict[str, object] | None] = {
    "staff-sessions.activate": {
        "login": "nobody.here",
        "activation_code": "c" * 20,
        "password": "Zx7-correct-horse-battery",
    },
    "staff-sessions.sign_in": {"login": "nobody.here", "password": "p" * 20, "totp": "000000"},
    "staff-sessions.reauthenticate": {"password": "p" * 20, "totp": "000000"},
    "staff-sessions.sign_out": None,
    "staff-sessions.me": None,
    "staff-accounts.accounts": None,
    "staff-accounts.activation_code": None,
    "staff-accounts.disable": {"reason": REASON},
    "proposals.propose_staff_account": {
        **PROPOSED,
        **PLACE,
        "login": "somebody.new",
        "name": "李大力",
        "id_number": "330502199001010011",
    },
    "proposals.propose_staff_assignment": {
        **PROPOSED,
        **PLACE,
        "account_id": MADE_UP["account_id"],
    },
    "proposals.propose_staff_reset": {**PROPOSED, "account_id": MADE_UP["account_id"]},
    "proposals.propose_policy_version": {**PROPOSED, "document": "code = 'x'"},
    "proposals.propose_agreement_template": {**PROPOSED, "text": "+++\n+++\n"},
    "proposals.propose_manual_journal": {
        **PROPOSED,
        "document_no": "凭证-1",
        "value_on": "2026-03-02",
        "lines": [LINE],
        "case_id": MADE_UP["case_id"],
    },
    "proposals.propose_manual_journal_reversal": {
        **PROPOSED,
        "manual_journal_id": "mjn_" + "0" * 26,
        "document_no": "凭证-1",
    },
    "proposals.propose_wechat_day_entries": {**PROPOSED, "day": "2026-03-01"},
    "proposals.propose_deposit_limit_override": {
        **PROPOSED,
        "person_id": MADE_UP["person_id"],
        "month_on": "2026-03-01",
        "limit_fen": 900_000,
    },
    "proposals.propose_suspense_return": {**PROPOSED, "case_id": MADE_UP["case_id"]},
    "proposals.propose_payment_case_explanation": {**PROPOSED, "case_id": MADE_UP["case_id"]},
    "proposals.propose_counter_withdrawal": {
        **PROPOSED,
        "person_id": MADE_UP["person_id"],
        "amount_fen": 100,
        "card": "6222020200112233446",
        "bank": "中国工商银行湖州分行",
    },
    "proposals.propose_bank_batch_result": {
        **PROPOSED,
        "batch_id": MADE_UP["batch_id"],
        "result": "指令号,结果,金额（元）,支付日期,失败原因",
    },
    "payouts.list_payouts": None,
    "payouts.payout": None,
    "payouts.cancel": None,
    "payouts.make_batch": None,
    "payouts.list_batches": None,
    "payouts.batch_file": None,
    "payouts.funds": None,
    "approvals.list_approvals": None,
    "approvals.one_approval": None,
    "approvals.approve": {"payload_sha256": SHA256, "reason": REASON},
    "approvals.reject": {"payload_sha256": SHA256, "reason": REASON},
    "work-items.list_items": None,
    "work-items.take": None,
    "work-items.let_go": None,
    "work-items.payment_case": None,
    "people.search": {"id_number": "330502199001010011"},
    "people.person": None,
    "people.postings": None,
    "people.unmask": {"fields": ["name"], "reason": REASON},
    "manual-journals.journals": None,
    "bill-days.list_days": None,
    "bill-days.bill_day": None,
    "staff-policies.versions": None,
    "staff-policies.check": {"document": "code = 'x'"},
    "audit.entries": None,
    "audit.export": None,
}
# Every parameter of each route that reads a query, well-formed.
STAFF_QUERIES = {
    "staff-accounts.accounts": "limit=1",
    "approvals.list_approvals": "limit=1&state=submitted&action=staff-reset",
    "work-items.list_items": "limit=1&state=open&kind=approval&sort=newest",
    "people.postings": "limit=1&before_seq=9",
    "manual-journals.journals": "limit=1",
    "payouts.list_payouts": "limit=1&state=open",
    "payouts.list_batches": "limit=1",
    "bill-days.list_days": "limit=1",
    "audit.entries": (
        "limit=1&from=2026-03-01&to=2026-03-02&login=nobody.here&subject=per_1&request_id=1"
    ),
    "audit.export": "from=2026-03-01&to=2026-03-02",
}
# The lists that are read page by page with a cursor.
LISTS = (
    "staff-accounts.accounts",
    "approvals.list_approvals",
    "work-items.list_items",
    "manual-journals.journals",
    "payouts.list_payouts",
    "payouts.list_batches",
    "bill-days.list_days",
    "audit.entries",
)
SIGN_OUT = "staff-sessions.sign_out"


class Callers:
    """Who calls which route: the member his own, and for staff's a desk in a role that may."""

    def __init__(self, house: House, member: Phone | None = None) -> None:
        self._house, self.member = house, member
        roles = {first_role(each) for each in staff_routes(house)}
        self._desks = {role: seated(house, role) for role in sorted(roles)}

    def of(self, route: Route) -> Phone | Desk | None:
        """The caller; a desk at the centre, which has just given password and code."""
        if route.guard != "staff":
            return self.member
        if route.endpoint == SIGN_OUT:
            return self.somebody_new(route)
        return self._desks[first_role(route)]

    def somebody_new(self, route: Route) -> Desk:
        """A desk of its own in a role that may call the route."""
        return seated(self._house, first_role(route))


def first_role(route: Route) -> str:
    """The first of the roles that the duties let call the route."""
    return next(role for role in duties.ROLES if duties.may_call(role, str(route)))


def staff_routes(house: House) -> list[Route]:
    """Every route for signed-in staff."""
    return routes(house, guard="staff")


def bearer(holder: Phone | Desk) -> dict[str, Any]:
    """The header that says who asks."""
    return {"Authorization": f"Bearer {token_of(holder)}"}
