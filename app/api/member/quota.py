"""What the member could borrow, step by step, and what would change it."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validates_schema

from app import clock
from app.api.auth import member, member_only
from app.api.documentation import views
from app.api.fields import AmountFen, Body, Day, Text, one_of
from app.services import quotas
from app.services.quotas import LumpSum, Monthly, WhatIfPlan

blueprint = views("quota", prefix="/v1/me/quota", description="可贷额度")


class QuotaQuery(Body):
    """First or second home is the member's own declaration; `on` is today or a day before."""

    home = Text(longest=6, load_default="first", validate=[one_of("first", "second")])
    on = Day(load_default=None)


class AverageSchema(Schema):
    """The exact average is `product_fen_days / days`; `rounded_fen` is for showing."""

    product_fen_days = fields.Integer()
    days = fields.Integer()
    rounded_fen = fields.Integer()


class StepSentenceSchema(Schema):
    """A step of the formula: what it says, and on which clause it rests."""

    code = fields.String()
    sentence = fields.String()
    clause = fields.String()


class SentenceSchema(StepSentenceSchema):
    """Something missing, or coming: the day, months and coefficient where it has them."""

    from_on = fields.Date(allow_none=True, dump_default=None)
    months = fields.Integer(allow_none=True, dump_default=None)
    coefficient = fields.String(allow_none=True, dump_default=None)


class QuotaSchema(Schema):
    """The quota with everything it rests on."""

    on = fields.Date(attribute="explanation.on")
    quota_fen = fields.Integer(attribute="explanation.quota_fen")
    home = fields.String(attribute="explanation.home")
    home_declared_by_worker = fields.Boolean(attribute="explanation.home_declared_by_worker")
    average = fields.Nested(AverageSchema, attribute="explanation.average")
    multiplier = fields.Integer(attribute="explanation.multiplier")
    months = fields.Integer(attribute="explanation.months")
    coefficient = fields.String(attribute="explanation.coefficient", allow_none=True)
    first_credit_on = fields.Date(attribute="explanation.first_credit_on", allow_none=True)
    caps = fields.List(fields.String(), attribute="explanation.caps")
    missing = fields.List(fields.Nested(SentenceSchema), attribute="explanation.missing")
    next_step = fields.Nested(SentenceSchema, attribute="explanation.next_step", allow_none=True)
    steps = fields.List(
        fields.Nested(StepSentenceSchema),
        attribute="explanation.steps",
    )
    policy_code = fields.String(attribute="explanation.policy_code")
    policy_note = fields.String(attribute="explanation.policy_note")
    policy_sha256 = fields.String()
    balance_fen = fields.Integer()
    account_seq = fields.Integer()


class PlanBody(Body):
    """`lump-sum` needs `on`, `monthly` needs `from_on`; amounts in fen."""

    kind = Text(longest=8, required=True, validate=[one_of("lump-sum", "monthly")])
    amount_fen = AmountFen(required=True)
    on = Day(load_default=None)
    from_on = Day(load_default=None)
    home = Text(longest=6, load_default="first", validate=[one_of("first", "second")])

    @validates_schema
    def _the_day_of_its_kind(self, data: dict[str, Any], **_: Any) -> None:
        needed, other = ("on", "from_on") if data["kind"] == "lump-sum" else ("from_on", "on")
        if data[needed] is None:
            raise ValidationError("必填。", needed)
        if data[other] is not None:
            raise ValidationError("此计划不使用该字段。", other)


class ProjectedSchema(Schema):
    """The quota the plan would lead to on a day."""

    on = fields.Date()
    balance_fen = fields.Integer()
    average_fen = fields.Integer()
    quota_fen = fields.Integer()
    months = fields.Integer()
    coefficient = fields.String(allow_none=True)


class WhatIfSchema(Schema):
    """A dated series, and what it leaves out."""

    series = fields.List(fields.Nested(ProjectedSchema))
    note = fields.String()
    policy_code = fields.String()
    policy_note = fields.String()


@blueprint.route("")
@blueprint.arguments(QuotaQuery, location="query")
@blueprint.response(200, QuotaSchema)
@blueprint.may_conflict
@member_only
def my_quota(query: dict[str, Any]) -> Any:
    """The quota on a day, explained."""
    return quotas.live_quota(member=member(), at=clock.now(), **query)


@blueprint.route("/what-if", methods=["POST"])
@blueprint.arguments(PlanBody)
@blueprint.response(200, WhatIfSchema)
@blueprint.may_conflict
@member_only
def what_if(body: dict[str, Any]) -> Any:
    """How the quota would grow; nothing is stored."""
    return quotas.what_if(member=member(), plan=_plan(body), home=body["home"], at=clock.now())


def _plan(body: dict[str, Any]) -> WhatIfPlan:
    if body["kind"] == "lump-sum":
        return LumpSum(body["amount_fen"], body["on"])
    return Monthly(body["amount_fen"], body["from_on"])
