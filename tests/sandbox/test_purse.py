"""Where the merchant's money lies, and when it leaves for the bank."""

import sqlite3
from collections.abc import Iterator

import pytest

from sandbox.books import Books
from sandbox.purse import BASIC, OPERATION, NotEnough, Reason, available, put, take, unsettled
from tests.sandbox.bill_reader import bill_of, instant, paid_on, set_clock
from tests.sandbox.merchant import Merchant, Phone
from tests.sandbox.refunding import NOON, basic, call, refund, refund_body, top_up

NOON_S = instant(NOON)


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    books = Books(":memory:")
    with books.open() as db:
        yield db
    books.close()


def _reason(kind: str = "充值", number: str = "N1") -> Reason:
    return Reason(number, kind, kind, "V1")


def _settled(phone: Phone) -> dict[str, int]:
    found = phone.control("GET", "/settlements").json()["settlements"]
    return {each["day"]: each["fen"] for each in found}


def test_what_came_today_is_unsettled_until_midnight_and_at_the_bank_at_three(
    phone: Phone,
) -> None:
    set_clock(phone, NOON)
    paid_on(phone, 30000, NOON)

    seen = [basic(phone)]
    for moment in ("2026-03-01T23:59:50", "2026-03-02T00:00:00", "2026-03-02T02:59:50"):
        set_clock(phone, moment)
        seen.append(basic(phone))
    before = _settled(phone)
    set_clock(phone, "2026-03-02T03:00:00")

    assert seen == [(0, 30000), (0, 30000), (30000, 0), (30000, 0)]
    assert before == {}
    assert basic(phone) == (0, 0)
    assert _settled(phone) == {"2026-03-01": 30000}


def test_every_day_is_settled_once_and_in_order_however_late_somebody_looks(phone: Phone) -> None:
    set_clock(phone, "2026-03-04T12:00:00")
    paid_on(phone, 100, "2026-03-01T09:00:00")
    paid_on(phone, 20, "2026-03-02T02:00:00")
    paid_on(phone, 3, "2026-03-04T01:00:00")

    first, again = _settled(phone), _settled(phone)
    paid_on(phone, 7, "2026-03-01T10:00:00")
    late = basic(phone)
    set_clock(phone, "2026-03-05T04:00:00")

    assert first == again == {"2026-03-01": 100, "2026-03-02": 20, "2026-03-03": 0}
    assert late == (7, 3)
    assert _settled(phone) == first | {"2026-03-04": 10}


def test_what_shall_be_retained_stays_and_no_more(phone: Phone) -> None:
    set_clock(phone, NOON)
    paid_on(phone, 30000, NOON)
    phone.control("PUT", "/merchant", {"retained_fen": 10000})
    set_clock(phone, "2026-03-02T12:00:00")
    paid_on(phone, 500, "2026-03-02T12:00:00")

    first = basic(phone)
    set_clock(phone, "2026-03-03T12:00:00")
    second = basic(phone)
    phone.control("PUT", "/merchant", {"retained_fen": 0})
    set_clock(phone, "2026-03-04T12:00:00")

    assert (first, second, basic(phone)) == ((10000, 500), (10000, 0), (0, 0))
    assert list(_settled(phone).values()) == [20000, 500, 10000]


def test_what_was_topped_up_stays_until_refunds_have_used_it(phone: Phone) -> None:
    set_clock(phone, NOON)
    number, _ = paid_on(phone, 30000, NOON)
    top_up(phone, "BASIC", 5000)
    set_clock(phone, "2026-03-02T12:00:00")
    overnight = basic(phone)

    phone.control("PUT", "/refunds/plan", {"outcome": "CLOSED", "takes_s": 60})
    answer = refund(phone, refund_body(number, 4000))
    out = basic(phone)
    set_clock(phone, "2026-03-03T12:00:00")

    assert overnight == (5000, 0)
    assert answer.status_code == 200
    assert out == (1000, 0)
    # It came back as what it was: topped up, so that the night left it where it lay.
    assert basic(phone) == (5000, 0)
    assert _settled(phone) == {"2026-03-01": 30000, "2026-03-02": 0}


@pytest.mark.parametrize(
    ("rate_bp", "total", "fee"),
    [(0, 100, 0), (60, 30000, 180), (60, 75, 0), (20, 250, 1), (1, 1, 0)],
)
def test_the_fee_leaves_with_the_payment_rounded_half_up(
    phone: Phone, rate_bp: int, total: int, fee: int
) -> None:
    set_clock(phone, NOON)
    told = phone.control("PUT", "/merchant", {"fee_rate_bp": rate_bp}).json()
    paid_on(phone, total, NOON)

    assert told == {"fee_rate_bp": rate_bp, "retained_fen": 0}
    assert basic(phone) == (0, total - fee)


def test_a_stray_payment_is_collected_too(phone: Phone) -> None:
    phone.control("POST", "/stray-payments", {"openid": phone.openid, "amount": 77})

    assert sum(basic(phone)) == 77


def test_the_merchant_asks_for_its_balances(merchant: Merchant, phone: Phone) -> None:
    set_clock(phone, NOON)
    paid_on(phone, 30000, NOON)
    top_up(phone, "BASIC", 11)
    top_up(phone, "OPERATION", 500)

    answers = {
        account: call(phone, "GET", f"/v3/merchant/fund/balance/{account}")
        for account in ("BASIC", "OPERATION", "FEES")
    }

    assert all(merchant.believes(each.headers, each.content) for each in answers.values())
    assert {account: each.json() for account, each in answers.items()} == {
        "BASIC": {"available_amount": 11, "pending_amount": 30000},
        "OPERATION": {"available_amount": 500, "pending_amount": 0},
        "FEES": {"available_amount": 0, "pending_amount": 0},
    }


def test_the_balance_at_the_end_of_a_day_is_what_it_was(phone: Phone) -> None:
    set_clock(phone, "2026-03-03T12:00:00")
    paid_on(phone, 30000, "2026-03-01T12:00:00")
    paid_on(phone, 5, "2026-03-02T12:00:00")
    path = "/v3/merchant/fund/dayendbalance/BASIC?date="

    found = {
        day: call(phone, "GET", f"{path}2026-{day}").json() for day in ("02-28", "03-01", "03-02")
    }

    assert found == {
        "02-28": {"available_amount": 0, "pending_amount": 0},
        "03-01": {"available_amount": 0, "pending_amount": 30000},
        "03-02": {"available_amount": 0, "pending_amount": 5},
    }


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("balance/basic", "PARAM_ERROR"),
        ("balance/DEPOSIT", "PARAM_ERROR"),
        ("dayendbalance/DEPOSIT?date=2026-02-28", "PARAM_ERROR"),
        ("dayendbalance/BASIC", "PARAM_ERROR"),
        ("dayendbalance/BASIC?date=2026-2-28", "PARAM_ERROR"),
        ("dayendbalance/BASIC?date=2026-03-01", "INVALID_REQUEST"),
    ],
)
def test_a_balance_nobody_keeps_is_refused(phone: Phone, path: str, code: str) -> None:
    set_clock(phone, NOON)

    answer = call(phone, "GET", f"/v3/merchant/fund/{path}")

    assert (answer.status_code, answer.json()["code"]) == (400, code)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/balances/top-up", {"account": "FEES", "amount": 1}),
        ("POST", "/balances/top-up", {"account": "BASIC", "amount": 0}),
        ("PUT", "/merchant", {"fee_rate_bp": 10001}),
        ("PUT", "/merchant", {"retained_fen": -1}),
    ],
)
def test_a_tester_who_asks_for_nonsense_is_told(
    phone: Phone, method: str, path: str, body: dict[str, object]
) -> None:
    answer = phone.control(method, path, body)

    assert (answer.status_code, answer.json()["error"]) == (400, "field-wrong")
    assert basic(phone) == (0, 0)


def test_one_account_does_not_pay_for_another(db: sqlite3.Connection) -> None:
    put(db, BASIC, fen=100, at_s=NOON_S, reason=_reason())
    put(db, OPERATION, fen=30, at_s=NOON_S, reason=_reason(number="N2"))

    with pytest.raises(NotEnough):
        take(db, OPERATION, fen=31, at_s=NOON_S, reason=_reason("转账", "N3"))
    take(db, OPERATION, fen=30, at_s=NOON_S, reason=_reason("转账", "N3"))

    assert available(db, OPERATION, at_s=NOON_S) == 0
    assert available(db, BASIC, at_s=NOON_S) == 100


def test_a_purse_gives_its_last_fen_and_no_further_one(db: sqlite3.Connection) -> None:
    put(db, BASIC, fen=100, at_s=NOON_S, reason=_reason())
    take(db, BASIC, fen=100, at_s=NOON_S, reason=_reason("退款", "N2"))

    with pytest.raises(NotEnough):
        take(db, BASIC, fen=1, at_s=NOON_S, reason=_reason("退款", "N3"))

    assert (available(db, BASIC, at_s=NOON_S), unsettled(db, at_s=NOON_S)) == (0, 0)


def test_a_balance_is_continuous_in_time_whatever_was_dated_back(
    merchant: Merchant, phone: Phone
) -> None:
    set_clock(phone, NOON)
    _, later = paid_on(phone, 100, "2026-03-01T11:00:00")
    _, earlier = paid_on(phone, 20, "2026-03-01T10:00:00")
    top_up(phone, "BASIC", 3)
    at_s = set_clock(phone, "2026-03-02T11:00:00")
    bill = bill_of(merchant, "fundflowbill?bill_date=2026-03-01", at_s=at_s)

    assert [row["微信支付业务单号"] for row in bill.rows][:2] == [earlier, later]
    assert [row["账户结余(元)"] for row in bill.rows] == ["0.20", "1.20", "1.23"]
