"""Depositors: found by exact or masked keys, seen masked on one page, unmasked for a reason."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from app import clock
from app.api.auth import staff, staff_only
from app.api.documentation import views
from app.api.fields import Body, Text, one_of
from app.api.member.account import AccountSchema, PageQuery, PostingSchema
from app.api.member.quota import QuotaSchema
from app.api.problems import ReasonSchema
from app.services import people
from app.services.people import Keys

blueprint = views("people", prefix="/v1/staff/people", description="缴存人")

_MASKED_ID = validate.Regexp(r"^[0-9]\*{16}[0-9X]\Z", error="应形如 3****************6。")
_MASKED_PHONE = validate.Regexp(r"^[0-9]{3}\*{4}[0-9]{4}\Z", error="应形如 138****1234。")


class KeysBody(Body):
    """Exactly one of: an ID number, an account number, or both masked keys."""

    id_number = Text(longest=20, load_default=None)
    account_no = Text(longest=20, load_default=None)
    masked_id_number = Text(longest=18, load_default=None, validate=[_MASKED_ID])
    masked_phone = Text(longest=11, load_default=None, validate=[_MASKED_PHONE])

    @validates_schema
    def _one_way_of_asking(self, data: dict[str, Any], **_: Any) -> None:
        given = {name for name, value in data.items() if value is not None}
        ways = ({"id_number"}, {"account_no"}, {"masked_id_number", "masked_phone"})
        if given not in ways:
            hint = "请只填一种：证件号码；或账号；或脱敏证件号码加脱敏手机号。"
            raise ValidationError({name: [hint] for name in given or {"id_number"}})


class PersonLineSchema(Schema):
    """Somebody, masked."""

    person_id = fields.String()
    name = fields.String()
    id_number = fields.String()
    phone = fields.String()
    district = fields.String()
    account_no = fields.String(allow_none=True)


class EnrolmentViewSchema(Schema):
    """An application to join."""

    state = fields.String()
    work_kind = fields.String()
    district = fields.String()
    decided_on = fields.Date()
    reasons = fields.List(fields.Nested(ReasonSchema))


class AgreementViewSchema(Schema):
    """An agreement on file."""

    agreement_id = fields.String()
    template_code = fields.String()
    signed_at = fields.AwareDateTime()
    ended_at = fields.AwareDateTime(allow_none=True)
    text_sha256 = fields.String()
    pdf_sha256 = fields.String()


class SegmentSchema(Schema):
    """As what somebody deposited, half open."""

    kind = fields.String()
    from_on = fields.Date()
    until_on = fields.Date(allow_none=True)


class LimitSchema(Schema):
    """A monthly limit decided for him."""

    month_on = fields.Date()
    limit_fen = fields.Integer()


class PersonPageSchema(Schema):
    """Everything about one depositor."""

    identity = fields.Nested(PersonLineSchema)
    real_name_passed_at = fields.AwareDateTime()
    wechat_bound = fields.Boolean()
    enrolments = fields.List(fields.Nested(EnrolmentViewSchema))
    agreements = fields.List(fields.Nested(AgreementViewSchema))
    account = fields.Nested(AccountSchema, allow_none=True)
    segments = fields.List(fields.Nested(SegmentSchema))
    postings = fields.List(fields.Nested(PostingSchema))
    quota_first_home = fields.Nested(QuotaSchema, allow_none=True)
    quota_second_home = fields.Nested(QuotaSchema, allow_none=True)
    limits = fields.List(fields.Nested(LimitSchema))


class UnmaskBody(Body):
    """Which fields in full, and why: the reason is on record."""

    fields_wanted = fields.List(
        Text(longest=16, validate=[one_of(*people.UNMASKABLE)]),
        data_key="fields",
        required=True,
        validate=[validate.Length(1, 3, error="请选择1至3项。")],
    )
    reason = Text(required=True, validate=[validate.Length(min=4, error="请写明查看原因。")])


class UnmaskedSchema(Schema):
    """The fields asked for; the others are null."""

    name = fields.String(allow_none=True, dump_default=None)
    id_number = fields.String(allow_none=True, dump_default=None)
    phone = fields.String(allow_none=True, dump_default=None)


@blueprint.route("/search", methods=["POST"])
@blueprint.arguments(KeysBody)
@blueprint.response(200, PersonLineSchema(many=True))
@staff_only
def search(body: dict[str, Any]) -> Any:
    """Who has these keys, in one's district; keys go in the body, never in an address."""
    return list(people.search(staff=staff(), keys=Keys(**body), at=clock.now()))


@blueprint.route("/<person_id>")
@blueprint.response(200, PersonPageSchema)
@staff_only
def person(person_id: str) -> Any:
    """One depositor on one page."""
    return people.person_page(staff=staff(), person_id=person_id, at=clock.now())


@blueprint.route("/<person_id>/postings")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, PostingSchema(many=True))
@staff_only
def postings(query: dict[str, Any], person_id: str) -> Any:
    """A page of his movements."""
    return list(people.person_postings(staff=staff(), person_id=person_id, **query))


@blueprint.route("/<person_id>/unmask", methods=["POST"])
@blueprint.arguments(UnmaskBody)
@blueprint.response(200, UnmaskedSchema)
@staff_only
def unmask(body: dict[str, Any], person_id: str) -> Any:
    """Fields in full."""
    wanted, reason = body["fields_wanted"], body["reason"]
    return people.unmask(
        staff=staff(), person_id=person_id, fields=wanted, reason=reason, at=clock.now()
    )
