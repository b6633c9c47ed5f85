"""The form of an order request: every field WeChat Pay knows, and nothing else."""

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from sandbox.clock import parsed_rfc3339
from sandbox.pay_problem import PayProblem, wrong_parameter

Check = Callable[[object, str], None]

# Ten million yuan: above any limit a bank gives a single payment.
TOTAL_MAX_FEN = 1_000_000_000


def _text(longest: int, pattern: str = r"(?s).+", issue: str = "格式不正确") -> Check:
    def check(value: object, at: str) -> None:
        if not isinstance(value, str) or not 1 <= len(value) <= longest:
            raise wrong_parameter(at, f"应为 1 至 {longest} 个字符")
        if not re.fullmatch(pattern, value):
            raise wrong_parameter(at, issue)

    return check


def _whole(low: int, high: int) -> Check:
    def check(value: object, at: str) -> None:
        # JSON true is an int to Python.
        if type(value) is not int or not low <= value <= high:
            raise wrong_parameter(at, f"应为 {low} 至 {high} 的整数")

    return check


def _flag(value: object, at: str) -> None:
    if not isinstance(value, bool):
        raise wrong_parameter(at, "应为布尔值")


def _thing(required: dict[str, Check], optional: dict[str, Check]) -> Check:
    known = required | optional

    def check(value: object, at: str) -> None:
        if not isinstance(value, dict):
            raise wrong_parameter(at or "/", "应为对象")
        for name in value:
            if name not in known:
                raise wrong_parameter(f"{at}/{name}", "未知的字段")
        for name in required:
            if name not in value:
                raise wrong_parameter(f"{at}/{name}", "缺少必填字段")
        for name, content in value.items():
            known[name](content, f"{at}/{name}")

    return check


def _list_of(item: Check) -> Check:
    def check(value: object, at: str) -> None:
        if not isinstance(value, list):
            raise wrong_parameter(at, "应为数组")
        for number, content in enumerate(value):
            item(content, f"{at}/{number}")

    return check


def _notify_url(value: object, at: str) -> None:
    _text(255)(value, at)
    parts = urlsplit(str(value))
    if parts.scheme != "https" or not parts.hostname or "?" in str(value) or parts.fragment:
        raise wrong_parameter(at, "必须为 https 地址，且不能携带参数")


def _time_expire(value: object, at: str) -> None:
    _text(25, r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00", "应为 RFC3339 北京时间")(value, at)
    try:
        parsed_rfc3339(str(value))
    except ValueError:
        raise wrong_parameter(at, "不是真实的时间") from None


_GOODS = _thing(
    {"merchant_goods_id": _text(32), "quantity": _whole(1, 10**6), "unit_price": _whole(0, 10**9)},
    {"wechatpay_goods_id": _text(32), "goods_name": _text(256)},
)
_DETAIL = _thing(
    {},
    {
        "cost_price": _whole(0, TOTAL_MAX_FEN),
        "invoice_id": _text(32),
        "goods_detail": _list_of(_GOODS),
    },
)
_STORE = _thing(
    {"id": _text(32)}, {"name": _text(256), "area_code": _text(32), "address": _text(512)}
)
_SCENE = _thing({"payer_client_ip": _text(45)}, {"device_id": _text(32), "store_info": _STORE})

_PREPAY = _thing(
    {
        "appid": _text(32),
        "mchid": _text(32),
        "description": _text(127),
        "out_trade_no": _text(32, r"[0-9A-Za-z_\-|*]{6,32}", "应为 6 至 32 个数字、字母或 _-|*"),
        "notify_url": _notify_url,
        "amount": _thing(
            {"total": _whole(1, TOTAL_MAX_FEN)}, {"currency": _text(16, "CNY", "只支持 CNY")}
        ),
        "payer": _thing({"openid": _text(128)}, {}),
    },
    {
        "time_expire": _time_expire,
        "attach": _text(128),
        "goods_tag": _text(32),
        "support_fapiao": _flag,
        "detail": _DETAIL,
        "scene_info": _SCENE,
        "settle_info": _thing({}, {"profit_sharing": _flag}),
    },
)

_CLOSE = _thing({"mchid": _text(32)}, {})


def prepay_request(body: bytes) -> dict[str, Any]:
    """An order request whose every field is in form is returned. Raises PayProblem."""
    return _in_form(body, _PREPAY)


def close_request(body: bytes) -> dict[str, Any]:
    """A close request in form is returned. Raises PayProblem."""
    return _in_form(body, _CLOSE)


def _in_form(body: bytes, form: Check) -> dict[str, Any]:
    try:
        asked = json.loads(body)
    except ValueError:
        raise PayProblem(400, "PARAM_ERROR", "请求体不是合法的 JSON") from None
    form(asked, "")
    return dict(asked)
