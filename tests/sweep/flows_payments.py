"""Orders and payments, each killed at the yield; what follows it is how the world goes on."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from app.models import IdempotencyKey, PaymentCase, PaymentOrder, SubAccount, WechatPayment
from sandbox.phone import Phone
from tests.api.asking import ask
from tests.house import STARTS_AT, House
from tests.short_cuts import a_phone
from tests.sweep.walking import Act

AMOUNT = 100_000
PAY_NOTICE = "/v1/notices/wechat-pay"
MINUTE = timedelta(minutes=1)


def an_order_of_a_deposit(house: House) -> Iterator[Act]:
    """P8: whatever was lost, the key gives one order that can be paid, at WeChat and here."""
    phone, _ = a_phone(house)
    key = uuid.uuid4().hex

    yield lambda: answered(house, phone, "/v1/me/deposits", 201, {"amount_fen": AMOUNT}, key)

    house.at(STARTS_AT + MINUTE)
    again = phone.order(AMOUNT, key=key)
    phone.wechat.pay(again["payment_parameters"], notify=False)
    assert phone.settle(again["deposit"]["deposit_id"])["state"] == "credited"
    for table in (PaymentOrder, IdempotencyKey):
        assert house.rows(select(func.count()).select_from(table)) == [(1,)]
    assert len(house.books()["orders"]) == 1
    assert_credited_once(house)


def a_payment_notice_sent_again(house: House) -> Iterator[Act]:
    paid_quietly(house)
    notice = a_notice(house)

    yield lambda: taken(house, notice)

    house.at(STARTS_AT + MINUTE)
    assert house.send_notice(a_notice(house)).status_code == 204
    assert_credited_once(house)


def a_payment_notice_never_sent_again(house: House) -> Iterator[Act]:
    paid_quietly(house)
    notice = a_notice(house)

    yield lambda: taken(house, notice)

    followed_up(house)
    assert_credited_once(house)


def a_notice_that_differs_from_its_order(house: House) -> Iterator[Act]:
    """It is not believed, and WeChat's own answer is."""
    paid_quietly(house)
    differs = {"overrides": {"amount_total": 1}}
    notice = a_notice(house, **differs)

    yield lambda: taken(house, notice)

    assert house.send_notice(a_notice(house, **differs)).status_code == 204
    followed_up(house)
    assert_credited_once(house)
    assert house.rows(select(PaymentCase.kind, PaymentCase.resolution)) == [
        ("unconfirmed", "credited")
    ]


def a_follow_up_that_credits(house: House) -> Iterator[Act]:
    paid_quietly(house)
    house.at(STARTS_AT + 1.1 * MINUTE)

    yield lambda: house.run_job("follow-up-payments")

    followed_up(house)
    assert_credited_once(house)
    assert house.send_notice(a_notice(house)).status_code == 204
    assert_credited_once(house)


def a_follow_up_that_suspends(house: House) -> Iterator[Act]:
    """Money of no order of ours stands in 219 once, with one case open."""
    phone, _ = a_phone(house)
    stray = {"openid": phone.wechat.openid, "amount": AMOUNT, "notify": False}
    number = house.play("stray-payments", stray)["out_trade_no"]
    assert house.send_notice(house.play(f"orders/{number}/notice")).status_code == 204

    yield lambda: house.run_job("follow-up-payments")

    followed_up(house)
    assert house.rows(select(WechatPayment.outcome)) == [("suspended",)]
    cases = select(PaymentCase.kind, PaymentCase.resolution).order_by(PaymentCase.id)
    assert house.rows(cases) == [("unconfirmed", "suspended"), ("suspended", None)]


def a_follow_up_that_closes(house: House) -> Iterator[Act]:
    """An order nobody paid in time is closed at WeChat, then here."""
    phone, _ = a_phone(house)
    phone.order(AMOUNT)
    house.at(STARTS_AT + 31 * MINUTE)

    yield lambda: house.run_job("follow-up-payments")

    followed_up(house, minutes=40)
    assert_closed(house)


def settling_by_phone(house: House) -> Iterator[Act]:
    phone, deposit_id = paid_quietly(house)
    path = f"/v1/me/deposits/{deposit_id}/settle"

    yield lambda: answered(house, phone, path, 200)

    assert phone.settle(deposit_id)["state"] == "credited"
    assert_credited_once(house)


def cancelling_by_phone(house: House) -> Iterator[Act]:
    phone, _ = a_phone(house)
    path = f"/v1/me/deposits/{phone.order(AMOUNT)['deposit']['deposit_id']}/cancel"

    yield lambda: answered(house, phone, path, 200)

    assert phone.post(path)["state"] == "closed"
    assert_closed(house)


def cancelling_what_is_paid(house: House) -> Iterator[Act]:
    """The cancel finds the money: it is credited once, and stays so."""
    phone, deposit_id = paid_quietly(house)
    path = f"/v1/me/deposits/{deposit_id}/cancel"

    yield lambda: answered(house, phone, path, 409)

    assert ask(house, "POST", path, by=phone).status_code == 409
    assert_credited_once(house)


FLOWS = (
    an_order_of_a_deposit,
    a_payment_notice_sent_again,
    a_payment_notice_never_sent_again,
    a_notice_that_differs_from_its_order,
    a_follow_up_that_credits,
    a_follow_up_that_suspends,
    a_follow_up_that_closes,
    settling_by_phone,
    cancelling_by_phone,
    cancelling_what_is_paid,
)


def paid_quietly(house: House) -> tuple[Phone, str]:
    """A deposit is paid and WeChat told nobody; the phone and the deposit's id."""
    phone, _ = a_phone(house)
    return phone, str(phone.deposit(AMOUNT, notify=False)["deposit_id"])


def a_notice(house: House, **how: Any) -> dict[str, Any]:
    """WeChat's notice of the newest order, signed just now."""
    return dict(house.play(f"orders/{house.out_trade_no()}/notice", how))


def taken(house: House, notice: dict[str, Any]) -> None:
    """The service took a notice of WeChat Pay's."""
    sent = {"data": notice["body"].encode(), "headers": notice["headers"]}
    answer = house.app.test_client().post(PAY_NOTICE, **sent)
    assert answer.status_code == 204, answer.text


def answered(
    house: House,
    by: Any,
    path: str,
    status: int,
    body: dict[str, Any] | None = None,
    key: str | None = None,
) -> None:
    """The service answered a POST like that."""
    headers = {"Idempotency-Key": key or uuid.uuid4().hex}
    answer = ask(house, "POST", path, by=by, headers=headers, json=body or {})
    assert answer.status_code == status, answer.text


def followed_up(house: House, *, minutes: int = 2) -> None:
    """The job ran twice, as late after the beginning and ten minutes later."""
    for late in (minutes, minutes + 10):
        house.at(STARTS_AT + late * MINUTE)
        house.run_job("follow-up-payments")


def assert_credited_once(house: House) -> None:
    """One depositor has one posting of one deposit."""
    rows = house.rows(
        select(SubAccount.balance_fen, SubAccount.last_seq).where(SubAccount.kind == "flexible")
    )
    assert rows == [(AMOUNT, 1)]


def assert_closed(house: House) -> None:
    """The one order is closed at WeChat and here."""
    assert [each["trade_state"] for each in house.books()["orders"]] == ["CLOSED"]
    assert house.rows(select(PaymentOrder.state)) == [("closed",)]
