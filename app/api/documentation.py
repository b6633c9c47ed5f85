"""OpenAPI 3.1 at `/openapi.json` and Swagger UI at `/docs`, served from this machine alone.

A view's guard, its path and its schemas say most of it; what the plugin below adds is written
nowhere by hand, so that a new route is documented the moment it stands.
"""

from collections.abc import Mapping
from http import HTTPStatus
from importlib.resources import files
from typing import Any

from apispec import BasePlugin
from apispec.ext.marshmallow.common import resolve_schema_instance
from flask import Blueprint as PlainBlueprint
from flask import Flask
from flask_smorest import Api, Blueprint

from app.api import auth
from app.api.fields import Body, Headers, StrictParser
from app.api.problems import ProblemSchema

_DESCRIPTION = (
    "灵活就业人员住房公积金缴存服务。金额以分为单位；时刻带时区，日期为北京时间；"
    "出错时返回 RFC 9457 的 application/problem+json，原因用中文说明。"
)
_SECURITY_SCHEMES = {
    "session": {
        "type": "http",
        "scheme": "bearer",
        "description": "POST /v1/sessions 返回的 token",
    },
    "staff-session": {
        "type": "http",
        "scheme": "bearer",
        "description": "POST /v1/staff/sessions 返回的 token（工作人员）",
    },
    "wechat-signature": {
        "type": "apiKey",
        "in": "header",
        "name": "Wechatpay-Signature",
        "description": "微信支付对请求体的签名（WECHATPAY2-SHA256-RSA2048）",
    },
    "wechat-push-signature": {
        "type": "apiKey",
        "in": "query",
        "name": "msg_signature",
        "description": "微信消息推送的签名（SHA-1）；验证地址时的参数名为 signature",
    },
}
_SCHEME_OF_GUARD = {
    "member": "session",
    "staff": "staff-session",
    "wechat-signature": "wechat-signature",
    "wechat-push-signature": "wechat-push-signature",
}
TEXT = {"type": "string"}
CSV = {"type": "string"}
PDF = {"type": "string", "format": "binary"}


class _Api(Api):  # type: ignore[misc]
    ERROR_SCHEMA = ProblemSchema

    def _register_error_handlers(self) -> None:
        """`api/problems.py` answers errors: one format for the whole door."""


class _House(BasePlugin):
    """What guards, paths, answers and the error format say about every operation."""

    def __init__(self, app: Flask) -> None:
        self._app = app

    def operation_helper(self, path: Any = None, operations: Any = None, **about: Any) -> None:
        """Every operation has an id, says who may call it, and how it may refuse."""
        rule = about["rule"]
        scheme = _SCHEME_OF_GUARD.get(auth.guard_of(self._app, rule.endpoint) or "")
        refusals = [HTTPStatus.UNAUTHORIZED] if scheme else []
        if scheme == "staff-session":  # the role, a fresh proof, too often
            refusals += [HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS]
        if rule.arguments:
            refusals.append(HTTPStatus.NOT_FOUND)
        for operation in operations.values():
            operation["operationId"] = rule.endpoint
            operation["security"] = [{scheme: []}] if scheme else []
            for refusal in refusals:
                operation["responses"].setdefault(str(refusal.value), refusal.name)

    def schema_helper(self, name: str, definition: Any, **about: Any) -> dict[str, Any] | None:
        """An answer has each of its fields, always; problems have those that apply."""
        schema = resolve_schema_instance(about["schema"])
        if isinstance(schema, Body | Headers | ProblemSchema):
            return None
        return {"required": [each.data_key or key for key, each in schema.fields.items()]}

    def response_helper(self, response: dict[str, Any], **_: Any) -> dict[str, Any] | None:
        """The shared responses are errors, and errors are problem+json."""
        content = response.get("content")
        if content is None:
            return None
        return {"content": {"application/problem+json": content["application/json"]}}


class Views(Blueprint):  # type: ignore[misc]
    """A blueprint whose requests are read strictly."""

    ARGUMENTS_PARSER = StrictParser()

    def empty(self, view: Any) -> Any:
        """Documents that the view answers 204 without a body."""
        return self.alt_response(204, description="No Content", success=True)(view)

    def pdf(self, view: Any) -> Any:
        """Documents that the view answers a PDF."""
        answer = self.alt_response(200, schema=PDF, content_type="application/pdf", success=True)
        return answer(view)

    def text(self, view: Any) -> Any:
        """Documents that the view answers plain text."""
        answer = self.alt_response(200, schema=TEXT, content_type="text/plain", success=True)
        return answer(view)

    def csv(self, view: Any) -> Any:
        """Documents that the view answers CSV."""
        answer = self.alt_response(200, schema=CSV, content_type="text/csv", success=True)
        return answer(view)

    def proves_identity(self, view: Any) -> Any:
        """Documents that the view answers 401 to a wrong proof, and 429 to too many of them."""
        refused = self.alt_response(401, HTTPStatus.UNAUTHORIZED.name)(view)
        return self.alt_response(429, HTTPStatus.TOO_MANY_REQUESTS.name)(refused)

    def may_conflict(self, view: Any) -> Any:
        """Documents that the view answers 409 while something else comes first."""
        return self.alt_response(409, HTTPStatus.CONFLICT.name)(view)


def install(app: Flask) -> Any:
    """The OpenAPI document and its page are there; answers the registry for blueprints."""
    app.config.update(
        API_TITLE="灵存 Lingcun",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/",
        OPENAPI_JSON_PATH="openapi.json",
        OPENAPI_SWAGGER_UI_PATH="/docs",
        OPENAPI_SWAGGER_UI_URL="/docs/dist/",
    )
    dist = PlainBlueprint(
        "swagger_dist",
        __name__,
        static_folder=str(files("flask_swagger_ui") / "dist"),
        static_url_path="/docs/dist",
    )
    app.register_blueprint(dist)
    spec = {
        "info": {"description": _DESCRIPTION},
        "components": {"securitySchemes": _SECURITY_SCHEMES},
        "extra_plugins": [_House(app)],
    }
    api = _Api(app, spec_kwargs=spec)
    api.ma_plugin.converter.add_attribute_function(_pattern_as_json_schema_has_it)
    return api


def views(name: str, *, prefix: str, description: str) -> Views:
    """A blueprint for one noun."""
    return Views(name, name, url_prefix=prefix, description=description)


def _pattern_as_json_schema_has_it(
    _converter: Any, _field: Any, *, ret: Mapping[str, Any], **_: Any
) -> Mapping[str, Any]:
    """Python's end of a text is `\\Z`; ECMA-262, and so JSON Schema, spells it `$`."""
    pattern = ret.get("pattern")
    return {"pattern": pattern.removesuffix(r"\Z") + "$"} if pattern else {}
