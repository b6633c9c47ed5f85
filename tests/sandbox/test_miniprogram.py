"""Login, tokens, phone numbers and face checks, as api.weixin.qq.com answers them."""

import secrets
from typing import Any

import pytest
import requests

from sandbox.people import cert_hash
from tests.sandbox.merchant import Merchant, Phone

GRANT = {"grant_type": "client_credential"}


def _app(merchant: Merchant) -> dict[str, str]:
    return {
        "appid": merchant.env["WECHAT_APPID"],
        "secret": merchant.env["WECHAT_APP_SECRET"],
    }


def _login(merchant: Merchant, code: str, **changes: str) -> dict[str, Any]:
    query = _app(merchant) | {"js_code": code, "grant_type": "authorization_code"} | changes
    answer = requests.get(f"{merchant.base}/sns/jscode2session", params=query, timeout=10)
    assert answer.status_code == 200
    return dict(answer.json())


def _stable_token(merchant: Merchant, **changes: Any) -> dict[str, Any]:
    body = _app(merchant) | GRANT | changes
    answer = requests.post(f"{merchant.base}/cgi-bin/stable_token", json=body, timeout=10)
    return dict(answer.json())


def _post(merchant: Merchant, path: str, body: Any, *, token: str | None = None) -> dict[str, Any]:
    token = _stable_token(merchant)["access_token"] if token is None else token
    url = f"{merchant.base}{path}?access_token={token}"
    return dict(requests.post(url, json=body, timeout=10).json())


def _face(merchant: Merchant, phone: Phone, **changes: Any) -> dict[str, Any]:
    cert = {
        "cert_type": "IDENTITY_CARD",
        "cert_name": phone.name,
        "cert_no": phone.id_number,
    } | changes.pop("cert", {})
    body = {"out_seq_no": secrets.token_hex(8), "cert_info": cert, "openid": phone.openid} | changes
    opened = _post(merchant, "/cityservice/face/identify/getverifyid", body)
    return opened | {"out_seq_no": body["out_seq_no"], "cert": cert}


def _result(merchant: Merchant, phone: Phone, face: dict[str, Any], **changes: Any) -> Any:
    body = {
        "verify_id": face["verify_id"],
        "out_seq_no": face["out_seq_no"],
        "cert_hash": cert_hash(**face["cert"]),
        "openid": phone.openid,
    } | changes
    return _post(merchant, "/cityservice/face/identify/queryverifyinfo", body)


def test_a_login_code_gives_its_openid_once(merchant: Merchant, phone: Phone) -> None:
    code = phone.does("login-code").json()["code"]

    first, second = _login(merchant, code), _login(merchant, code)

    assert first["openid"] == phone.openid
    assert "errcode" not in first
    assert second["errcode"] == 40163
    assert "openid" not in second


def test_a_login_code_ends_after_five_minutes(merchant: Merchant, phone: Phone) -> None:
    code = phone.does("login-code").json()["code"]
    phone.control("PUT", "/clock", {"offset_s": 300})

    answer = _login(merchant, code)

    assert answer["errcode"] == 40029


@pytest.mark.parametrize(
    ("changes", "errcode"),
    [
        ({"appid": "wx0"}, 40013),
        ({"secret": "0"}, 40125),
        ({"appid": ""}, 41002),
        ({"secret": ""}, 41004),
        ({"js_code": ""}, 41008),
        ({"js_code": "invented"}, 40029),
        ({"grant_type": "client_credential"}, 40002),
    ],
)
def test_a_login_with_a_wrong_parameter_gets_its_errcode(
    merchant: Merchant, phone: Phone, changes: dict[str, str], errcode: int
) -> None:
    code = phone.does("login-code").json()["code"]

    answer = _login(merchant, code, **changes)

    assert answer["errcode"] == errcode


def test_every_caller_shares_one_stable_token(merchant: Merchant) -> None:
    first, second = _stable_token(merchant), _stable_token(merchant)

    assert first["access_token"] == second["access_token"]
    assert 7190 <= second["expires_in"] <= 7200


def test_in_its_last_five_minutes_a_token_overlaps_with_the_next(
    merchant: Merchant, phone: Phone
) -> None:
    old = _stable_token(merchant)["access_token"]
    phone.control("PUT", "/clock", {"offset_s": 7200 - 360})
    unchanged = _stable_token(merchant)["access_token"]
    phone.control("PUT", "/clock", {"offset_s": 7200 - 240})

    new = _stable_token(merchant)["access_token"]

    path = "/wxa/business/getuserphonenumber"
    codes = [_post(merchant, path, {"code": "x"}, token=token)["errcode"] for token in (old, new)]
    assert old == unchanged != new
    assert codes == [40029, 40029]


def test_a_forced_refresh_ends_the_old_token_at_once(merchant: Merchant) -> None:
    old = _stable_token(merchant)["access_token"]

    new = _stable_token(merchant, force_refresh=True)["access_token"]

    path = "/wxa/business/getuserphonenumber"
    codes = [_post(merchant, path, {"code": "x"}, token=token)["errcode"] for token in (old, new)]
    assert codes == [40001, 40029]


def test_the_old_token_call_always_gives_another(merchant: Merchant) -> None:
    url = f"{merchant.base}/cgi-bin/token"

    given = [
        requests.get(url, params=_app(merchant) | GRANT, timeout=10).json()["access_token"]
        for _ in range(2)
    ]

    assert given[0] != given[1]
    assert _stable_token(merchant)["access_token"] not in given


@pytest.mark.parametrize(("token", "errcode"), [("", 41001), ("invented", 40001)])
def test_a_call_without_a_good_token_gets_its_errcode(
    merchant: Merchant, token: str, errcode: int
) -> None:
    answer = _post(merchant, "/wxa/business/getuserphonenumber", {"code": "x"}, token=token)

    assert answer["errcode"] == errcode


def test_an_expired_token_is_called_expired(merchant: Merchant, phone: Phone) -> None:
    token = _stable_token(merchant)["access_token"]
    phone.control("PUT", "/clock", {"offset_s": 7200})

    answer = _post(merchant, "/wxa/business/getuserphonenumber", {"code": "x"}, token=token)

    assert answer["errcode"] == 42001


def test_a_phone_code_gives_the_number_once(merchant: Merchant, phone: Phone) -> None:
    code = phone.does("phone-code").json()["code"]
    path = "/wxa/business/getuserphonenumber"

    first, second = (_post(merchant, path, {"code": code}) for _ in range(2))

    assert first["errcode"] == 0
    assert first["phone_info"]["purePhoneNumber"] == phone.number
    assert first["phone_info"]["countryCode"] == "86"
    assert first["phone_info"]["watermark"]["appid"] == merchant.env["WECHAT_APPID"]
    assert second["errcode"] == 40029


def test_a_login_code_is_no_phone_code_and_stays_unused(merchant: Merchant, phone: Phone) -> None:
    code = phone.does("login-code").json()["code"]

    answer = _post(merchant, "/wxa/business/getuserphonenumber", {"code": code})

    assert answer["errcode"] == 40029
    assert _login(merchant, code)["openid"] == phone.openid


def test_a_form_is_no_json(merchant: Merchant) -> None:
    token = _stable_token(merchant)["access_token"]
    url = f"{merchant.base}/wxa/business/getuserphonenumber?access_token={token}&code=x"

    answer = requests.post(url, data={"code": "x"}, timeout=10)

    assert (answer.status_code, answer.json()["errcode"]) == (200, 47001)


def test_the_digest_of_a_certificate_is_wechats() -> None:
    digest = cert_hash(cert_type="IDENTITY_CARD", cert_name="张三", cert_no="310101199801011234")

    assert digest.startswith("3c241f7f")
    assert digest.endswith("108b")


def test_the_person_passes_the_face_check_once(merchant: Merchant, phone: Phone) -> None:
    face = _face(merchant, phone)
    before = _result(merchant, phone, face)

    done = phone.does("face", verify_id=face["verify_id"])

    after = _result(merchant, phone, face)
    assert face["expires_in"] == 3600
    assert before["verify_ret"] != 10000
    assert done.json()["verify_ret"] == 10000
    assert (after["errcode"], after["verify_ret"]) == (0, 10000)
    assert phone.does("face", verify_id=face["verify_id"]).status_code == 409


@pytest.mark.parametrize("cert", [{"cert_name": "李四"}, {"cert_no": "330501199001011244"}])
def test_nobody_passes_as_another_person(
    merchant: Merchant, phone: Phone, cert: dict[str, str]
) -> None:
    face = _face(merchant, phone, cert=cert)

    done = phone.does("face", verify_id=face["verify_id"], verify_ret=10000)

    assert done.json()["verify_ret"] != 10000
    assert _result(merchant, phone, face)["verify_ret"] == done.json()["verify_ret"]


def test_another_phone_cannot_do_the_face_check(merchant: Merchant, phone: Phone) -> None:
    face = _face(merchant, phone)

    answer = Phone(merchant).does("face", verify_id=face["verify_id"])

    assert (answer.status_code, answer.json()["error"]) == (403, "verify-id-of-another")
    assert _result(merchant, phone, face)["verify_ret"] != 10000


def test_a_check_the_user_left_does_not_pass(merchant: Merchant, phone: Phone) -> None:
    face = _face(merchant, phone)

    phone.does("face", verify_id=face["verify_id"], verify_ret=90002)

    assert _result(merchant, phone, face)["verify_ret"] == 90002


@pytest.mark.parametrize(
    "changes", [{"cert_hash": "0" * 64}, {"out_seq_no": "another"}, {"openid": "oAnother"}]
)
def test_a_result_is_told_only_to_who_knows_the_session(
    merchant: Merchant, phone: Phone, changes: dict[str, str]
) -> None:
    face = _face(merchant, phone)
    phone.does("face", verify_id=face["verify_id"])

    answer = _result(merchant, phone, face, **changes)

    assert answer["errcode"] != 0
    assert "verify_ret" not in answer


@pytest.mark.parametrize(
    "changes",
    [
        {"cert": {"cert_type": "PASSPORT"}},
        {"cert": {"cert_no": "810000199001010016"}},
        {"cert": {"cert_no": "E12345678"}},
        {"cert": {"cert_name": ""}},
        {"out_seq_no": "abc"},
        {"openid": "oNobody"},
    ],
)
def test_a_face_check_is_opened_for_mainland_cards_in_form_only(
    merchant: Merchant, phone: Phone, changes: dict[str, Any]
) -> None:
    face = _face(merchant, phone, **changes)

    assert face["errcode"] != 0
    assert "verify_id" not in face


def test_a_sequence_number_opens_one_face_check(merchant: Merchant, phone: Phone) -> None:
    first = _face(merchant, phone)

    second = _face(merchant, phone, out_seq_no=first["out_seq_no"])

    assert second["errcode"] != 0
