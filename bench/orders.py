"""Workers and their orders, written straight into the tables: a bench needs thousands of them."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import cycle, islice
from typing import Any, cast

from app import clock, ids, vault
from app.db import transaction
from app.models import IdempotencyKey, PaymentOrder
from app.services import deposits
from bench.notices import AMOUNT_FEN
from bench.place import Place
from sandbox.orders import Order
from tests.house import House
from tests.short_cuts import Worker, a_worker


def new_workers(place: Place, count: int) -> list[Worker]:
    """So many people who have done everything before the first deposit."""
    house = cast("House", place)  # of a house, the short cut needs the application alone
    return [a_worker(house, openid=f"bench-{number}") for number in range(count)]


def new_orders(
    place: Place, workers: list[Worker], count: int, *, at: datetime, asked_at: datetime
) -> list[Order]:
    """So many orders made at one moment, in turn by these workers, as WeChat knows them once paid.

    The follow-up asks after them from `asked_at` on.
    """
    with place.app.app_context(), transaction() as session:
        rows = [_row(place, each, at, asked_at) for each in islice(cycle(workers), count)]
        session.add_all(rows)
        session.flush()
        session.add_all([_key(row) for row in rows])
        return list(_paid(rows, at))


def _row(place: Place, worker: Worker, at: datetime, asked_at: datetime) -> PaymentOrder:
    gateway: Any = place.app.extensions["lingcun-pay"]
    return PaymentOrder(
        public_id=ids.new_public_id("dep"),
        person_id=worker.person_id,
        agreement_id=worker.agreement_id,
        policy_version_id=worker.policy_version_id,
        out_trade_no=ids.new_out_trade_no(),
        amount_fen=AMOUNT_FEN,
        appid=gateway.appid,
        mchid=gateway.mchid,
        payer_openid=worker.openid,
        payer_index=vault.blind_index(worker.openid, purpose="openid"),
        state="prepaid",
        prepay_id="bench",
        prepay_called_at=at,
        ordered_on=clock.day_of(at),
        created_at=at,
        expires_at=at + timedelta(minutes=30),
        next_query_at=asked_at,
        queries=0,
    )


def _key(row: PaymentOrder) -> IdempotencyKey:
    return IdempotencyKey(
        person_id=row.person_id,
        route=deposits.ROUTE,
        key=f"bench-{row.id}",
        body_sha256="0" * 64,
        order_id=row.id,
        created_at=row.created_at,
    )


def _paid(rows: Iterable[PaymentOrder], at: datetime) -> Iterator[Order]:
    for row in rows:
        yield Order(
            out_trade_no=row.out_trade_no,
            request="",
            openid=row.payer_openid,
            total_fen=row.amount_fen,
            attach="",
            notify_url="",
            until_s=int(at.timestamp()),
            is_stray=0,
            state="SUCCESS",
            transaction_id=f"4200{row.id:024d}",
            success_s=int(at.timestamp()),
        )
