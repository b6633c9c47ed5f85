"""A day at the centre on which every route of the staff's is called, and every answer kept.

Whoever works or saves there bears a name found nowhere else: where it turns up, it leaked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from app.rules import duties
from sandbox.desk import Desk
from sandbox.phone import Owner, Phone, Problem
from tests.api.asking import MADE_UP, token_of
from tests.api.canaries import Witness
from tests.house import House, somebody
from tests.office import account_id_of, activation_code, seated
from tests.proposals import (
    FLEXIBLE,
    SUSPENSE,
    a_journal,
    a_limit,
    a_line,
    a_newer_text,
    a_policy,
    account_no_of,
    person_id_of,
    suspend,
)
from tests.reconciled import a_reconciled_day
from tests.short_cuts import writing

DEPOSITOR, STAFF, NEWCOMER = "欧阳灵溪", "司马云舒", "上官若水"
REASON = "来电核对预留手机号"


@dataclass(frozen=True)
class Day:
    """Who was there, what every desk was answered, and what nobody may find."""

    depositor: Phone
    person_id: str
    desks: dict[str, Desk]
    newcomer: Desk
    witness: Witness
    secrets: dict[str, str]


def office_day(house: House) -> Day:
    """The day is over; every route was answered well at least once, and refused in each way."""
    depositor = house.worker(somebody(name=DEPOSITOR))
    house.deposit(depositor, 100_000)
    owners = {role: somebody(name=STAFF) for role in duties.ROLES}
    desks = {role: seated(house, role, owner=owner) for role, owner in owners.items()}
    second = seated(house, "security-administrator", owner=somebody(name=STAFF))
    newcomer, hired = Desk(house.api, house.sandbox, "new.comer"), somebody(name=NEWCOMER)
    witness = Witness(depositor)
    for desk in (*desks.values(), second, newcomer):
        witness.watch(desk)
    day = Day(
        depositor=depositor,
        person_id=person_id_of(house, depositor.owner),
        desks=desks,
        newcomer=newcomer,
        witness=witness,
        secrets=_secrets(depositor, {**owners, "newcomer": hired}),
    )
    _staff(day, second, hired)
    _rules(day)
    _books(house, day)
    _payouts(house, day)
    _bills(house, day)
    _depositors(day)
    _refusals(day)
    _records(day)
    return day


def _secrets(depositor: Phone, owners: dict[str, Owner]) -> dict[str, str]:
    found = {
        "depositor's phone": depositor.owner.phone,
        "depositor's openid": depositor.wechat.openid,
        "depositor's token": token_of(depositor),
    }
    for who, owner in {"depositor": depositor.owner, **owners}.items():
        found |= {f"{who}'s name": owner.name, f"{who}'s ID number": owner.id_number}
    return found


def _staff(day: Day, second: Desk, hired: Owner) -> None:
    """Somebody is hired, comes in, is moved, and leaves."""
    first, new = day.desks["security-administrator"], day.newcomer
    who = {"login": new.login, "name": hired.name, "id_number": hired.id_number}
    place = {"role": "reviewer", "district": "nanxun"}
    done = second.approve(first.propose("staff-account", "新到岗", **who, **place))
    account = {"account_id": done["result"]["account_id"]}
    code = activation_code(first, second, account["account_id"])
    new.activate(code)
    new.sign_in()
    new.reauthenticate()
    new.get("/me")
    day.secrets.update(
        {
            "activation code": code,
            "password": new.password,
            "TOTP secret": new.secret,
            "staff token": token_of(new),
        }
    )
    new.call("DELETE", "/v1/staff/sessions/current")
    moved = {**account, "role": "auditor", "district": "wuxing"}
    second.approve(first.propose("staff-assignment", "转岗", **moved))
    second.decide(first.propose("staff-reset", "忘记密码", **account), "reject", "已当面核实")
    first.post(f"/accounts/{account['account_id']}/disablement", {"reason": "离职"})
    first.get("/accounts")


def _rules(day: Day) -> None:
    """A policy is proposed and approved, a text proposed and rejected."""
    officer, secretary = day.desks["policy-officer"], day.desks["committee-secretary"]
    document = a_policy("huzhou-pilot-2026.1", "2026-04-01")
    officer.post("/policies/check", {"document": document})
    secretary.approve(officer.propose("policy-version", "提高最高额度", document=document))
    text = a_newer_text(number=2, effective_on="2026-04-01")
    proposal = officer.propose("agreement-template", "换新版", text=text)
    secretary.decide(proposal, "reject", "再议")
    officer.get("/policies")


def _books(house: House, day: Day) -> None:
    """Money nobody could explain is put where it belongs, and taken back again."""
    accountant, reviewer = day.desks["accountant"], day.desks["reviewer"]
    case_id = suspend(house, day.depositor, 77_700)
    item = accountant.get("/work-items", kind="payment-case", sort="newest", limit=1)["items"][0]
    accountant.call("PUT", f"/v1/staff/work-items/{item['item_id']}/owner")
    accountant.get(f"/payment-cases/{case_id}")
    accountant.call("DELETE", f"/v1/staff/work-items/{item['item_id']}/owner")
    line = a_line(SUSPENSE, FLEXIBLE, 77_700, account_no=account_no_of(day.depositor))
    proposal = accountant.propose("manual-journal", "查明", **a_journal(line, case_id=case_id))
    done = reviewer.approve(proposal)
    journal = {"manual_journal_id": done["result"]["manual_journal_id"], "document_no": "红字-1"}
    reviewer.approve(accountant.propose("manual-journal-reversal", "记错", **journal))
    accountant.get("/manual-journals")


def _payouts(house: House, day: Day) -> None:
    """Suspended money goes back, a depositor withdraws, and the bank pays what WeChat cannot."""
    clerk, accountant = day.desks["counter-clerk"], day.desks["accountant"]
    reviewer, account_no = day.desks["reviewer"], account_no_of(day.depositor)
    case_id = suspend(house, day.depositor, 5_500)
    reviewer.approve(accountant.propose("suspense-return", "非缴存款", case_id=case_id))
    line = a_line(SUSPENSE, FLEXIBLE, 40_000, account_no=account_no)
    other = suspend(house, day.depositor, 40_000)
    reviewer.approve(accountant.propose("manual-journal", "查明", **a_journal(line, case_id=other)))
    said = {"person_id": day.person_id, "amount_fen": 120_000}
    card = {"card": "6222020200112233446", "bank": "中国工商银行湖州分行"}
    day.secrets["card"] = card["card"]
    done = reviewer.approve(clerk.propose("counter-withdrawal", "本人提取", **said, **card))
    payout_id = done["result"]["payout_id"]
    clerk.get(f"/payouts/{payout_id}")
    with pytest.raises(Problem):  # nothing of it waits for its payee
        clerk.post(f"/payouts/{payout_id}/cancellation")
    batch_id = accountant.post("/bank-batches")["batch_id"]
    accountant.get("/bank-batches")
    accountant._http.get(
        f"{accountant._api}/v1/staff/bank-batches/{batch_id}.csv", timeout=30
    ).raise_for_status()
    accountant.get("/wechat-funds")
    [number] = [
        leg["provider_no"]
        for leg in clerk.get(f"/payouts/{payout_id}")["legs"]
        if leg["channel"] == "bank"
    ]
    head = "指令号,结果,金额（元）,支付日期,失败原因"
    result = f"{head}\n{number},失败,200.00,,户名不符"
    told = {"batch_id": batch_id, "result": result}
    reviewer.approve(accountant.propose("bank-batch-result", "银行回单", **told))

    day.depositor.deposit(45_000, notify=False)
    differs = {"overrides": {"amount_total": 1}}
    house.send_notice(house.play(f"orders/{house.out_trade_no()}/notice", differs))
    [item] = accountant.get("/work-items", kind="payment-case", sort="newest", limit=1)["items"]
    explained = {"case_id": item["target_id"]}
    reviewer.approve(accountant.propose("payment-case-explanation", "通知有误", **explained))
    house.run_job("follow-up-payments")


def _bills(house: House, day: Day) -> None:
    """A day of WeChat's bills is looked at, and its fee booked."""
    with writing(house) as session:
        on = a_reconciled_day(session)
    accountant = day.desks["accountant"]
    accountant.get("/bill-days")
    accountant.get(f"/bill-days/{on}")
    proposal = accountant.propose("wechat-day-entries", "手续费入账", day=on)
    day.desks["reviewer"].approve(proposal)


def _depositors(day: Day) -> None:
    """A depositor is looked up in every way, unmasked, and may deposit more in one month."""
    clerk, owner = day.desks["counter-clerk"], day.depositor.owner
    masked = {
        "masked_id_number": f"{owner.id_number[0]}{'*' * 16}{owner.id_number[-1]}",
        "masked_phone": f"{owner.phone[:3]}****{owner.phone[-4:]}",
    }
    keys = {"id_number": owner.id_number}, {"account_no": account_no_of(day.depositor)}, masked
    for each in keys:
        assert [line["person_id"] for line in clerk.post("/people/search", each)] == [day.person_id]
    clerk.get(f"/people/{day.person_id}")
    clerk.get(f"/people/{day.person_id}/postings")
    wanted = {"fields": ["name", "id_number", "phone"], "reason": REASON}
    clerk.post(f"/people/{day.person_id}/unmask", wanted)
    proposal = clerk.propose("deposit-limit-override", "年终奖", **a_limit(day.person_id))
    day.desks["risk-officer"].approve(proposal)


def _refusals(day: Day) -> None:
    """What is refused tells nothing either: it is sent the very names it must not repeat."""
    first, clerk = day.desks["security-administrator"], day.desks["counter-clerk"]
    owner = day.depositor.owner
    known = {"name": owner.name, "id_number": owner.id_number}
    place = {"role": "reviewer", "district": "nowhere"}
    name = owner.name
    wrong: tuple[tuple[int, Callable[[], Any]], ...] = (
        (401, lambda: day.newcomer.get("/me")),
        (401, day.newcomer.sign_in),
        (403, lambda: clerk.get("/audit")),
        (404, lambda: clerk.get(f"/people/{MADE_UP['person_id']}")),
        (422, lambda: clerk.post("/people/search", {**known, "phone": owner.phone})),
        (422, lambda: clerk.post(f"/people/{day.person_id}/unmask", {"fields": [name]})),
        (422, lambda: first.propose("staff-account", name, login="x", **known, **place)),
        (
            409,
            lambda: [first.propose("staff-reset", "忘记密码", account_id=a) for a in _twice(clerk)],
        ),
    )
    for status, act in wrong:
        with pytest.raises(Problem) as found:
            act()
        assert found.value.status == status


def _records(day: Day) -> None:
    """Lists, pages and the file of the record, after all that has happened."""
    auditor = day.desks["auditor"]
    for path in (
        "/approvals",
        "/work-items",
        "/audit",
        "/manual-journals",
        "/accounts",
        "/payouts",
    ):
        page = auditor.get(path, limit=2)
        while page["next_cursor"]:
            page = auditor.get(path, limit=2, cursor=page["next_cursor"])
    for line in auditor.get("/approvals", limit=100)["items"]:
        auditor.get(f"/approvals/{line['approval_id']}")
    for state in ("closed", "open"):
        auditor.get("/work-items", state=state)
    auditor._http.get(
        f"{auditor._api}/v1/staff/audit.csv",
        params={"from": "2026-03-01", "to": "2026-03-02"},
        timeout=30,
    )


def _twice(desk: Desk) -> list[str]:
    return [account_id_of(desk)] * 2
