"""Where the merchant's money lies at WeChat: what may be paid out, and what may not yet."""

from dataclasses import dataclass

from app import log
from app.money import MAX_FEN, Fen
from app.wechat.faults import WechatUnavailable
from app.wechat.refund import Call

BASIC, OPERATION = "BASIC", "OPERATION"


@dataclass(frozen=True)
class Balance:
    """Fen of one account: `available_amount` can be paid out, `pending_amount` not yet."""

    available_amount: Fen
    pending_amount: Fen


class Funds:
    """The merchant's balances; `call` speaks to WeChat and verifies its answers."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def balance(self, account_type: str) -> Balance:
        """The account's balance now; raises `WechatRefused`, `WechatUnavailable`."""
        answer = self._call("GET", f"/v3/merchant/fund/balance/{account_type}", None)
        found = [answer.get(name, 0) for name in ("available_amount", "pending_amount")]
        if any(type(fen) is not int or not 0 <= fen <= MAX_FEN for fen in found):
            log.get().error("wechat-answer-unfit", field="amount")
            raise WechatUnavailable(why="answer-unfit")
        return Balance(*found)
