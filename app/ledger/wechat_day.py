"""What of a day's fund flow no payment and no payout explains: fees, settlements, top-ups.

The words are those of WeChat's fund flow bill (业务类型). A move of another kind is nothing that
is booked from a bill: it is a case.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from app.ledger import chart
from app.ledger.posting import Line
from app.models import WechatBillLine
from app.money import Fen

FEE_TAKEN, FEE_RETURNED = "扣除交易手续费", "退还交易手续费"
SETTLED, TOPPED_UP = "提现", "充值"
FEES = (FEE_TAKEN, FEE_RETURNED)
BOOKED_KINDS = (*FEES, SETTLED, TOPPED_UP)

# A bill's account -> where its money stands in the books, and what people call it.
ACCOUNTS = {
    "BASIC": (chart.WECHAT_IN_TRANSIT, "基本账户"),
    "OPERATION": (chart.WECHAT_OPERATING, "运营账户"),
}
# (kind, comes in) -> what it is called, and the account on the other side.
_WORDS = {
    (FEE_TAKEN, False): ("交易手续费", chart.COLLECTION_FEES),
    (FEE_RETURNED, False): ("交易手续费", chart.COLLECTION_FEES),
    (FEE_TAKEN, True): ("退还交易手续费", chart.COLLECTION_FEES),
    (FEE_RETURNED, True): ("退还交易手续费", chart.COLLECTION_FEES),
    (SETTLED, False): ("结算到归集专户", chart.BANK),
    (SETTLED, True): ("结算退回", chart.BANK),
    (TOPPED_UP, True): ("从归集专户充值", chart.BANK),
    (TOPPED_UP, False): ("充值退回归集专户", chart.BANK),
}


@dataclass(frozen=True)
class Move:
    """Everything of one sort that a day brought to or took from one account, as it is booked."""

    words: str
    line: Line


@dataclass(frozen=True)
class Sums:
    """Fen of a day: fees less those given back, what went to the bank, what came from it."""

    fees_fen: Fen
    settled_fen: Fen
    topped_up_fen: Fen


def moves(lines: Iterable[WechatBillLine]) -> list[Move]:
    """What is booked of a day's lines of both accounts, one move for each sort, in a fixed order.

    Fees Dr 41102 / Cr 10109; settlement Dr 10101 / Cr 10109; top-up Dr 10109 or 10108 / Cr 10101;
    what comes back the other way round.
    """
    sums: dict[tuple[str, str, bool], Fen] = {}
    for line in lines:
        if line.flow_kind in BOOKED_KINDS and line.fen:
            words, _ = _WORDS[line.flow_kind, line.fen > 0]
            key = (line.kind, words, line.fen > 0)
            sums[key] = sums.get(key, 0) + abs(line.fen)
    return [_move(*key, fen) for key, fen in sorted(sums.items())]


def sums(lines: Iterable[WechatBillLine]) -> Sums:
    """The same in three figures."""
    by_kind: dict[str, Fen] = {}
    for line in lines:
        kind = line.flow_kind or ""
        by_kind[kind] = by_kind.get(kind, 0) + (line.fen or 0)
    return Sums(
        fees_fen=-sum(by_kind.get(kind, 0) for kind in FEES),
        settled_fen=-by_kind.get(SETTLED, 0),
        topped_up_fen=by_kind.get(TOPPED_UP, 0),
    )


def _move(account: str, words: str, comes_in: bool, fen: Fen) -> Move:
    ours, name = ACCOUNTS[account]
    other = dict(_WORDS.values())[words]
    line = Line(ours, other, fen) if comes_in else Line(other, ours, fen)
    return Move(f"{name}{words}", line)
