"""The fund flow of a day beside the payments and payouts that it should tell of.

Fees, settlements and top-ups have no row of ours: a fee is compared with the trade bill, and all
moves with the balances that WeChat writes beside them.
"""

from collections import Counter
from collections.abc import Sequence

from app import clock
from app.ledger.wechat_day import BOOKED_KINDS, FEES, SETTLED, TOPPED_UP
from app.models import WechatBillLine
from app.services.bill_book import Book, Leg
from app.services.bill_matters import (
    DIFFERS,
    NOT_IN_BILL,
    ONLY_IN_BILL,
    TWICE,
    Matters,
    differing,
)
from app.services.payment_cases import Difference

_COLLECTED = "交易"
_FREE = (SETTLED, TOPPED_UP)
# A refund that the bill calls closed gave its fee back to WeChat, today or on a later day.
_CLOSED = ("CLOSED", "FAIL")


def match(book: Book, found: Matters) -> list[str]:
    """Differences of both accounts are added; answers numbers of payments we do not know."""
    unknown: list[str] = []
    for account, lines in book.flows.items():
        moves = _once(account, lines, found)
        for line in moves:
            if line.flow_kind == _COLLECTED and not _is_of_leg(book, line):
                unknown += _collected(book, account, line, found)
            elif line.flow_kind not in _FREE:
                _other(book, account, line, found)
        if account == "BASIC":
            _missing(book, moves, found)
            _fees(book, moves, found)
        _balances(book, account, lines, found)
    return unknown


def _once(account: str, lines: Sequence[WechatBillLine], found: Matters) -> list[WechatBillLine]:
    """Each move once, by its own number; a payment is collected once."""
    moves: dict[str, WechatBillLine] = {}
    times: Counter[str] = Counter()
    for line in lines:
        is_payment = line.flow_kind == _COLLECTED and (line.fen or 0) > 0
        key = f"{line.business_no}:{_COLLECTED}" if is_payment else f"{line.flow_no}"
        times[key] += 1
        moves.setdefault(key, line)
    for key, line in moves.items():
        if times[key] > 1:
            twice = Difference(account, "1", str(times[key]))
            found.add(TWICE, line.business_no or "", line.voucher_no or "", twice)
    return list(moves.values())


def _collected(book: Book, account: str, line: WechatBillLine, found: Matters) -> list[str]:
    number, paid = line.business_no or "", book.payments.get(line.business_no or "")
    if paid is None:
        came = Difference(account, "", str(line.fen))
        found.add(ONLY_IN_BILL, number, line.voucher_no or "", came)
        return [number]
    differences = differing((account, paid.row.amount_fen, line.fen))
    found.add(DIFFERS, number, paid.row.out_trade_no, *differences, payment=paid.row)
    return []


def _other(book: Book, account: str, line: WechatBillLine, found: Matters) -> None:
    """A move for a payout of ours, or a fee of something of ours; anything else nobody knows."""
    number, leg = line.business_no or "", book.legs.get(line.voucher_no or "")
    if line.flow_kind in FEES:
        if leg is None and number not in book.payments:
            _unknown(account, line, found)
    elif leg is None or leg.row.channel != {"BASIC": "refund", "OPERATION": "transfer"}[account]:
        _unknown(account, line, found)
    else:
        came_back = (line.fen or 0) > 0 and leg.row.state == "succeeded"
        found.add(
            DIFFERS,
            number,
            leg.row.provider_no,
            *differing(
                (account, leg.row.amount_fen, abs(line.fen or 0)),
                ("status", leg.row.state, "came back" if came_back else leg.row.state),
            ),
        )


def _unknown(account: str, line: WechatBillLine, found: Matters) -> None:
    moved = Difference(account, "", str(line.fen))
    found.add(ONLY_IN_BILL, line.business_no or "", line.voucher_no or "", moved)


def _is_of_leg(book: Book, line: WechatBillLine) -> bool:
    return (line.voucher_no or "") in book.legs


def _missing(book: Book, moves: Sequence[WechatBillLine], found: Matters) -> None:
    """Payments of the day, and refunds the bill tells of, whose money moved on no day."""
    moved = {each.business_no for each in moves if each.flow_kind not in BOOKED_KINDS}
    moved |= book.elsewhere
    for number, paid in book.payments.items():
        if clock.day_of(paid.row.success_at) == book.day and number not in moved:
            lacking = Difference("BASIC", str(paid.row.amount_fen), "")
            found.add(NOT_IN_BILL, number, paid.row.out_trade_no, lacking, payment=paid.row)
    for line in book.refunds:
        leg, number = book.legs.get(line.out_refund_no or ""), line.refund_id or ""
        if leg is not None and number not in moved and not _has_another_number(leg, number):
            lacking = Difference("BASIC", str(-leg.row.amount_fen), "")
            found.add(NOT_IN_BILL, number, leg.row.provider_no, lacking)


def _has_another_number(leg: Leg, number: str) -> bool:
    """Whether the trade bill itself is wrong about the number, which is a matter of its own."""
    return leg.row.provider_id is not None and leg.row.provider_id != number


def _fees(book: Book, moves: Sequence[WechatBillLine], found: Matters) -> None:
    """What was taken for each payment, and given back with each refund, is what the trades say."""
    taken: Counter[str] = Counter()
    for move in moves:
        if move.flow_kind in FEES:
            taken[move.business_no or ""] -= move.fen or 0
    for number, (line, our_no) in _told_fees(book).items():
        if number not in book.elsewhere:
            found.add(DIFFERS, number, our_no, *differing(("fee", line.fee_fen, taken[number])))


def _told_fees(book: Book) -> dict[str, tuple[WechatBillLine, str]]:
    """The first line of each payment and refund of ours, whose fee the fund flow should have."""
    told: dict[str, tuple[WechatBillLine, str]] = {}
    for line in book.trades:
        if line.transaction_id in book.payments:
            told.setdefault(line.transaction_id or "", (line, line.out_trade_no or ""))
    for line in book.refunds:
        if line.out_refund_no in book.legs and line.refund_status not in _CLOSED:
            told.setdefault(line.refund_id or "", (line, line.out_refund_no or ""))
    return told


def _balances(book: Book, account: str, lines: Sequence[WechatBillLine], found: Matters) -> None:
    """In whatever order the moves stand, each begins where another one ended.

    So one balance alone opens the day and one closes it. This finds what nothing else would: a
    settlement that is missing, doubled or of another amount.
    """
    if not lines or found.has_any_of(account) or found.has_any_of("fee"):
        return
    after = Counter(each.balance_fen or 0 for each in lines)
    before = Counter((each.balance_fen or 0) - (each.fen or 0) for each in lines)
    loose = max((after - before).total(), (before - after).total())
    if loose > 1:
        differences = differing((f"{account}-balance", "1", loose))
        found.add(DIFFERS, f"{account}:{book.day.isoformat()}", "", *differences)
