"""api.mch.weixin.qq.com: what lies in the merchant's accounts, now and at the end of a day."""

from datetime import date, datetime

from flask import Blueprint, Response, request

from sandbox.catching_up import catch_up
from sandbox.clock import BEIJING
from sandbox.pay_door import json_answer, keep_door
from sandbox.pay_problem import PayProblem
from sandbox.purse import ACCOUNTS, BASIC, at_end_of, available, unsettled
from sandbox.world import this_world

pay_balance = Blueprint("pay_balance", __name__, url_prefix="/v3/merchant/fund")
keep_door(pay_balance)


@pay_balance.get("/balance/<account>")
def balance(account: str) -> Response:
    """What lies in the account now is answered; pending is what was collected today."""
    _require_account(account)
    world = this_world()
    at_s = world.clock.now_s()
    with world.books.open() as db:
        catch_up(db, world)
        pending_fen = unsettled(db, at_s=at_s) if account == BASIC else 0
        return _amounts(available(db, account, at_s=at_s), pending_fen)


@pay_balance.get("/dayendbalance/<account>")
def day_end_balance(account: str) -> Response:
    """What lay in the account when that past day ended is answered."""
    _require_account(account)
    day = _past_day()
    world = this_world()
    with world.books.open() as db:
        catch_up(db, world)
        return _amounts(*at_end_of(db, account, day, at_s=world.clock.now_s()))


def _amounts(available_fen: int, pending_fen: int) -> Response:
    return json_answer({"available_amount": available_fen, "pending_amount": pending_fen})


def _require_account(account: str) -> None:
    if account not in ACCOUNTS:
        issue = f"应为{'/'.join(ACCOUNTS)}"
        detail: dict[str, object] = {"location": "path", "field": "account_type", "issue": issue}
        message = f"参数错误：account_type {issue}"
        raise PayProblem(400, "PARAM_ERROR", message, detail=detail)


def _past_day() -> date:
    given = request.args.get("date", "")
    try:
        day = datetime.strptime(given, "%Y-%m-%d").replace(tzinfo=BEIJING).date()
    except ValueError:
        raise _wrong_date() from None
    if given != day.isoformat():
        raise _wrong_date()
    if day >= this_world().clock.now().astimezone(BEIJING).date():
        raise PayProblem(400, "INVALID_REQUEST", "只能查询今天以前的日终余额")
    return day


def _wrong_date() -> PayProblem:
    issue = "格式应为yyyy-MM-dd"
    detail: dict[str, object] = {"location": "query", "field": "date", "issue": issue}
    return PayProblem(400, "PARAM_ERROR", f"参数错误：date {issue}", detail=detail)
