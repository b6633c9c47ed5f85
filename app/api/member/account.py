"""The member's account: balance, movements, and one balance per calendar day."""

from typing import Any

from marshmallow import Schema, fields

from app import clock
from app.api.auth import member, member_only
from app.api.documentation import views
from app.api.fields import Body, Day, QueryNumber
from app.services import accounts

blueprint = views("account", prefix="/v1/me/account", description="账户")


class AccountSchema(Schema):
    """The account; amounts in fen, status by JGJ/T 320 A.6."""

    account_no = fields.String()
    status = fields.String()
    opened_on = fields.Date()
    flexible_fen = fields.Integer()
    unit_fen = fields.Integer()
    first_credit_on = fields.Date(allow_none=True)


class PostingSchema(Schema):
    """One movement."""

    seq = fields.Integer()
    kind = fields.String()
    reason = fields.String()
    value_on = fields.Date()
    booked_on = fields.Date()
    delta_fen = fields.Integer()


class PageQuery(Body):
    """A page, newest first."""

    before_seq = QueryNumber(1, 10**15, load_default=None)
    limit = QueryNumber(1, 100, load_default=20)


class DaysQuery(Body):
    """Both days are shown; at most 366."""

    from_on = Day(data_key="from", required=True)
    to_on = Day(data_key="to", required=True)


class DayBalanceSchema(Schema):
    """The balance at the end of a calendar day, and the running balance-day product."""

    day = fields.Date()
    closing_fen = fields.Integer()
    product_fen_days = fields.Integer()
    moved = fields.Boolean()


@blueprint.route("")
@blueprint.response(200, AccountSchema)
@blueprint.may_conflict
@member_only
def my_account() -> Any:
    """The account as it stands."""
    return accounts.account_of(member=member())


@blueprint.route("/postings")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, PostingSchema(many=True))
@blueprint.may_conflict
@member_only
def my_postings(query: dict[str, Any]) -> Any:
    """A page of movements."""
    return list(accounts.postings_of(member=member(), **query))


@blueprint.route("/daily-balances")
@blueprint.arguments(DaysQuery, location="query")
@blueprint.response(200, DayBalanceSchema(many=True))
@blueprint.may_conflict
@member_only
def my_daily_balances(query: dict[str, Any]) -> Any:
    """One row per calendar day."""
    return list(accounts.daily_balances(member=member(), at=clock.now(), **query))
