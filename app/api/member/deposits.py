"""Depositing with WeChat Pay: order, pay on the phone, ask, cancel."""

from typing import Any

from marshmallow import Schema, fields, validate

from app import clock
from app.api.auth import member, member_only
from app.api.documentation import views
from app.api.fields import AmountFen, Body, Headers, QueryNumber, Text, body_sha256
from app.services import deposits, own_deposits, payment_follow_up

blueprint = views("deposits", prefix="/v1/me/deposits", description="缴存")


class DepositBody(Body):
    """How much, in fen."""

    amount_fen = AmountFen(required=True)


class KeyHeader(Headers):
    """One key per intent: repeat it when the network failed, never for another deposit."""

    idempotency_key = Text(
        data_key="Idempotency-Key",
        longest=64,
        required=True,
        validate=[
            validate.Regexp(r"^[A-Za-z0-9_-]{8,64}\Z", error="应为8至64位字母、数字、-或_。")
        ],
    )


class PageQuery(Body):
    """A page, newest first."""

    before = Text(longest=40, load_default=None)
    limit = QueryNumber(1, 100, load_default=20)


class DepositSchema(Schema):
    """A deposit: `pending`, `credited` or `closed`."""

    deposit_id = fields.String()
    state = fields.String()
    amount_fen = fields.Integer()
    created_at = fields.AwareDateTime()
    expires_at = fields.AwareDateTime()
    paid_at = fields.AwareDateTime(allow_none=True)
    value_on = fields.Date(allow_none=True)


class PayableSchema(Schema):
    """The deposit and what `wx.requestPayment` takes; null once it cannot be paid any more."""

    deposit = fields.Nested(DepositSchema)
    payment_parameters = fields.Dict(keys=fields.String(), values=fields.String(), allow_none=True)


@blueprint.route("", methods=["POST"])
@blueprint.arguments(KeyHeader, location="headers")
@blueprint.arguments(DepositBody)
@blueprint.response(201, PayableSchema)
@blueprint.may_conflict
@member_only
def order_deposit(headers: dict[str, str], body: dict[str, Any]) -> Any:
    """An order that can be paid; the same key and body give the same order again."""
    return deposits.order_deposit(
        member=member(),
        key=headers["idempotency_key"],
        body_sha256=body_sha256(body),
        at=clock.now(),
        **body,
    )


@blueprint.route("", methods=["GET"])
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, DepositSchema(many=True))
@blueprint.may_conflict
@member_only
def my_deposits(query: dict[str, Any]) -> Any:
    """A page of the member's deposits."""
    return list(own_deposits.deposits_of(member=member(), **query))


@blueprint.route("/<string:deposit_id>")
@blueprint.response(200, DepositSchema)
@member_only
def one_deposit(deposit_id: str) -> Any:
    """One deposit as it stands here."""
    return own_deposits.deposit_of(member=member(), deposit_id=deposit_id)


@blueprint.route("/<string:deposit_id>/settle", methods=["POST"])
@blueprint.response(200, DepositSchema)
@blueprint.may_conflict
@member_only
def settle_deposit(deposit_id: str) -> Any:
    """The deposit after asking WeChat: what the phone calls when `wx.requestPayment` returns."""
    return payment_follow_up.settle_order(member=member(), deposit_id=deposit_id, at=clock.now())


@blueprint.route("/<string:deposit_id>/cancel", methods=["POST"])
@blueprint.response(200, DepositSchema)
@blueprint.may_conflict
@member_only
def cancel_deposit(deposit_id: str) -> Any:
    """The deposit is closed at WeChat and here, unless it was paid."""
    return payment_follow_up.cancel_order(member=member(), deposit_id=deposit_id, at=clock.now())
