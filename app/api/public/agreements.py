"""Anybody may check that an agreement's PDF is ours and unchanged."""

from http import HTTPStatus
from typing import Any

from flask import request
from marshmallow import Schema, fields

from app import clock
from app.api.auth import public
from app.api.documentation import PDF, views
from app.api.fields import read_body
from app.errors import Unacceptable
from app.services import agreements

_LARGEST_PDF = 4 * 1024 * 1024

blueprint = views("public-agreements", prefix="/v1/public/agreements", description="协议验真")


class VerdictSchema(Schema):
    """Whether the file is valid, and why not."""

    valid = fields.Boolean()
    reason = fields.String()
    template_code = fields.String(allow_none=True)
    signed_at = fields.AwareDateTime(allow_none=True)


@blueprint.route("/verify", methods=["POST"])
@blueprint.doc(requestBody={"required": True, "content": {"application/pdf": {"schema": PDF}}})
@blueprint.response(200, VerdictSchema)
@blueprint.alt_response(422, HTTPStatus.UNPROCESSABLE_ENTITY.name)
@public
def verify() -> Any:
    """The verdict on the PDF in the request body (`application/pdf`, up to 4 MB)."""
    request.max_content_length = _LARGEST_PDF
    pdf = read_body(request)
    if not pdf:
        raise Unacceptable(fields={"body": ["请上传协议 PDF 文件。"]})
    return agreements.verdict_on(pdf=pdf, at=clock.now())
