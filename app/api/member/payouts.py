"""The member's payouts, and what he has to confirm on his phone."""

from typing import Any

from marshmallow import Schema, fields

from app.api.auth import member, member_only
from app.api.documentation import views
from app.services import payout_views

blueprint = views("own-payouts", prefix="/v1/me/payouts", description="提取支付")


class ConfirmationSchema(Schema):
    """What `wx.requestMerchantTransfer` takes."""

    mchId = fields.String()  # noqa: N815 - WeChat's own names
    appId = fields.String()  # noqa: N815
    package = fields.String()


class OwnLegSchema(Schema):
    """A part of a payout; `confirmation` is there while the payee has to confirm it."""

    channel = fields.String()
    amount_fen = fields.Integer()
    state = fields.String()
    success_at = fields.AwareDateTime(allow_none=True)
    confirmation = fields.Nested(ConfirmationSchema, allow_none=True)


class OwnPayoutSchema(Schema):
    """Money on its way to the member; `paid_fen` of `amount_fen` have reached him."""

    payout_id = fields.String()
    amount_fen = fields.Integer()
    paid_fen = fields.Integer()
    state = fields.String()
    opened_at = fields.AwareDateTime()
    ended_at = fields.AwareDateTime(allow_none=True)
    legs = fields.List(fields.Nested(OwnLegSchema))


@blueprint.route("")
@blueprint.response(200, OwnPayoutSchema(many=True))
@member_only
def own_payouts() -> Any:
    """The newest hundred payouts."""
    return list(payout_views.own_payouts(member=member()))
