"""Is this request the merchant's? The check of the Authorization header, as WeChat Pay does it."""

import re

from flask import Request

from sandbox.identity import SIGNATURE_TYPE, Identity
from sandbox.pay_problem import PayProblem

SKEW_MAX_S = 300
CERTIFICATES_PATH = "/v3/certificates"
BILL_FILE_PATH = "/v3/billdownload/file"

# Whoever downloads the certificates can name none yet, and a bill's answer is not signed.
_MAY_NAME_NO_KEY = (CERTIFICATES_PATH, BILL_FILE_PATH)

_FIELDS = ("mchid", "nonce_str", "timestamp", "serial_no", "signature")
_SHOWN_OF_MESSAGE = 200


def require_merchant(request: Request, *, identity: Identity, at_s: int) -> None:
    """The request is signed by our merchant, lately, over exactly what arrived.

    Raises PayProblem otherwise. A nonce may come twice, as at WeChat.
    """
    _require_headers(request)
    _require_known_serial(request, identity, at_s)
    given = _credentials(request.headers.get("Authorization", ""))
    if given["mchid"] != identity.mchid:
        raise PayProblem(400, "MCH_NOT_EXISTS", "商户号不存在")
    if given["serial_no"].upper() != identity.merchant_serial:
        raise _sign_error("serial_no", "商户证书序列号有误，请使用签名私钥匹配的证书序列号")
    stamp = given["timestamp"]
    if not re.fullmatch(r"[0-9]{1,11}", stamp) or abs(at_s - int(stamp)) > SKEW_MAX_S:
        raise _sign_error(
            "timestamp", "Http头Authorization中的timestamp与发起请求的时间不得超过5分钟"
        )
    body = request.get_data()
    url = _path_on_the_wire(request)
    head = f"{request.method}\n{url}\n{stamp}\n{given['nonce_str']}\n"
    message = head.encode() + body + b"\n"
    if not identity.is_merchants(given["signature"], message=message):
        raise _wrong_signature(request.method, url, message)


def _require_headers(request: Request) -> None:
    accept = request.headers.get("Accept", "")
    if not request.headers.get("User-Agent") or not re.search(r"application/json|\*/\*", accept):
        raise PayProblem(400, "PARAM_ERROR", "Http头缺少Accept或User-Agent")
    if request.method == "POST" and request.mimetype != "application/json":
        raise PayProblem(400, "PARAM_ERROR", "Http头Content-Type必须为application/json")


def _require_known_serial(request: Request, identity: Identity, at_s: int) -> None:
    named = request.headers.get("Wechatpay-Serial")
    if named is None:
        # The real platform answers under a certificate, which a merchant in public-key mode does
        # not hold. Refusing here shows the mistake before production does.
        if identity.signing.rules.refuse_unnamed and request.path not in _MAY_NAME_NO_KEY:
            raise PayProblem(
                400, "PARAM_ERROR", f"Http头Wechatpay-Serial必须为{identity.public_key_id}"
            )
    elif not identity.signing.names_a_key(named, at_s):
        raise PayProblem(
            400, "PARAM_ERROR", "Http头Wechatpay-Serial不是有效的微信支付公钥ID或平台证书序列号"
        )


def _credentials(header: str) -> dict[str, str]:
    scheme, _, rest = header.partition(" ")
    given = dict(re.findall(r'(\w+)="([^"]*)"', rest))
    if scheme != SIGNATURE_TYPE or set(given) != set(_FIELDS):
        raise _sign_error("authorization", "Http头Authorization值格式错误或缺少字段")
    return given


def _path_on_the_wire(request: Request) -> str:
    # The decoded path would hide how it was escaped, and the merchant signed the escaped one.
    raw = request.environ.get("RAW_URI") or request.environ.get("REQUEST_URI")
    return str(raw) if raw else request.full_path.rstrip("?")


def _sign_error(field: str, message: str) -> PayProblem:
    detail: dict[str, object] = {"field": field, "location": "authorization"}
    return PayProblem(401, "SIGN_ERROR", message, detail=detail)


def _wrong_signature(method: str, url: str, message: bytes) -> PayProblem:
    detail: dict[str, object] = {
        "detail": {"issue": "sign not match"},
        "field": "signature",
        "location": "authorization",
        "sign_information": {
            "method": method,
            "sign_message_length": len(message),
            "truncated_sign_message": message.decode(errors="replace")[:_SHOWN_OF_MESSAGE],
            "url": url,
        },
    }
    return PayProblem(401, "SIGN_ERROR", "错误的签名,验签失败", detail=detail)
