"""What a transfer request must look like, whom it may name, and what it comes to twice."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography import x509

from sandbox.server import create_sandbox, serve_in_thread
from tests.sandbox.merchant import Merchant, Phone, Receiver
from tests.sandbox.payouts import BILLS, FUNDS_FEN, Payouts, code, error

INFO = {"info_type": "补贴类型", "info_content": "住房补贴"}


@pytest.fixture
def payouts(merchant: Merchant, phone: Phone) -> Payouts:
    """A merchant whose operating account is filled."""
    made = Payouts(merchant, phone)
    made.top_up(FUNDS_FEN)
    return made


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"colour": "red"}, "/colour"),
        ({"appid": None}, "/appid"),
        ({"out_bill_no": None}, "/out_bill_no"),
        ({"out_bill_no": "T_1"}, "/out_bill_no"),
        ({"out_bill_no": "T" * 33}, "/out_bill_no"),
        ({"transfer_scene_id": None}, "/transfer_scene_id"),
        ({"openid": None}, "/openid"),
        ({"openid": "o" + "x" * 27}, "/openid"),
        ({"transfer_amount": 0}, "/transfer_amount"),
        ({"transfer_amount": "30000"}, "/transfer_amount"),
        ({"transfer_amount": True}, "/transfer_amount"),
        ({"transfer_remark": None}, "/transfer_remark"),
        ({"transfer_remark": "提" * 33}, "/transfer_remark"),
        ({"notify_url": "http://localhost/n"}, "/notify_url"),
        ({"notify_url": "https://localhost/n?a=1"}, "/notify_url"),
        ({"transfer_scene_report_infos": None}, "/transfer_scene_report_infos"),
        ({"transfer_scene_report_infos": []}, "/transfer_scene_report_infos"),
        ({"transfer_scene_report_infos": INFO}, "/transfer_scene_report_infos"),
        ({"transfer_scene_report_infos": [INFO, INFO]}, "/transfer_scene_report_infos"),
        (
            {"transfer_scene_report_infos": [{"info_type": "活动名称", "info_content": "x"}]},
            "/transfer_scene_report_infos",
        ),
        (
            {"transfer_scene_report_infos": [{"info_type": "补贴类型"}]},
            "/transfer_scene_report_infos/0/info_content",
        ),
        (
            {"transfer_scene_report_infos": [INFO | {"info_type": "补" * 16}]},
            "/transfer_scene_report_infos/0/info_type",
        ),
        (
            {"transfer_scene_report_infos": [INFO | {"info_content": "补" * 33}]},
            "/transfer_scene_report_infos/0/info_content",
        ),
        (
            {"transfer_scene_report_infos": [INFO | {"more": "x"}]},
            "/transfer_scene_report_infos/0/more",
        ),
        ({"transfer_amount": 200_000}, "/user_name"),
        ({"user_name": "张三"}, "/user_name"),
    ],
)
def test_a_request_out_of_form_is_refused(
    payouts: Payouts, changes: dict[str, Any], field: str
) -> None:
    answer = payouts.place(**changes)

    assert code(answer) == (400, "PARAM_ERROR")
    assert answer.json()["detail"]["field"] == field
    assert payouts.phone.control("GET", "/transfers").json() == {"transfers": []}
    assert payouts.balance() == FUNDS_FEN


@pytest.mark.parametrize(
    "changes",
    [
        {"appid": "wxother"},
        {"transfer_scene_id": "1000"},
        {"user_recv_perception": "劳务报酬"},
    ],
)
def test_what_the_merchant_does_not_have_is_refused(
    payouts: Payouts, changes: dict[str, Any]
) -> None:
    assert code(payouts.place(**changes)) == (400, "INVALID_REQUEST")
    assert payouts.placed(user_recv_perception="行政补贴")["state"] == "WAIT_USER_CONFIRM"


def test_the_scenes_are_the_ones_that_were_set(payouts: Payouts) -> None:
    infos = [{"info_type": "回收商品名称", "info_content": "旧书"}]
    payouts.phone.control("PUT", "/transfers/settings", {"scenes": ["1010"]})

    assert payouts.placed(transfer_scene_id="1010", transfer_scene_report_infos=infos)
    assert code(payouts.place()) == (400, "INVALID_REQUEST")


def test_a_right_name_is_paid_and_comes_back_sealed(payouts: Payouts) -> None:
    told = payouts.placed(transfer_amount=200_000, user_name=payouts.sealed("张三"))

    payouts.confirm(told)

    found = payouts.query(told["out_bill_no"])
    assert found["state"] == "SUCCESS"
    assert payouts.opened(found["user_name"]) == "张三"


def test_a_wrong_name_is_accepted_and_fails(payouts: Payouts, receiver: Receiver) -> None:
    told = payouts.placed(user_name=payouts.sealed("张三丰"), notify_url=receiver.notify_url)

    found = payouts.query(told["out_bill_no"])
    [(_, facts)] = payouts.notices(receiver, 1)

    assert told["state"] == "ACCEPTED"
    assert (found["state"], found["fail_reason"]) == ("FAIL", "NAME_NOT_CORRECT")
    assert facts["fail_reason"] == "NAME_NOT_CORRECT"
    assert payouts.balance() == FUNDS_FEN


@pytest.mark.parametrize(
    ("fen", "named", "status"),
    [
        (199_999, False, 200),
        (200_000, True, 200),
        (30, True, 200),
        (29, True, 400),
        (29, False, 200),
    ],
)
def test_the_amount_says_whether_a_name_must_or_may_be_told(
    payouts: Payouts, fen: int, named: bool, status: int
) -> None:
    name = payouts.sealed("张三") if named else None

    assert payouts.place(transfer_amount=fen, user_name=name).status_code == status


def _without_serial(payouts: Payouts, **changes: Any) -> requests.Response:
    merchant = payouts.merchant
    prepared = requests.Request("POST", merchant.base + BILLS, json=payouts.request(**changes))
    body = prepared.prepare().body
    assert isinstance(body, bytes)
    headers = merchant.headers("POST", BILLS, body.decode())
    del headers["Wechatpay-Serial"]
    return requests.post(merchant.base + BILLS, data=body, headers=headers, timeout=10)


def test_a_name_needs_the_serial_of_the_key_it_was_sealed_for(payouts: Payouts) -> None:
    payouts.phone.control("PUT", "/signing", {"refuse_unnamed": False})

    nameless = _without_serial(payouts)
    named = _without_serial(payouts, user_name=payouts.sealed("张三"))

    assert nameless.status_code == 200
    assert code(named) == (400, "PARAM_ERROR")
    assert named.json()["detail"]["field"] == "/user_name"


def test_a_name_sealed_for_the_certificate_needs_the_certificates_serial(
    payouts: Payouts, folder: Path
) -> None:
    pem = (folder / "platform-certificate.pem").read_bytes()
    certificate = x509.load_pem_x509_certificate(pem)
    sealed = payouts.sealed("张三", certificate.public_key())

    under_public_key = payouts.place(user_name=sealed)
    payouts.merchant.env["WECHAT_PAY_PUBLIC_KEY_ID"] = f"{certificate.serial_number:X}"
    under_certificate = payouts.place(user_name=sealed)

    assert code(under_public_key) == (400, "PARAM_ERROR")
    assert under_certificate.json()["state"] == "WAIT_USER_CONFIRM"


def test_the_same_number_with_the_same_parameters_is_the_same_transfer(payouts: Payouts) -> None:
    request = payouts.request()
    first = payouts.call("POST", "", request | {"user_name": payouts.sealed("张三")})

    again = payouts.call("POST", "", request | {"user_name": payouts.sealed("张三")})
    payouts.confirm(first.json())
    at_last = payouts.call("POST", "", request | {"user_name": payouts.sealed("张三")})

    assert again.json() == first.json()
    assert again.json()["package_info"]
    assert at_last.json()["state"] == "SUCCESS"
    assert "package_info" not in at_last.json()
    assert at_last.json()["transfer_bill_no"] == first.json()["transfer_bill_no"]
    assert payouts.balance() == FUNDS_FEN - 30000


def test_the_same_number_with_other_parameters_is_refused(payouts: Payouts) -> None:
    number = payouts.placed()["out_bill_no"]
    others = (
        {"transfer_amount": 1},
        {"transfer_remark": "提取 四月"},
        {"user_name": payouts.sealed("张三")},
    )

    answers = [payouts.place(out_bill_no=number, **other) for other in others]

    assert [code(answer) for answer in answers] == [(400, "INVALID_REQUEST")] * 3
    assert payouts.balance() == FUNDS_FEN - 30000


def test_what_the_account_does_not_hold_is_refused_and_the_number_works_later(
    payouts: Payouts,
) -> None:
    name = payouts.sealed("张三")
    request = payouts.request(transfer_amount=FUNDS_FEN + 1, user_name=name)
    refused = payouts.call("POST", "", request)
    unknown = payouts.call("GET", f"/out-bill-no/{request['out_bill_no']}")
    untouched = payouts.balance()
    payouts.top_up(1)

    answer = payouts.call("POST", "", request)

    assert code(refused) == (403, "NOT_ENOUGH")
    assert code(unknown) == (404, "NOT_FOUND")
    assert untouched == FUNDS_FEN
    assert answer.json()["state"] == "WAIT_USER_CONFIRM"
    assert payouts.balance() == 0


def test_an_unknown_number_is_not_found(payouts: Payouts) -> None:
    asked = (
        ("GET", "/out-bill-no/T0"),
        ("GET", "/transfer-bill-no/1"),
        ("POST", "/out-bill-no/T0/cancel"),
    )

    answers = [payouts.call(method, path) for method, path in asked]

    assert [code(answer) for answer in answers] == [(404, "NOT_FOUND")] * 3


def test_a_transfer_can_be_queried_for_thirty_days(payouts: Payouts) -> None:
    number = payouts.placed()["out_bill_no"]
    payouts.later(30 * 86400 - 60)
    in_time = payouts.call("GET", f"/out-bill-no/{number}")
    payouts.later(30 * 86400 + 1)
    late = payouts.call("GET", f"/out-bill-no/{number}")

    assert in_time.json()["state"] == "FAIL"
    assert code(late) == (404, "NOT_FOUND")


def test_a_cancel_has_no_body(payouts: Payouts) -> None:
    number = payouts.placed()["out_bill_no"]

    answer = payouts.call("POST", f"/out-bill-no/{number}/cancel", {"reason": "x"})

    assert code(answer) == (400, "PARAM_ERROR")
    assert payouts.truth(number)["state"] == "WAIT_USER_CONFIRM"


def test_only_the_merchant_gets_in(payouts: Payouts) -> None:
    merchant = payouts.merchant
    path = f"{BILLS}/out-bill-no/{payouts.placed()['out_bill_no']}"
    headers = merchant.headers("GET", f"{BILLS}/out-bill-no/T0", "")

    answer = requests.get(merchant.base + path, headers=headers, timeout=10)

    assert code(answer) == (401, "SIGN_ERROR")


def test_one_number_sent_many_times_at_once_is_one_transfer(payouts: Payouts) -> None:
    request = payouts.request()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: payouts.call("POST", "", request).json(), range(8)))

    assert answers == [answers[0]] * 8
    assert len(payouts.phone.control("GET", "/transfers").json()["transfers"]) == 1
    assert payouts.balance() == FUNDS_FEN - 30000


def test_a_failure_before_the_effect_leaves_nothing(payouts: Payouts) -> None:
    payouts.phone.control("PUT", "/faults", {"fail_transfer": 1})
    request = payouts.request()

    failed = payouts.call("POST", "", request)
    untouched = payouts.balance()
    later = payouts.call("POST", "", request)

    assert code(failed) == (500, "SYSTEM_ERROR")
    assert untouched == FUNDS_FEN
    assert later.status_code == 200


def test_an_error_after_the_effect_hides_a_transfer_that_stands(payouts: Payouts) -> None:
    payouts.phone.control("PUT", "/faults", {"transfer_error_after_effect": 1})
    request = payouts.request()

    failed = payouts.call("POST", "", request)
    locked = payouts.balance()
    again = payouts.call("POST", "", request)

    assert code(failed) == (500, "SYSTEM_ERROR")
    assert locked == payouts.balance() == FUNDS_FEN - 30000
    assert again.json()["package_info"]


def test_a_late_answer_has_taken_effect_long_before(payouts: Payouts) -> None:
    faults = {"timeout_transfer_after_effect": 1, "timeout_s": 1}
    payouts.phone.control("PUT", "/faults", faults)
    began = time.monotonic()

    number = payouts.placed()["out_bill_no"]

    assert time.monotonic() - began >= 1
    assert payouts.query(number)["state"] == "WAIT_USER_CONFIRM"


def test_a_failing_query_moves_nothing_on(payouts: Payouts) -> None:
    payouts.plan("ACCEPTED", "PROCESSING")
    number = payouts.placed()["out_bill_no"]
    payouts.phone.control("PUT", "/faults", {"fail_transfer_query": 1})

    failed = payouts.call("GET", f"/out-bill-no/{number}")

    assert code(failed) == (500, "SYSTEM_ERROR")
    assert payouts.truth(number)["state"] == "ACCEPTED"
    assert payouts.query(number)["state"] == "PROCESSING"


@pytest.mark.parametrize(
    "path",
    [[], ["DONE"], ["SUCCESS", "FAIL"], ["PROCESSING", "ACCEPTED"], ["CANCELING"], [1],
     ["ACCEPTED", "ACCEPTED"]],
)  # fmt: skip
def test_a_plan_nobody_could_go_is_refused(payouts: Payouts, path: list[object]) -> None:
    answer = payouts.phone.control("PUT", "/transfers/plan", {"path": path})

    assert error(answer) == (400, "field-wrong")
    assert payouts.placed()["state"] == "WAIT_USER_CONFIRM"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/transfers/settings", {"scenes": [1002]}),
        ("PUT", "/transfers/settings", {"cancel_s": -1}),
        ("POST", "/transfers/T0/finish", {"state": "PROCESSING"}),
        ("POST", "/transfers/T0/finish", {"state": "SUCCESS", "fail_reason": "x"}),
    ],
)
def test_a_control_out_of_form_is_refused(
    payouts: Payouts, method: str, path: str, body: dict[str, Any]
) -> None:
    assert error(payouts.phone.control(method, path, body)) == (400, "field-wrong")


def test_the_truth_names_the_payee_openly(payouts: Payouts) -> None:
    told = payouts.placed(user_name=payouts.sealed("张三"))

    line = payouts.truth(told["out_bill_no"])

    assert (line["user_name"], line["openid"]) == ("张三", payouts.phone.openid)
    assert (line["state"], line["package_info"]) == ("WAIT_USER_CONFIRM", told["package_info"])


def test_books_and_plan_outlive_the_process(folder: Path) -> None:
    with serve_in_thread(create_sandbox(folder)) as base:
        merchant = Merchant(folder, base)
        payouts = Payouts(merchant, Phone(merchant))
        payouts.top_up(30000)
        told = payouts.placed()
        payouts.plan("PROCESSING")
    with serve_in_thread(create_sandbox(folder)) as base:
        merchant.base = base
        payouts.confirm(told)
        payouts.top_up(30000)

        assert payouts.query(told["out_bill_no"])["state"] == "SUCCESS"
        assert payouts.placed()["state"] == "PROCESSING"
