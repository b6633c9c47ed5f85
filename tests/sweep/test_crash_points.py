"""F1, F23: whoever dies at whatever point, asking again puts everything right, once.

`SWEEP=full` walks every point of every flow; otherwise each database takes its share of them, and
both together take all.
"""

import uuid
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

from sqlalchemy import func, select

from app import clock
from app.models import (
    BookDay,
    BookDayTotal,
    FundAccount,
    IdempotencyKey,
    Journal,
    PaymentOrder,
    SubAccount,
)
from app.services import book_days
from sandbox.phone import Phone
from tests.house import STARTS_AT, House
from tests.short_cuts import Worker, a_phone, a_worker, credit, noon
from tests.sweep.crash_points import Points, outlived
from tests.sweep.walking import IS_FULL, Record, tell

AMOUNT = 100_000
MINUTE = timedelta(minutes=1)


def points(house: House) -> Iterator[int]:
    """The points this run takes of a flow: all, or every second one, the other half elsewhere."""
    is_postgres = house.database.app_url.startswith("postgresql")
    point = 1 if IS_FULL or is_postgres else 2
    while True:
        yield point
        point += 1 if IS_FULL else 2


def swept(house: House, record: Record, name: str, attempt: Callable[[int], Points | None]) -> int:
    """The flow was tried with a death at each point until it outlived one; how often it died."""
    deaths = 0
    for point in points(house):
        if found := attempt(point):
            tell(record, house, name, found, deaths)
            break
        deaths += 1
    return deaths


def test_a_notice_whose_worker_dies_is_credited_once_when_it_comes_again(
    house: House, record_property: Record
) -> None:
    """WeChat sends again, or we ask: half of the deaths are healed each way."""

    def attempt(point: int) -> Points | None:
        moment = house.at(STARTS_AT + point * 2 * MINUTE)
        phone, worker = a_phone(house)
        phone.deposit(AMOUNT, notify=False)
        path = f"orders/{house.out_trade_no()}/notice"
        notice = house.play(path)

        found = outlived(house, point, lambda: taken(house, notice))

        house.at(moment + 1.1 * MINUTE)
        if point // 2 % 2:
            house.run_job("follow-up-payments")
            assert_credited_once(house, worker)
        assert house.send_notice(house.play(path)).status_code == 204
        assert_credited_once(house, worker)
        return found

    assert swept(house, record_property, "a notice healed either way", attempt) > (
        20 if IS_FULL else 10
    )


def taken(house: House, notice: dict[str, Any]) -> None:
    answer = house.app.test_client().post(
        "/v1/notices/wechat-pay", data=notice["body"].encode(), headers=notice["headers"]
    )
    assert answer.status_code == 204, answer.text


def test_a_follow_up_that_dies_is_finished_by_the_next_one(
    house: House, record_property: Record
) -> None:
    def attempt(point: int) -> Points | None:
        moment = house.at(STARTS_AT + point * 10 * MINUTE)
        phone, worker = a_phone(house)
        phone.deposit(AMOUNT, notify=False)
        house.at(moment + 1.1 * MINUTE)

        found = outlived(house, point, lambda: house.run_job("follow-up-payments"))

        house.run_job("follow-up-payments")
        assert_credited_once(house, worker)
        return found

    assert swept(house, record_property, "a follow-up in a full house", attempt) > (
        20 if IS_FULL else 10
    )


def assert_credited_once(house: House, worker: Worker) -> None:
    rows = house.rows(
        select(SubAccount.balance_fen, SubAccount.last_seq)
        .join(FundAccount, FundAccount.id == SubAccount.account_id)
        .where(FundAccount.person_id == worker.person_id, SubAccount.kind == "flexible")
    )
    assert rows == [(AMOUNT, 1)]


def test_an_order_whose_worker_dies_can_be_paid_under_the_same_key(
    house: House, record_property: Record
) -> None:
    """P8: whatever was lost, the key gives one order that can be paid, at WeChat and here."""

    def attempt(point: int) -> Points | None:
        moment = house.at(STARTS_AT + point * MINUTE)
        phone, worker = a_phone(house)
        key = uuid.uuid4().hex

        found = outlived(house, point, lambda: ordered(house, phone, key))

        house.at(moment + 0.5 * MINUTE)
        again = phone.order(AMOUNT, key=key)
        phone.wechat.pay(again["payment_parameters"], notify=False)
        assert phone.settle(again["deposit"]["deposit_id"])["state"] == "credited"
        assert_one_order(house, phone, worker)
        return found

    assert swept(house, record_property, "an order in a full house", attempt) > (
        10 if IS_FULL else 5
    )


def ordered(house: House, phone: Phone, key: str) -> None:
    token = str(phone._http.headers["Authorization"])
    answer = house.app.test_client().post(
        "/v1/me/deposits",
        json={"amount_fen": AMOUNT},
        headers={"Authorization": token, "Idempotency-Key": key},
    )
    assert answer.status_code == 201, answer.text


def assert_one_order(house: House, phone: Phone, worker: Worker) -> None:
    for table in (PaymentOrder, IdempotencyKey):
        query = select(func.count()).where(table.person_id == worker.person_id)
        assert house.rows(query) == [(1,)]
    at_wechat = [each for each in house.books()["orders"] if each["openid"] == phone.wechat.openid]
    assert len(at_wechat) == 1
    assert_credited_once(house, worker)


def test_a_day_close_that_dies_is_finished_by_the_next_one(
    house: House, record_property: Record
) -> None:
    """F23: the same totals as of one clean run."""
    worker = a_worker(house)

    def attempt(point: int) -> Points | None:
        first = date(2026, 3, 2) + timedelta(days=2 * point)
        house.at(noon(first))
        seal(house)
        credit(house, worker, 100, paid_at=noon(first))
        house.at(noon(first + timedelta(days=2)))

        found = outlived(house, point, lambda: seal(house))
        seal(house)

        assert house.rows(select(func.count()).where(BookDay.sealed_at.is_(None))) == [(0,)]
        totals = select(BookDayTotal.code, BookDayTotal.debit_fen, BookDayTotal.credit_fen)
        assert house.rows(totals.where(BookDayTotal.day == first).order_by("code")) == [
            ("10109", 100, 0),
            ("20102", 0, 100),
        ]
        return found

    assert swept(house, record_property, "a day close", attempt) > (10 if IS_FULL else 5)
    assert house.rows(select(func.count()).select_from(Journal))[0][0] > 5


def seal(house: House) -> None:
    with house.app.app_context():
        book_days.seal_overdue_days(at=clock.now())
