"""A day three ways: our rows, WeChat's bill, the books. What does not agree becomes a matter.

One difference is one matter, by its number at WeChat; where several bills of the day lack or have
the same number, that is the same matter. Nothing is posted from here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from app import clock, wechat
from app.models import WechatBillLine
from app.services import bill_flow_match
from app.services.bill_book import Book, Leg, Paid
from app.services.bill_matters import (
    DIFFERS,
    NOT_IN_BILL,
    ONLY_IN_BILL,
    TWICE,
    Matter,
    Matters,
    differing,
)
from app.services.payment_cases import Difference

# What a bill says of a refund, and the states of ours that agree; any other end is asked after.
_AGREES = {
    "SUCCESS": ("succeeded",),
    "CLOSED": ("failed",),
    "FAIL": ("failed",),
}
_STILL_OPEN = ("PROCESSING", "ABNORMAL", "CHANGE")
_ENDED = ("succeeded", "failed")


@dataclass(frozen=True)
class Match:
    """What differs; payments WeChat alone knows of, and legs whose end we have not heard yet."""

    matters: tuple[Matter, ...]
    unknown_payments: tuple[str, ...]
    legs_to_ask: tuple[int, ...]


@dataclass
class _Asked:
    payments: list[str] = field(default_factory=list)
    legs: list[int] = field(default_factory=list)


def match(book: Book) -> Match:
    """Every difference between the bill and what we hold, found anew."""
    found, asked = Matters(), _Asked()
    for number, lines in _by(book.trades, "transaction_id"):
        _payment(book, number, lines, found, asked)
    in_bill = {each.transaction_id for each in book.trades}
    for number, paid in book.payments.items():
        if clock.day_of(paid.row.success_at) == book.day and number not in in_bill:
            amount = Difference("trade", str(paid.row.amount_fen), "")
            found.add(NOT_IN_BILL, number, paid.row.out_trade_no, amount, payment=paid.row)
    for number, lines in _by(book.refunds, "out_refund_no"):
        _refund(book, number, lines, found, asked)
    for leg in book.unbilled:
        bill = "trade" if leg.row.channel == "refund" else "OPERATION"
        amount = Difference(bill, str(-leg.row.amount_fen), "")
        number = leg.row.provider_id or leg.row.provider_no
        found.add(NOT_IN_BILL, number, leg.row.provider_no, amount)
    asked.payments += bill_flow_match.match(book, found)
    return Match(found.all(), tuple(dict.fromkeys(asked.payments)), tuple(asked.legs))


def _payment(
    book: Book, number: str, lines: Sequence[WechatBillLine], found: Matters, asked: _Asked
) -> None:
    paid, our_no = book.payments.get(number), lines[0].out_trade_no or ""
    if len(lines) > 1:
        found.add(TWICE, number, our_no, Difference("trade", "1", str(len(lines))))
    if paid is None:
        amount = Difference("trade", "", str(lines[0].amount_fen))
        found.add(ONLY_IN_BILL, number, our_no, amount)
        asked.payments.append(number)
        return
    differences = [each for line in lines for each in _payment_differences(book, line, paid)]
    found.add(DIFFERS, number, paid.row.out_trade_no, *differences, payment=paid.row)


def _payment_differences(book: Book, line: WechatBillLine, paid: Paid) -> list[Difference]:
    ours, is_payer = paid.row, line.payer_index == paid.row.payer_index
    fee_fen = line.fee_fen or 0
    return differing(
        ("mchid", ours.mchid, line.mchid),
        ("appid", ours.appid, line.appid),
        ("out_trade_no", ours.out_trade_no, line.out_trade_no),
        ("amount", ours.amount_fen, line.amount_fen),
        ("payer", "the payer", "the payer" if is_payer else "other"),
        ("day", clock.day_of(ours.success_at), clock.day_of(line.moment)),
        ("bill-day", book.day, clock.day_of(line.moment)),
        ("fee", "0 or more", "0 or more" if fee_fen >= 0 else fee_fen),
        ("ledger", ours.amount_fen, paid.booked_fen),
    )


def _refund(
    book: Book, number: str, lines: Sequence[WechatBillLine], found: Matters, asked: _Asked
) -> None:
    leg, wechats_no = book.legs.get(number), lines[0].refund_id or number
    if len(lines) > 1:
        found.add(TWICE, wechats_no, number, Difference("trade", "1", str(len(lines))))
    if leg is None or leg.row.channel != "refund":
        amount = Difference("trade", "", str(-(lines[0].refund_fen or 0)))
        found.add(ONLY_IN_BILL, wechats_no, number, amount)
        return
    if any(_is_to_be_asked(line, leg) for line in lines):
        asked.legs.append(leg.row.id)
    differences = [each for line in lines for each in _refund_differences(book, line, leg)]
    found.add(DIFFERS, wechats_no, number, *differences)


def _refund_differences(book: Book, line: WechatBillLine, leg: Leg) -> list[Difference]:
    ours = leg.row
    is_booked = ours.state == "succeeded"
    return differing(
        ("mchid", wechat.pay().mchid, line.mchid),
        ("transaction_id", leg.transaction_id, line.transaction_id),
        ("refund_id", ours.provider_id or line.refund_id, line.refund_id),
        ("amount", ours.amount_fen, line.refund_fen),
        ("status", ours.state, _status(line, leg)),
        ("bill-day", book.day, clock.day_of(line.moment)),
        ("fee", "0 or less", "0 or less" if (line.fee_fen or 0) <= 0 else line.fee_fen),
        ("ledger", ours.amount_fen, leg.booked_fen if is_booked else ours.amount_fen),
    )


def _status(line: WechatBillLine, leg: Leg) -> str:
    """Our own state where the bill does not contradict it, else the bill's word."""
    told, ours = line.refund_status or "", leg.row
    if ours.first_called_at is None or (told not in _AGREES and told not in _STILL_OPEN):
        return told or "none"
    is_other_end = told in _AGREES and ours.state in _ENDED and ours.state not in _AGREES[told]
    return told if is_other_end else ours.state


def _is_to_be_asked(line: WechatBillLine, leg: Leg) -> bool:
    """Whether the bill knows an end that we do not know: we ask, and believe the answer."""
    ours = leg.row
    is_under_way = ours.first_called_at is not None and ours.state not in _ENDED
    return is_under_way and line.refund_status in _AGREES


def _by(lines: Sequence[WechatBillLine], name: str) -> Iterator[tuple[str, list[WechatBillLine]]]:
    def key(line: WechatBillLine) -> str:
        return getattr(line, name) or ""

    for number, some in groupby(sorted(lines, key=key), key=key):
        yield number, list(some)
