"""Transfers to users: how one moves from state to state, and its money with it."""

import json
import secrets
import sqlite3
from dataclasses import dataclass, replace
from typing import Any

from sandbox import purse
from sandbox.books_transfers import (
    ACCEPTED,
    CANCELING,
    CANCELLED,
    ENDED,
    FAIL,
    PROCESSING,
    SUCCESS,
    TRANSFERRING,
    WAITING,
    Transfer,
    due_transfers,
    read_ways,
    transfer_by_no,
    write_transfer,
)
from sandbox.clock import rfc3339
from sandbox.identity import Identity
from sandbox.notices import Told, write_notice
from sandbox.pay_problem import PayProblem
from sandbox.people import user_by_openid
from sandbox.sealed_field import sealed_for_merchant

CONFIRM_WITHIN_S = 86400

OVERDUE = "OVERDUE_CLOSE"
WRONG_NAME = "NAME_NOT_CORRECT"
# What a failure is put down to that a tester planned without giving a reason.
NO_BETTER_REASON = "PAYEE_ACCOUNT_ABNORMAL"

_ACCOUNT = "OPERATION"
_LOCKED, _GIVEN_BACK = "商家转账", "商家转账退回"


@dataclass(frozen=True)
class Look:
    """Who looks at the books and when; `send` is whether ends are told to the merchant."""

    identity: Identity
    at_s: int
    send: bool


def end_due(db: sqlite3.Connection, look: Look) -> bool:
    """What should have ended by now has: waiting too long, and being cancelled.

    True is returned if anything had to end. Every look at transfers or their account begins so.
    """
    found = due_transfers(db, at_s=look.at_s)
    for each in found:
        if each.state == WAITING:
            _move(db, each, FAIL, look, fail_reason=OVERDUE)
        else:
            _move(db, each, CANCELLED, look)
    return bool(found)


def place_transfer(db: sqlite3.Connection, asked: dict[str, Any], look: Look) -> Transfer:
    """The transfer stands in the books, its money locked, and is returned as the merchant sees it.

    The same request again gives the same transfer. `asked` has the name opened: sealed, it would
    differ each time. Raises PayProblem for a number used with other parameters, and NOT_ENOUGH.
    """
    canonical = json.dumps(asked, sort_keys=True, ensure_ascii=False)
    known = transfer_by_no(db, asked["out_bill_no"])
    if known is not None:
        if known.request != canonical:
            raise PayProblem(400, "INVALID_REQUEST", "商户单号已存在，且请求参数与首次请求不一致")
        return stepped(db, known, look)
    accepted = _accepted(db, canonical, asked=asked, look=look)
    user = user_by_openid(db, asked["openid"])
    if "user_name" in asked and (user is None or asked["user_name"] != user.name):
        # The merchant hears of it by a notice or a query: it was accepted all the same.
        _move(db, accepted, FAIL, look, fail_reason=WRONG_NAME)
        return accepted
    if accepted.path[:1] == [ACCEPTED]:
        accepted = replace(accepted, still_to_come=json.dumps(accepted.path[1:]))
        write_transfer(db, accepted)
        return accepted
    return stepped(db, accepted, look)


def _accepted(
    db: sqlite3.Connection, canonical: str, *, asked: dict[str, Any], look: Look
) -> Transfer:
    digits = rfc3339(look.at_s)[:10].replace("-", "")
    transfer = Transfer(
        out_bill_no=asked["out_bill_no"],
        transfer_bill_no=f"1330000{look.identity.mchid}{digits}{secrets.randbelow(10**15):015d}",
        request=canonical,
        package_info=secrets.token_urlsafe(48),
        state=ACCEPTED,
        fail_reason="",
        still_to_come=json.dumps(read_ways(db).path),
        created_s=look.at_s,
        updated_s=look.at_s,
        due_s=None,
    )
    write_transfer(db, transfer)
    try:
        _lock_money(db, transfer, at_s=look.at_s)
    except purse.NotEnough:
        raise PayProblem(403, "NOT_ENOUGH", "商户运营账户资金不足") from None
    return transfer


def stepped(db: sqlite3.Connection, transfer: Transfer, look: Look) -> Transfer:
    """The merchant looked: the transfer is returned, one state further on its planned path.

    While the user or a cancel has the word it stays as it is.
    """
    if transfer.state == WAITING or not transfer.path:
        return transfer
    return _move(db, transfer, transfer.path[0], look, path=transfer.path[1:])


def may_confirm(transfer: Transfer) -> bool:
    """Whether the page to confirm can be opened on the phone, for the first time or again."""
    return transfer.state in (WAITING, TRANSFERRING)


def confirm_transfer(db: sqlite3.Connection, transfer: Transfer, look: Look) -> Transfer:
    """The user has confirmed; the transfer is returned in the state planned next, or SUCCESS."""
    to, *path = transfer.path or [SUCCESS]
    return _move(db, transfer, to, look, path=path)


def cancel_transfer(db: sqlite3.Connection, transfer: Transfer, look: Look) -> Transfer:
    """The transfer is being cancelled, or was already, and returned. Raises PayProblem."""
    if transfer.state in (CANCELING, CANCELLED):
        return transfer
    if transfer.state not in (ACCEPTED, PROCESSING, WAITING):
        raise PayProblem(400, "INVALID_REQUEST", "当前单据状态不支持撤销")
    return _move(db, transfer, CANCELING, look)


def finish_transfer(
    db: sqlite3.Connection, transfer: Transfer, state: str, look: Look, *, fail_reason: str
) -> Transfer:
    """The transfer has ended as asked for and is returned; the caller has checked it may."""
    return _move(db, transfer, state, look, fail_reason=fail_reason)


def _move(
    db: sqlite3.Connection, transfer: Transfer, to: str, look: Look, *,
    fail_reason: str = "", path: list[str] | None = None,
) -> Transfer:  # fmt: skip
    ends_by_itself_s = {WAITING: CONFIRM_WITHIN_S, CANCELING: read_ways(db).cancel_s}
    moved = replace(
        transfer,
        state=to,
        fail_reason=fail_reason or (NO_BETTER_REASON if to == FAIL else ""),
        still_to_come=json.dumps(path or []),
        updated_s=look.at_s,
        due_s=look.at_s + ends_by_itself_s[to] if to in ends_by_itself_s else None,
    )
    write_transfer(db, moved)
    if to in (FAIL, CANCELLED):
        _give_back_money(db, moved, at_s=look.at_s)
    if to in ENDED:
        _tell(db, moved, look)
    return moved


def _lock_money(db: sqlite3.Connection, transfer: Transfer, *, at_s: int) -> None:
    fen = transfer.asked["transfer_amount"]
    purse.take(db, _ACCOUNT, fen=fen, at_s=at_s, reason=_reason(transfer, _LOCKED))


def _give_back_money(db: sqlite3.Connection, transfer: Transfer, *, at_s: int) -> None:
    fen = transfer.asked["transfer_amount"]
    purse.put(db, _ACCOUNT, fen=fen, at_s=at_s, reason=_reason(transfer, _GIVEN_BACK))


def _reason(transfer: Transfer, kind: str) -> purse.Reason:
    return purse.Reason(transfer.transfer_bill_no, kind, kind, transfer.out_bill_no)


def _tell(db: sqlite3.Connection, transfer: Transfer, look: Look) -> None:
    url = transfer.asked.get("notify_url")
    if url is None:
        return
    told = Told(
        about_kind="transfer",
        about_no=transfer.out_bill_no,
        event_type="MCHTRANSFER.BILL.FINISHED",
        original_type="mch_payment",
        summary="商家转账单据终态通知",
        facts=facts_of(transfer, look.identity),
        url=url,
    )
    write_notice(db, told, identity=look.identity, at_s=look.at_s, send=look.send)


def facts_of(transfer: Transfer, identity: Identity) -> dict[str, Any]:
    """What a query answers about the transfer, and what a notice tells, is returned."""
    asked = transfer.asked
    facts = {
        "mch_id": identity.mchid,
        "out_bill_no": transfer.out_bill_no,
        "transfer_bill_no": transfer.transfer_bill_no,
        "appid": identity.appid,
        "state": transfer.state,
        "transfer_amount": asked["transfer_amount"],
        "transfer_remark": asked["transfer_remark"],
        "openid": asked["openid"],
        "create_time": rfc3339(transfer.created_s),
        "update_time": rfc3339(transfer.updated_s),
    }
    if transfer.fail_reason:
        facts["fail_reason"] = transfer.fail_reason
    if "user_name" in asked:
        facts["user_name"] = sealed_for_merchant(identity, asked["user_name"])
    return facts
