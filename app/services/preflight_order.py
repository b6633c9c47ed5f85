"""A real order over one fen, placed, paid by whoever tries it, queried, and given back.

The payment belongs to no deposit: where the service runs already, its notice and its refund open
cases that people explain, as with any money nobody can explain.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from app import ids, wechat
from app.services.preflight import NOT_CHECKED, OK, WRONG, Step
from app.wechat.faults import WechatRefused, WechatUnavailable
from app.wechat.transaction import Transaction

ONE_FEN = 1
_LIVES = timedelta(minutes=30)

PLACED, PAID, CLOSED, REFUNDED = "order placed", "order paid", "order closed", "fen refunded"


@dataclass(frozen=True)
class TrialOrder:
    """An order to pay: what `wx.requestPayment` takes."""

    out_trade_no: str
    payment_parameters: Mapping[str, str]


def place(*, openid: str, at: datetime) -> tuple[Step, TrialOrder | None]:
    """An order over one fen stands at WeChat; None when it does not."""
    out_trade_no = ids.new_out_trade_no()
    try:
        prepay_id = wechat.pay().prepay(
            out_trade_no=out_trade_no,
            amount_fen=ONE_FEN,
            payer_openid=openid,
            description="缴存服务开通测试",
            expires_at=at + _LIVES,
        )
    except (WechatRefused, WechatUnavailable) as error:
        said = f"{_why(error)}: is the openid one of this mini-program, bound to this merchant?"
        return Step(PLACED, WRONG, said), None
    parameters = wechat.pay().payment_parameters(prepay_id, at=at)
    return Step(PLACED, OK, out_trade_no), TrialOrder(out_trade_no, parameters)


def is_paid(order: TrialOrder) -> bool:
    """Whether WeChat says the order is paid; False also while WeChat does not answer."""
    try:
        found = wechat.pay().query(order.out_trade_no)
    except (WechatRefused, WechatUnavailable):
        return False
    return found is not None and found.is_paid


def finish(order: TrialOrder) -> list[Step]:
    """The order is paid and given back, or closed."""
    try:
        found = wechat.pay().query(order.out_trade_no)
    except (WechatRefused, WechatUnavailable) as error:
        return [Step(PAID, NOT_CHECKED, f"{_why(error)}: query {order.out_trade_no} again")]
    if found is not None and found.is_paid:
        return [_paid(found), _refunded(found)]
    return [Step(PAID, WRONG, "nobody paid in time"), _closed(order)]


def _paid(found: Transaction) -> Step:
    if found.amount_total != ONE_FEN:
        return Step(PAID, WRONG, f"{found.amount_total} fen instead of {ONE_FEN}")
    return Step(PAID, OK, found.transaction_id)


def _refunded(found: Transaction) -> Step:
    """The whole of it goes back, by one number however often this is tried."""
    refunds = wechat.pay().refunds
    said = refunds.parameters(
        transaction_id=found.transaction_id,
        out_refund_no=f"PREFLIGHT{found.transaction_id}",
        amount=found.amount_total,
        total=found.amount_total,
        reason="开通测试退款",
    )
    try:
        return Step(REFUNDED, OK, refunds.send(said).refund_id)
    except WechatUnavailable as error:
        again = f"ask for refund {said['out_refund_no']} in the merchant platform"
        return Step(REFUNDED, NOT_CHECKED, f"{_why(error)}: {again}")
    except WechatRefused as error:
        hint = "top up the merchant's account" if "NOT_ENOUGH" in _why(error) else "is it allowed?"
        return Step(REFUNDED, WRONG, f"{_why(error)}: {hint}")


def _closed(order: TrialOrder) -> Step:
    try:
        wechat.pay().close(order.out_trade_no)
        found = wechat.pay().query(order.out_trade_no)
    except (WechatRefused, WechatUnavailable) as error:
        return Step(CLOSED, NOT_CHECKED, f"{_why(error)}: it ends by itself in half an hour")
    if found is not None and found.trade_state != "CLOSED":
        return Step(CLOSED, WRONG, f"WeChat Pay says {found.trade_state}")
    return Step(CLOSED, OK, order.out_trade_no)


def _why(error: WechatRefused | WechatUnavailable) -> str:
    return str(error.facts.get("code") or error.facts.get("why") or "no answer")
