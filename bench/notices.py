"""Notices of payments, sealed and signed as WeChat does it, by the sandbox."""

from collections.abc import Iterable
from dataclasses import dataclass

from app import clock
from sandbox.identity import Identity
from sandbox.notices import new_notice_id, notice_headers, payment_told, sealed_notice
from sandbox.orders import Order

AMOUNT_FEN = 50_000


@dataclass(frozen=True)
class Notice:
    """What WeChat posts to tell of a payment."""

    headers: dict[str, str]
    body: bytes


def new_notices(identity: Identity, orders: Iterable[Order]) -> list[Notice]:
    """The notices of these payments, signed this second."""
    at_s, notices = int(clock.now().timestamp()), []
    for order in orders:
        told = payment_told(order, identity)
        body = sealed_notice(identity, told, notice_id=new_notice_id(), at_s=at_s)
        notices.append(Notice(notice_headers(identity, body, at_s=at_s), body))
    return notices
