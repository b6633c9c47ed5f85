"""The form of a refund request: every field WeChat Pay knows, and nothing else."""

from typing import Any

from sandbox.form import in_form, list_of, notify_url, text, thing, whole
from sandbox.pay_problem import wrong_parameter
from sandbox.prepay_form import TOTAL_MAX_FEN

TO_MERCHANT, TO_USER = "MERCHANT_BANK_CARD", "USER_BANK_CARD"

_NUMBER = text(64, r"[0-9A-Za-z_\-|*@]{1,64}", "应为 1 至 64 个数字、字母或 _-|*@")
_FEN = whole(1, TOTAL_MAX_FEN)

_GOODS = thing(
    {
        "merchant_goods_id": text(32),
        "unit_price": whole(0, TOTAL_MAX_FEN),
        "refund_amount": whole(0, TOTAL_MAX_FEN),
        "refund_quantity": whole(1, 10**6),
    },
    {"wechatpay_goods_id": text(32), "goods_name": text(256)},
)
_REFUND = thing(
    {
        "out_refund_no": _NUMBER,
        "amount": thing(
            {"refund": _FEN, "total": _FEN, "currency": text(16, "CNY", "只支持 CNY")}, {}
        ),
    },
    {
        "transaction_id": text(32),
        "out_trade_no": text(32),
        "reason": text(80),
        "notify_url": notify_url(256),
        "funds_account": text(16, "AVAILABLE", "只支持 AVAILABLE"),
        "goods_detail": list_of(_GOODS),
    },
)
_ABNORMAL = thing(
    {
        "out_refund_no": _NUMBER,
        "type": text(32, f"{TO_USER}|{TO_MERCHANT}", f"应为 {TO_USER} 或 {TO_MERCHANT}"),
    },
    {"bank_type": text(16), "bank_account": text(1024), "real_name": text(1024)},
)


def refund_request(body: bytes) -> dict[str, Any]:
    """A refund request whose every field is in form is returned. Raises PayProblem."""
    asked = in_form(body, _REFUND)
    if ("transaction_id" in asked) == ("out_trade_no" in asked):
        raise wrong_parameter("/transaction_id", "与 out_trade_no 必须且只能填写一个")
    return asked


def abnormal_request(body: bytes) -> dict[str, Any]:
    """A request to pay an abnormal refund out another way is returned. Raises PayProblem."""
    asked = in_form(body, _ABNORMAL)
    if asked["type"] == TO_USER:
        for name in ("bank_type", "bank_account", "real_name"):
            if name not in asked:
                raise wrong_parameter(f"/{name}", "退款至用户银行卡时必填")
    return asked
