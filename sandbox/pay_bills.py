"""Bills of WeChat Pay: asked for by day, then fetched under a token of five minutes."""

import gzip
import json
import secrets
import sqlite3
from datetime import date, datetime, timedelta

from flask import Blueprint, Response, request

from sandbox.authorization import BILL_FILE_PATH
from sandbox.bill_faults import hit, spoiled_rows
from sandbox.bill_rows import Span, fundflow_rows, trade_rows
from sandbox.bill_text import FUNDFLOW, TRADE_COLUMNS, Row, bill_bytes, bill_hash
from sandbox.catching_up import catch_up
from sandbox.clock import BEIJING
from sandbox.pay_door import dripping, json_answer, keep_door
from sandbox.pay_problem import PayProblem
from sandbox.purse import ACCOUNTS, BASIC
from sandbox.world import this_world

pay_bills = Blueprint("pay_bills", __name__, url_prefix="/v3/bill")
keep_door(pay_bills)
pay_bill_files = Blueprint("pay_bill_files", __name__)
keep_door(pay_bill_files, signed=False)

TOKEN_LIFE_S = 300
READY_FROM_HOUR = 10
MONTHS_KEPT = 3


@pay_bills.get("/tradebill")
def trade_bill() -> Response:
    """Where the bill of a day's payments and refunds can be fetched is answered."""
    kind = _choice("bill_type", tuple(TRADE_COLUMNS), otherwise="ALL")
    on = _bill_date()
    world = this_world()
    with world.books.open() as db:
        catch_up(db, world)
        rows = _snapshot(db, on, kind) or trade_rows(db, world.identity, span=_span(on), kind=kind)
        return _handed_over(db, rows, on=on, page=kind, kind=kind)


@pay_bills.get("/fundflowbill")
def fundflow_bill() -> Response:
    """Where the bill of a day's moves of one account can be fetched is answered."""
    account = _choice("account_type", ACCOUNTS, otherwise=BASIC)
    on = _bill_date()
    world = this_world()
    with world.books.open() as db:
        catch_up(db, world)
        rows = _snapshot(db, on, account) or fundflow_rows(
            db, world.identity, span=_span(on), account=account
        )
        return _handed_over(db, rows, on=on, page=account, kind=FUNDFLOW)


@pay_bill_files.get(BILL_FILE_PATH)
def bill_file() -> Response:
    """The bytes of the bill are the answer, unsigned."""
    world = this_world()
    with world.books.open() as db:
        row = db.execute(
            "SELECT * FROM bill_token WHERE token = ? AND until_s > ?",
            (request.args.get("token"), world.clock.now_s()),
        ).fetchone()
    if row is None:
        raise PayProblem(400, "INVALID_REQUEST", "账单下载地址已失效，请重新申请账单")
    content = gzip.compress(row["content"], mtime=0) if row["is_gzip"] else row["content"]
    if hit(world.faults, "bill_truncated", kind=row["kind"]):
        content = content[: len(content) * 2 // 3]
    response = Response(content, content_type="application/octet-stream")
    if hit(world.faults, "bill_slow", kind=row["kind"]):
        response.response = dripping(content)
        response.content_length = len(content)
    return response


def forget_bills(db: sqlite3.Connection) -> None:
    """Every bill will be made anew from the books; links to the old ones are dead."""
    db.execute("DELETE FROM bill")
    db.execute("DELETE FROM bill_token")


def _snapshot(db: sqlite3.Connection, on: date, page: str) -> list[Row] | None:
    row = db.execute(
        "SELECT lines FROM bill WHERE bill_date = ? AND kind = ?", (on.isoformat(), page)
    ).fetchone()
    return json.loads(row["lines"]) if row else None


def _handed_over(
    db: sqlite3.Connection, rows: list[Row], *, on: date, page: str, kind: str
) -> Response:
    if not rows:
        raise PayProblem(400, "NO_STATEMENT_EXIST", "账单文件不存在")
    # Once made, a bill is what it is: later payments dated back do not enter it.
    db.execute(
        "INSERT OR IGNORE INTO bill VALUES (?, ?, ?)",
        (on.isoformat(), page, json.dumps(rows, ensure_ascii=False)),
    )
    world = this_world()
    faults = world.faults
    content = bill_bytes(
        kind,
        spoiled_rows(faults, rows, kind=kind),
        count_off=int(hit(faults, "bill_wrong_summary", kind=kind)),
        bom=not hit(faults, "bill_no_bom", kind=kind),
    )
    hashed = content + b" " if hit(faults, "bill_wrong_hash", kind=kind) else content
    token = secrets.token_urlsafe(48)
    db.execute("DELETE FROM bill_token WHERE until_s <= ?", (world.clock.now_s(),))
    db.execute(
        "INSERT INTO bill_token VALUES (?, ?, ?, ?, ?)",
        (token, content, _wants_gzip(), kind, world.clock.now_s() + TOKEN_LIFE_S),
    )
    url = f"{request.host_url.rstrip('/')}{BILL_FILE_PATH}?token={token}"
    return json_answer({"hash_type": "SHA1", "hash_value": bill_hash(hashed), "download_url": url})


def _bill_date() -> date:
    given = request.args.get("bill_date", "")
    try:
        on = datetime.strptime(given, "%Y-%m-%d").replace(tzinfo=BEIJING).date()
    except ValueError:
        raise _wrong_query("bill_date", "格式应为yyyy-MM-dd") from None
    if given != on.isoformat():
        raise _wrong_query("bill_date", "格式应为yyyy-MM-dd")
    now = this_world().clock.now().astimezone(BEIJING)
    if on > now.date():
        raise PayProblem(400, "INVALID_REQUEST", "账单日期不能晚于当前日期")
    if on < _months_before(now.date()):
        raise PayProblem(400, "INVALID_REQUEST", "仅支持三个月内的账单下载申请")
    kind = FUNDFLOW if "fundflow" in request.path else "ALL"
    ready = datetime(on.year, on.month, on.day, READY_FROM_HOUR, tzinfo=BEIJING)
    if now < ready + timedelta(days=1) or hit(this_world().faults, "bill_creating", kind=kind):
        raise PayProblem(400, "STATEMENT_CREATING", "账单生成中，请稍后再试")
    return on


def _months_before(today: date) -> date:
    months = today.year * 12 + today.month - 1 - MONTHS_KEPT
    first = date(months // 12, months % 12 + 1, 1)
    after = date((months + 1) // 12, (months + 1) % 12 + 1, 1)
    return first + timedelta(days=min(today.day, (after - first).days) - 1)


def _span(on: date) -> Span:
    start = datetime(on.year, on.month, on.day, tzinfo=BEIJING)
    return Span(int(start.timestamp()), int((start + timedelta(days=1)).timestamp()))


def _choice(name: str, known: tuple[str, ...], *, otherwise: str) -> str:
    given = request.args.get(name, otherwise)
    if given not in known:
        raise _wrong_query(name, f"应为{'/'.join(known)}")
    return given


def _wants_gzip() -> bool:
    return "tar_type" in request.args and _choice("tar_type", ("GZIP",), otherwise="") == "GZIP"


def _wrong_query(name: str, issue: str) -> PayProblem:
    detail: dict[str, object] = {"location": "query", "field": name, "issue": issue}
    return PayProblem(400, "PARAM_ERROR", f"参数错误：{name} {issue}", detail=detail)
