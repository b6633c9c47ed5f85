"""The form of an order request: every field WeChat Pay knows, and nothing else."""

from typing import Any

from sandbox.clock import parsed_rfc3339
from sandbox.form import flag, in_form, list_of, notify_url, text, thing, whole
from sandbox.pay_problem import wrong_parameter

# Ten million yuan: above any limit a bank gives a single payment.
TOTAL_MAX_FEN = 1_000_000_000


def _time_expire(value: object, at: str) -> None:
    text(25, r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00", "应为 RFC3339 北京时间")(value, at)
    try:
        parsed_rfc3339(str(value))
    except ValueError:
        raise wrong_parameter(at, "不是真实的时间") from None


_GOODS = thing(
    {"merchant_goods_id": text(32), "quantity": whole(1, 10**6), "unit_price": whole(0, 10**9)},
    {"wechatpay_goods_id": text(32), "goods_name": text(256)},
)
_DETAIL = thing(
    {},
    {
        "cost_price": whole(0, TOTAL_MAX_FEN),
        "invoice_id": text(32),
        "goods_detail": list_of(_GOODS),
    },
)
_STORE = thing({"id": text(32)}, {"name": text(256), "area_code": text(32), "address": text(512)})
_SCENE = thing({"payer_client_ip": text(45)}, {"device_id": text(32), "store_info": _STORE})

_PREPAY = thing(
    {
        "appid": text(32),
        "mchid": text(32),
        "description": text(127),
        "out_trade_no": text(32, r"[0-9A-Za-z_\-|*]{6,32}", "应为 6 至 32 个数字、字母或 _-|*"),
        "notify_url": notify_url(255),
        "amount": thing(
            {"total": whole(1, TOTAL_MAX_FEN)}, {"currency": text(16, "CNY", "只支持 CNY")}
        ),
        "payer": thing({"openid": text(128)}, {}),
    },
    {
        "time_expire": _time_expire,
        "attach": text(128),
        "goods_tag": text(32),
        "support_fapiao": flag,
        "detail": _DETAIL,
        "scene_info": _SCENE,
        "settle_info": thing({}, {"profit_sharing": flag}),
    },
)

_CLOSE = thing({"mchid": text(32)}, {})


def prepay_request(body: bytes) -> dict[str, Any]:
    """An order request whose every field is in form is returned. Raises PayProblem."""
    return in_form(body, _PREPAY)


def close_request(body: bytes) -> dict[str, Any]:
    """A close request in form is returned. Raises PayProblem."""
    return in_form(body, _CLOSE)
