"""WeChat's books against ours: nothing is lost, nothing stands twice, every fen is explained."""

from typing import Any

from sqlalchemy import case, func, select

from app.ledger import chart
from app.models import PaymentOrder, PayoutLeg, Posting, WechatPayment
from tests.house import House

REFUND_STATES = {"SUCCESS": {"succeeded"}, "CLOSED": {"failed"}, "ABNORMAL": {"abnormal"}}
TRANSFER_STATES = {"SUCCESS": {"succeeded"}, "FAIL": {"failed"}, "CANCELLED": {"failed"}}
NOT_OVER = {"unknown", "processing", "waiting-for-payee"}
ORDER_STATES = {"SUCCESS": {"credited", "closed"}, "NOTPAY": {"prepaid"}, "CLOSED": {"closed"}}


def assert_both_books_agree(house: House) -> None:
    """Every order, payment, refund and transfer stands once in each book, and says the same."""
    theirs = house.books()
    transfers = house._control("GET", "transfers")["transfers"]
    assert_orders(house, theirs["orders"])
    assert_payments(house, theirs["transactions"])
    back = {each["out_refund_no"]: (each["amount"], each["status"]) for each in theirs["refunds"]}
    assert_legs(house, "refund", back, REFUND_STATES)
    sent = {each["out_bill_no"]: (each["transfer_amount"], each["state"]) for each in transfers}
    assert_legs(house, "transfer", sent, TRANSFER_STATES)
    came_fen = sum(each["amount_total"] for each in theirs["transactions"])
    assert in_our_books(house, chart.WECHAT_IN_TRANSIT) == came_fen - ended_fen(back)
    assert in_our_books(house, chart.WECHAT_OPERATING) == -ended_fen(sent)


def assert_orders(house: House, theirs: list[dict[str, Any]]) -> None:
    """WeChat has every order of ours that could be paid, and we have those that are not strays."""
    rows = house.rows(select(PaymentOrder.out_trade_no, PaymentOrder.state))
    ours = dict(map(tuple, rows))
    assert len(ours) == len(rows)
    known = {each["out_trade_no"]: each["trade_state"] for each in theirs}
    assert {no for no, state in ours.items() if state in ("prepaid", "credited")} <= set(known)
    placed = {no: state for no, state in known.items() if not no.startswith("STRAY")}
    differ = {no: state for no, state in placed.items() if ours.get(no) not in ORDER_STATES[state]}
    assert differ == {}, ours


def assert_payments(house: House, theirs: list[dict[str, Any]]) -> None:
    """Each payment WeChat took stands in our books once, with its amount."""
    rows = house.rows(select(WechatPayment.transaction_id, WechatPayment.amount_fen))
    assert sorted(map(tuple, rows)) == sorted(
        (e["transaction_id"], e["amount_total"]) for e in theirs
    )


def assert_legs(
    house: House, channel: str, theirs: dict[str, tuple[int, str]], states: dict[str, set[str]]
) -> None:
    """Each refund or transfer WeChat knows is one leg of ours, as it stands there."""
    rows = house.rows(
        select(PayoutLeg.provider_no, PayoutLeg.amount_fen, PayoutLeg.state).where(
            PayoutLeg.channel == channel
        )
    )
    ours = {number: (amount_fen, state) for number, amount_fen, state in rows}
    assert {no for no, (_, state) in ours.items() if state == "succeeded"} <= set(theirs)
    for number, (amount_fen, state) in theirs.items():
        assert ours[number][0] == amount_fen
        assert ours[number][1] in states.get(state, NOT_OVER), (number, ours[number], state)


def ended_fen(theirs: dict[str, tuple[int, str]]) -> int:
    """What WeChat has paid out."""
    return sum(amount_fen for amount_fen, state in theirs.values() if state == "SUCCESS")


def in_our_books(house: House, code: str) -> int:
    """The account's debit balance by our postings."""
    side = case((Posting.debit_code == code, 1), else_=0) - case(
        (Posting.credit_code == code, 1), else_=0
    )
    return int(house.rows(select(func.coalesce(func.sum(Posting.amount_fen * side), 0)))[0][0])
