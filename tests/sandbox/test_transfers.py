"""Transfers to users: every state, the money behind it, and who is told of the end."""

import json
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.sandbox.merchant import Merchant, Phone, Receiver
from tests.sandbox.payouts import FUNDS_FEN, Payouts, code, error

DAY_S = 86400


@pytest.fixture
def payouts(merchant: Merchant, phone: Phone) -> Payouts:
    """A merchant whose operating account is filled."""
    made = Payouts(merchant, phone)
    made.top_up(FUNDS_FEN)
    return made


def test_a_transfer_waits_for_the_user_and_pays_when_confirmed(
    payouts: Payouts, phone: Phone
) -> None:
    told = payouts.placed(transfer_amount=12345)
    waiting = payouts.query(told["out_bill_no"])
    confirmed = payouts.confirm(told)
    done = payouts.query(told["out_bill_no"])
    by_bill = payouts.call("GET", f"/transfer-bill-no/{told['transfer_bill_no']}")

    assert set(told) == {
        *("out_bill_no", "transfer_bill_no", "create_time", "state", "package_info")
    }
    assert told["state"] == "WAIT_USER_CONFIRM"
    assert "package_info" not in waiting
    assert confirmed.json() == {"errMsg": "requestMerchantTransfer:ok", "state": "SUCCESS"}
    assert done == {
        "mch_id": payouts.merchant.env["WECHAT_PAY_MCHID"],
        "out_bill_no": told["out_bill_no"],
        "transfer_bill_no": told["transfer_bill_no"],
        "appid": payouts.merchant.env["WECHAT_APPID"],
        "state": "SUCCESS",
        "transfer_amount": 12345,
        "transfer_remark": "提取 三月",
        "openid": phone.openid,
        "create_time": told["create_time"],
        "update_time": done["update_time"],
    }
    assert by_bill.json() == done
    assert payouts.merchant.believes(by_bill.headers, by_bill.content)


def test_money_is_gone_while_it_is_locked_and_stays_gone_when_paid(payouts: Payouts) -> None:
    told = payouts.placed(transfer_amount=30000)
    locked = payouts.balance()
    payouts.confirm(told)

    assert (locked, payouts.balance()) == (FUNDS_FEN - 30000, FUNDS_FEN - 30000)


def test_a_planned_path_is_gone_one_state_with_each_look_and_stops_at_the_user(
    payouts: Payouts,
) -> None:
    payouts.plan("ACCEPTED", "PROCESSING", "WAIT_USER_CONFIRM", "TRANSFERING", "SUCCESS")
    request = payouts.request()
    number = request["out_bill_no"]

    first = payouts.call("POST", "", request).json()
    second = payouts.query(number)["state"]
    third = payouts.call("POST", "", request).json()
    still = payouts.query(number)["state"]
    fourth = payouts.confirm(third).json()["state"]
    unmoved = payouts.truth(number)["state"]
    fifth = payouts.query(number)["state"]

    assert (first["state"], second, third["state"]) == ("ACCEPTED", "PROCESSING", still)
    assert (still, fourth, unmoved) == ("WAIT_USER_CONFIRM", "TRANSFERING", "TRANSFERING")
    assert fifth == "SUCCESS"
    assert "package_info" not in first
    assert third["package_info"]


def test_a_path_that_ends_early_stays_until_somebody_finishes_it(payouts: Payouts) -> None:
    payouts.plan("PROCESSING")
    number = payouts.placed()["out_bill_no"]

    states = [payouts.query(number)["state"] for _ in range(3)]
    finished = payouts.finish(number, state="FAIL", fail_reason="ACCOUNT_FROZEN")
    again = payouts.finish(number, state="SUCCESS")

    assert states == ["PROCESSING"] * 3
    assert finished.json()["state"] == "FAIL"
    assert payouts.query(number)["fail_reason"] == "ACCOUNT_FROZEN"
    assert payouts.balance() == FUNDS_FEN
    assert error(again) == (409, "transfer-ended")


def test_a_page_opened_again_while_transferring_still_pays(payouts: Payouts) -> None:
    payouts.plan("WAIT_USER_CONFIRM", "TRANSFERING")
    told = payouts.placed()

    once, again, late = (payouts.confirm(told) for _ in range(3))

    assert [once.json()["state"], again.json()["state"]] == ["TRANSFERING", "SUCCESS"]
    assert error(late) == (409, "transfer-not-waiting")


@pytest.mark.parametrize(("state", "left"), [("SUCCESS", 30000), ("FAIL", 0), ("CANCELLED", 0)])
def test_a_transfer_can_be_finished_at_once_whatever_was_planned(
    payouts: Payouts, state: str, left: int
) -> None:
    told = payouts.placed(transfer_amount=30000)

    payouts.finish(told["out_bill_no"], state=state)

    found = payouts.query(told["out_bill_no"])
    assert found["state"] == state
    assert ("fail_reason" in found) == (state == "FAIL")
    assert payouts.balance() == FUNDS_FEN - left
    assert error(payouts.confirm(told)) == (409, "transfer-not-waiting")


def test_only_the_payee_with_the_right_package_confirms(
    payouts: Payouts, merchant: Merchant
) -> None:
    told = payouts.placed()
    stranger = Payouts(merchant, Phone(merchant, name="李四"))

    by_stranger = stranger.confirm(told)
    wrong = payouts.confirm(told, package_info="invented")
    unknown = payouts.confirm(told | {"out_bill_no": "T0"})
    payouts.plan("PROCESSING")
    early = payouts.placed()
    too_early = payouts.confirm(payouts.truth(early["out_bill_no"]))

    assert error(by_stranger) == (403, "not-the-payee")
    assert error(wrong) == (400, "package-info-wrong")
    assert error(unknown) == (404, "transfer-unknown")
    assert error(too_early) == (409, "transfer-not-waiting")
    assert payouts.truth(told["out_bill_no"])["state"] == "WAIT_USER_CONFIRM"


def test_unconfirmed_for_a_day_it_fails_and_the_money_is_back(payouts: Payouts) -> None:
    told = payouts.placed()
    payouts.later(DAY_S - 60)
    in_time = payouts.query(told["out_bill_no"])["state"]
    payouts.later(DAY_S + 1)

    late = payouts.confirm(told)

    found = payouts.query(told["out_bill_no"])
    assert in_time == "WAIT_USER_CONFIRM"
    assert error(late) == (409, "transfer-not-waiting")
    assert (found["state"], found["fail_reason"]) == ("FAIL", "OVERDUE_CLOSE")
    assert payouts.balance() == FUNDS_FEN


def test_an_overdue_end_is_told_though_the_look_that_found_it_was_refused(
    payouts: Payouts, receiver: Receiver
) -> None:
    told = payouts.placed(notify_url=receiver.notify_url)
    payouts.later(DAY_S + 1)

    assert payouts.confirm(told).status_code == 409

    [(_, facts)] = payouts.notices(receiver, 1)
    assert (facts["state"], facts["fail_reason"]) == ("FAIL", "OVERDUE_CLOSE")


def test_money_of_an_overdue_transfer_serves_the_next_one(payouts: Payouts) -> None:
    payouts.placed(transfer_amount=FUNDS_FEN, user_name=payouts.sealed("张三"))
    payouts.later(DAY_S + 1)

    assert payouts.placed(transfer_amount=30000)["state"] == "WAIT_USER_CONFIRM"
    assert payouts.balance() == FUNDS_FEN - 30000


@pytest.mark.parametrize("state", ["ACCEPTED", "PROCESSING", "WAIT_USER_CONFIRM"])
def test_a_cancel_takes_its_time_and_gives_the_money_back(payouts: Payouts, state: str) -> None:
    payouts.phone.control("PUT", "/transfers/settings", {"cancel_s": 60})
    payouts.plan(state)
    number = payouts.placed()["out_bill_no"]

    cancelled = payouts.cancel(number)
    meanwhile = (payouts.query(number)["state"], payouts.balance())
    payouts.later(61)

    assert payouts.merchant.believes(cancelled.headers, cancelled.content)
    assert set(cancelled.json()) == {"out_bill_no", "transfer_bill_no", "state", "update_time"}
    assert cancelled.json()["state"] == "CANCELING"
    assert meanwhile == ("CANCELING", FUNDS_FEN - 30000)
    assert payouts.query(number)["state"] == "CANCELLED"
    assert payouts.cancel(number).json()["state"] == "CANCELLED"
    assert payouts.balance() == FUNDS_FEN


def test_what_was_planned_is_off_once_a_transfer_is_cancelled(payouts: Payouts) -> None:
    payouts.plan("WAIT_USER_CONFIRM", "TRANSFERING", "SUCCESS")
    number = payouts.placed()["out_bill_no"]
    payouts.cancel(number)

    meanwhile = payouts.query(number)["state"]
    payouts.later(10)
    ended = [payouts.query(number)["state"] for _ in range(2)]

    assert (meanwhile, ended) == ("CANCELING", ["CANCELLED"] * 2)


def test_a_cancel_takes_two_seconds_unless_it_is_told_otherwise(payouts: Payouts) -> None:
    number = payouts.placed()["out_bill_no"]
    payouts.cancel(number)
    soon = payouts.truth(number)
    payouts.later(3)

    assert soon["state"] == "CANCELING"
    assert payouts.truth(number)["state"] == "CANCELLED"


def test_whoever_comes_first_wins_confirm_or_cancel(payouts: Payouts) -> None:
    first, second = payouts.placed(), payouts.placed()

    payouts.cancel(first["out_bill_no"])
    confirm_after_cancel = payouts.confirm(first)
    payouts.confirm(second)
    cancel_after_confirm = payouts.cancel(second["out_bill_no"])
    payouts.later(10)
    confirm_after_all = payouts.confirm(first)

    assert error(confirm_after_cancel) == error(confirm_after_all) == (409, "transfer-not-waiting")
    assert code(cancel_after_confirm) == (400, "INVALID_REQUEST")
    assert payouts.query(first["out_bill_no"])["state"] == "CANCELLED"
    assert payouts.query(second["out_bill_no"])["state"] == "SUCCESS"
    assert payouts.balance() == FUNDS_FEN - 30000


def test_confirm_and_cancel_at_the_same_moment_agree_on_one_end(payouts: Payouts) -> None:
    told = [payouts.placed() for _ in range(6)]

    with ThreadPoolExecutor(8) as pool:
        confirms = [pool.submit(payouts.confirm, each) for each in told]
        cancels = [pool.submit(payouts.cancel, each["out_bill_no"]) for each in told]
        won = [
            (confirm.result().status_code, cancel.result().status_code)
            for confirm, cancel in zip(confirms, cancels, strict=True)
        ]
    payouts.later(10)

    ends = [payouts.query(each["out_bill_no"])["state"] for each in told]
    assert [{(200, 400): "SUCCESS", (409, 200): "CANCELLED"}[pair] for pair in won] == ends
    assert payouts.balance() == FUNDS_FEN - 30000 * ends.count("SUCCESS")


@pytest.mark.parametrize("state", ["TRANSFERING", "SUCCESS", "FAIL"])
def test_what_is_too_far_gone_cannot_be_cancelled(payouts: Payouts, state: str) -> None:
    payouts.plan(state)
    number = payouts.placed()["out_bill_no"]

    assert code(payouts.cancel(number)) == (400, "INVALID_REQUEST")
    assert payouts.truth(number)["state"] == state


@pytest.mark.parametrize("state", ["SUCCESS", "FAIL", "CANCELLED"])
def test_every_end_is_told_once_sealed_for_the_merchant(
    payouts: Payouts, receiver: Receiver, state: str
) -> None:
    told = payouts.placed(notify_url=receiver.notify_url)
    number = told["out_bill_no"]
    if state == "SUCCESS":
        payouts.confirm(told)
    elif state == "CANCELLED":
        payouts.cancel(number)
        payouts.later(10)
    else:
        payouts.finish(number, state="FAIL", fail_reason="TRANSFER_RISK")
    known = payouts.query(number)
    payouts.notices(receiver, 1)
    time.sleep(0.5)

    [(body, facts)] = payouts.notices(receiver, 1)
    assert (body["event_type"], body["summary"]) == (
        *("MCHTRANSFER.BILL.FINISHED", "商家转账单据终态通知"),
    )
    assert body["resource"]["original_type"] == "mch_payment"
    assert body["resource"]["associated_data"] == "mch_payment"
    assert facts == known
    assert facts["state"] == state


def test_no_notice_is_sent_before_the_end_or_without_an_address(
    payouts: Payouts, receiver: Receiver
) -> None:
    payouts.placed(notify_url=receiver.notify_url)
    payouts.confirm(payouts.placed())
    time.sleep(0.5)

    assert receiver.came == []


def test_a_lost_notice_leaves_the_query_to_tell(payouts: Payouts, receiver: Receiver) -> None:
    payouts.phone.control("PUT", "/faults", {"no_notice": True})
    told = payouts.placed(notify_url=receiver.notify_url)
    payouts.confirm(told)
    time.sleep(0.5)

    assert receiver.came == []
    assert payouts.query(told["out_bill_no"])["state"] == "SUCCESS"


def test_an_independent_client_pays_queries_and_cancels(
    payouts: Payouts, wechatpayv3_client: Any, receiver: Receiver
) -> None:
    number = "W" + secrets.token_hex(10)
    status, text = wechatpayv3_client.mch_transfer_bills(
        out_bill_no=number, transfer_scene_id="1002", openid=payouts.phone.openid,
        transfer_amount=250_000, transfer_remark="提取", user_name="张三",
        transfer_scene_report_infos=[{"info_type": "补贴类型", "info_content": "住房补贴"}],
        notify_url=receiver.notify_url,
    )  # fmt: skip
    told = json.loads(text)
    found = json.loads(wechatpayv3_client.mch_transfer_bills_query(out_bill_no=number)[1])
    cancelled, _ = wechatpayv3_client.mch_transfer_bills_cancel(number)
    payouts.finish(number, state="CANCELLED")
    [(headers, body)] = receiver.wait_for(1)

    assert (status, told["state"], cancelled) == (200, "WAIT_USER_CONFIRM", 200)
    assert found["transfer_amount"] == 250_000
    heard = wechatpayv3_client.callback(headers, body.decode())
    assert (heard["event_type"], heard["resource"]["state"]) == (
        *("MCHTRANSFER.BILL.FINISHED", "CANCELLED"),
    )
