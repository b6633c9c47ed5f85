"""Bills that are wrong: rows that differ from the books, and bytes that do not hold together."""

import secrets
from collections.abc import Callable

from sandbox.bill_text import AMOUNT, FUNDFLOW, Row
from sandbox.faults import Faults

_EXTRA_FEN = 100


def hit(faults: Faults, name: str, *, kind: str) -> bool:
    """Whether the fault `name` strikes a bill of this kind now; if so it is used up."""
    if faults.is_on("bill_faults_in_fundflow") != (kind == FUNDFLOW):
        return False
    return faults.take(name)


def spoiled_rows(faults: Faults, rows: list[Row], *, kind: str) -> list[Row]:
    """The rows are returned, less true for every fault of rows that strikes."""
    for name, spoil in _SPOILERS.items():
        if rows and hit(faults, name, kind=kind):
            rows = spoil(rows)
    return rows


def _missing(rows: list[Row]) -> list[Row]:
    return rows[:-1]


def _doubled(rows: list[Row]) -> list[Row]:
    return [*rows[:1], *rows]


def _fen_off(rows: list[Row]) -> list[Row]:
    first, *rest = rows
    amounts = [AMOUNT]
    if AMOUNT not in first:
        is_refund = first["交易状态"] == "REFUND"
        amounts = ["退款金额", "申请退款金额"] if is_refund else ["应结订单金额", "订单金额"]
    changed: Row = {name: fen + 1 for name in amounts if isinstance(fen := first[name], int)}
    return [first | changed, *rest]


def _extra(rows: list[Row]) -> list[Row]:
    digits = f"{secrets.randbelow(10**18):018d}"
    strange: Row = {"微信订单号": f"4200009999{digits}", "商户订单号": f"X{digits}"}
    if AMOUNT in rows[0]:
        strange = {"微信支付业务单号": f"4200009999{digits}", "资金流水单号": f"9{digits}"}
        strange |= {AMOUNT: _EXTRA_FEN, "业务凭证号": f"X{digits}"}
    elif rows[0]["交易状态"] == "REFUND":
        strange |= {"微信退款单号": f"503{digits}", "商户退款单号": f"XR{digits}"}
        strange |= {"退款金额": _EXTRA_FEN, "申请退款金额": _EXTRA_FEN}
    else:
        strange |= {"应结订单金额": _EXTRA_FEN, "订单金额": _EXTRA_FEN}
    return [*rows, rows[0] | strange]


_SPOILERS: dict[str, Callable[[list[Row]], list[Row]]] = {
    "bill_line_missing": _missing,
    "bill_line_doubled": _doubled,
    "bill_fen_off": _fen_off,
    "bill_line_extra": _extra,
}
