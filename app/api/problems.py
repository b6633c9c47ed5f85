"""Errors on the wire: RFC 9457 problem+json, stable kebab types, Chinese sentences.

Unauthenticated 401 · Forbidden 403 · Absent 404 · Conflict 409 · Unacceptable 422 · TooMany 429
· Unavailable 503
"""

import json
from collections.abc import Mapping
from typing import Any

from flask import Flask, Response, g
from marshmallow import Schema, fields
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException

from app import log
from app.errors import (
    Absent,
    Conflict,
    Fact,
    Forbidden,
    Refused,
    TooMany,
    Unacceptable,
    Unauthenticated,
    Unavailable,
)

_KINDS: tuple[tuple[type[Fact], int, str], ...] = (
    (Unauthenticated, 401, "需要登录"),
    (Forbidden, 403, "没有权限"),
    (Absent, 404, "没有找到"),
    (Conflict, 409, "暂不能办理"),
    (Unacceptable, 422, "提交内容有误"),
    (TooMany, 429, "过于频繁"),
    (Unavailable, 503, "服务繁忙"),
)
_HTTP_SENTENCES = {
    400: "请求格式有误。",
    404: "没有找到您要的内容。",
    405: "不支持的请求方式。",
    408: "请求超时。",
    413: "请求内容过大。",
    415: "请求类型不受支持，请使用 application/json。",
    429: "请求过于频繁，请稍后再试。",
}


class ReasonSchema(Schema):
    """One reason of a refusal."""

    code = fields.String()
    clause = fields.String(metadata={"description": "试点方案条款编号"})
    sentence = fields.String()
    field = fields.String(allow_none=True)


class ProblemSchema(Schema):
    """RFC 9457 problem details."""

    type = fields.String(metadata={"example": "/problems/step-missing"})
    title = fields.String()
    status = fields.Integer()
    detail = fields.String(metadata={"description": "给用户看的中文说明"})
    request_id = fields.String()
    step = fields.String(metadata={"description": "需要先完成的步骤"})
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata={"description": "字段路径对应的提示；body 表示整个请求体"},
    )
    reasons = fields.List(fields.Nested(ReasonSchema))
    code = fields.String(metadata={"description": "仅微信通知：微信约定的应答代码"})
    message = fields.String(metadata={"description": "仅微信通知：微信约定的应答说明"})


def install(app: Flask) -> None:
    """Whatever a view raises is answered as a problem; what nobody foresaw as a plain 500."""
    app.register_error_handler(Fact, _answer_fact)
    app.register_error_handler(HTTPException, _answer_http)
    app.register_error_handler(OperationalError, _answer_without_database)
    app.register_error_handler(Exception, _answer_unforeseen)


def _answer_fact(fact: Fact) -> Response:
    status, title = next((s, t) for kind, s, t in _KINDS if isinstance(fact, kind))
    extra: dict[str, Any] = dict(fact.extensions)
    headers: dict[str, str] = {}
    if isinstance(fact, Unacceptable) and fact.fields:
        extra["errors"] = fact.fields
    if isinstance(fact, Refused):
        extra["reasons"] = ReasonSchema(many=True).dump(fact.reasons)
    if isinstance(fact, Conflict) and fact.step:
        extra["step"] = fact.step
    if isinstance(fact, Unavailable | TooMany):
        headers["Retry-After"] = str(fact.retry_after_s)
    if isinstance(fact, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    return _problem(fact.slug, title, status, fact.detail, extra, headers)


def _answer_http(error: HTTPException) -> Response:
    status = error.code or 500
    slug = (error.name or "error").lower().replace(" ", "-")
    headers = {name: value for name, value in error.get_headers() if name in ("Allow",)}
    sentence = _HTTP_SENTENCES.get(status, "请求未能处理。")
    return _problem(slug, sentence.rstrip("。"), status, sentence, {}, headers)


def _answer_without_database(error: Exception) -> Response:
    """The database is away or full: the transaction is rolled back, or its end is unknown."""
    log.get().error("database-unavailable", exc_info=error)
    return _answer_fact(Unavailable())


def _answer_unforeseen(error: Exception) -> Response:
    log.get().error("unforeseen-error", exc_info=error)
    sentence = "系统出现意外错误，请稍后再查看结果；如需帮助请提供编号。"
    return _problem("internal-server-error", "系统错误", 500, sentence, {}, {})


def _problem(
    slug: str,
    title: str,
    status: int,
    detail: str,
    extra: Mapping[str, Any],
    headers: Mapping[str, str],
) -> Response:
    body = {
        "type": f"/problems/{slug}",
        "title": title,
        "status": status,
        "detail": detail,
        "request_id": g.get("request_id", ""),
        **extra,
    }
    return Response(
        json.dumps(body, ensure_ascii=False),
        status=status,
        headers=dict(headers),
        content_type="application/problem+json",
    )
