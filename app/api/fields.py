"""Reading requests strictly: JSON as the standard means it, exact types, bounded values.

Python's own reader takes NaN, 1e400, duplicate keys and lone surrogates; each of them is a way of
meaning one thing here and another somewhere else, so each is refused by name.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from typing import Any, NoReturn

from flask import Request
from marshmallow import RAISE, Schema, ValidationError, fields, validate
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import RequestEntityTooLarge

from app.errors import Unacceptable
from app.money import MAX_FEN

_DEEPEST = 32
_LONE = re.compile(r"[\ud800-\udfff\x00]")
LONGEST_TEXT = 512
_FIRST_DAY, _LAST_DAY = date(1900, 1, 1), date(2199, 12, 31)

# marshmallow's own sentences are English; these go to the worker's phone.
fields.Field.default_error_messages |= {
    "required": "必填。",
    "null": "不能为空。",
    "validator_failed": "内容不符合要求。",
}
fields.String.default_error_messages |= {"invalid": "应为文字。", "invalid_utf8": "应为文字。"}
fields.Integer.default_error_messages |= {"invalid": "应为整数。", "too_large": "数值过大。"}
fields.Boolean.default_error_messages |= {"invalid": "应为 true 或 false。"}
fields.List.default_error_messages |= {"invalid": "应为列表。"}
fields.Date.default_error_messages |= {
    "invalid": "应为日期，格式如 2026-11-23。",
    "format": "应为日期，格式如 2026-11-23。",
}


class Body(Schema):
    """A request's fields: nothing unknown, nothing of another type."""

    error_messages = {  # noqa: RUF012 - as the base class declares it
        "unknown": "不认识的字段。",
        "type": "应为 JSON 对象。",
    }

    class Meta:
        unknown = RAISE


class Headers(Schema):
    """Headers a view reads; the others are not ours to refuse."""

    error_messages = {  # noqa: RUF012 - as the base class declares it
        "unknown": "不认识的字段。",
    }


class Text(fields.String):
    """Text of bounded length, as a JSON string; blanks and what cannot be seen say nothing."""

    default_error_messages = {"blank": "不能只有空白。"}  # noqa: RUF012 - as the base class declares it

    def __init__(self, *, longest: int = LONGEST_TEXT, **kwargs: Any) -> None:
        length = validate.Length(min=1, max=longest, error=f"长度应为1至{longest}个字符。")
        super().__init__(validate=[length, *kwargs.pop("validate", [])], **kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        if type(value) is not str or _LONE.search(value):
            raise self.make_error("invalid")
        if value and all(unicodedata.category(each)[0] in "CZ" for each in value):
            raise self.make_error("blank")
        return value


class Flag(fields.Boolean):
    """`true` or `false`, and nothing that merely looks like it."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> bool:
        if type(value) is not bool:
            raise self.make_error("invalid")
        return value


class Day(fields.Date):
    """A calendar day written `2026-11-23`; far-off days are slips, and no arithmetic takes them."""

    default_error_messages = {  # noqa: RUF012 - as the base class declares it
        "far": f"日期应在{_FIRST_DAY}至{_LAST_DAY}之间。",
    }

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> date:
        if type(value) is not str or re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value) is None:
            raise self.make_error("invalid")
        day: date = super()._deserialize(value, attr, data, **kwargs)
        if not _FIRST_DAY <= day <= _LAST_DAY:
            raise self.make_error("far")
        return day


class QueryNumber(fields.Integer):
    """A whole number in a query, in plain digits, between two bounds."""

    def __init__(self, lowest: int, highest: int, **kwargs: Any) -> None:
        error = f"应为{lowest}至{highest}之间的整数。"
        super().__init__(validate=validate.Range(lowest, highest, error=error), **kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        if type(value) is not str or re.fullmatch(r"-?[0-9]{1,40}", value) is None:
            raise self.make_error("invalid")
        return int(value)


class AmountFen(fields.Integer):
    """An amount of money: a JSON integer of fen, at least 1."""

    default_error_messages = {  # noqa: RUF012 - as the base class declares it
        "invalid": "金额应为整数，单位为分，例如 44820 表示 448.20 元。",
        "range": "金额应为正整数（单位：分），且不超过允许的最大值。",
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata={"minimum": 1, "maximum": MAX_FEN}, **kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        if type(value) is not int:
            raise self.make_error("invalid")
        if not 1 <= value <= MAX_FEN:
            raise self.make_error("range")
        return value


def one_of(*choices: str) -> validate.OneOf:
    """A validator that names the choices."""
    return validate.OneOf(choices, error=f"应为以下之一：{'、'.join(choices)}。")


def sha256_field() -> Text:
    """A lower-case SHA-256 in hex."""
    shape = validate.Regexp(r"^[0-9a-f]{64}\Z", error="应为64位小写十六进制的 SHA-256。")
    return Text(longest=64, required=True, validate=[shape])


def body_sha256(body: Mapping[str, Any]) -> str:
    """The fingerprint by which an idempotency key recognises its body."""
    canonical = json.dumps(body, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()


class StrictParser(FlaskParser):
    """webargs with a strict JSON reader, unknown query fields refused, and our error kind."""

    DEFAULT_UNKNOWN_BY_LOCATION = {  # noqa: RUF012 - as the base class declares it
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "query": RAISE,
    }

    def load_json(self, req: Request, schema: Schema) -> Any:
        if req.mimetype != "application/json":
            hint = "请求体应为 JSON（Content-Type: application/json）。"
            raise Unacceptable(fields={"body": [hint]})
        return read_json(read_body(req))

    def load_querystring(self, req: Request, schema: Schema) -> Any:
        twice = [name for name, values in req.args.lists() if len(values) > 1]
        if twice:
            raise Unacceptable(fields={name: ["重复出现。"] for name in twice})
        return super().load_querystring(req, schema)

    def handle_error(
        self, error: ValidationError, req: Request, schema: Schema, **kwargs: Any
    ) -> NoReturn:
        messages: Any = error.normalized_messages()  # type: ignore[no-untyped-call]
        found: dict[str, list[str]] = {}
        for of_a_location in messages.values():
            found |= _flat(of_a_location)
        raise Unacceptable(fields=found)


def read_body(req: Request) -> bytes:
    """All bytes of the body; raises `RequestEntityTooLarge`, also where no length was announced.

    A chunked body is cut off at the limit without a word: what fills it to the brim is too large.
    """
    raw = req.get_data()
    most = req.max_content_length
    if req.content_length is None and most is not None and len(raw) >= most:
        raise RequestEntityTooLarge()
    return raw


def read_json(raw: bytes) -> Any:
    """The value in the bytes; raises `Unacceptable` naming what is wrong with the body."""
    try:
        value = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_no_constant,
            parse_float=_finite,
        )
    except UnicodeDecodeError:
        raise Unacceptable(fields={"body": ["请求体应为 UTF-8 编码。"]}) from None
    except RecursionError:
        raise Unacceptable(fields={"body": ["JSON 嵌套过深。"]}) from None
    except ValueError as error:
        known = isinstance(error, _Unreadable)
        hint = str(error) if known else "请求体不是有效的 JSON。"
        raise Unacceptable(fields={"body": [hint]}) from None
    _refuse_strange(value, "body", 0)
    return value


class _Unreadable(ValueError):
    pass


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _Unreadable(f"字段 {name[:40]!r} 重复出现。")
        found[name] = value
    return found


def _no_constant(name: str) -> NoReturn:
    raise _Unreadable(f"JSON 中不允许 {name}。")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise _Unreadable("JSON 中的数值过大。")
    return number


def _refuse_strange(value: Any, path: str, depth: int) -> None:
    if depth > _DEEPEST:
        raise Unacceptable(fields={"body": ["JSON 嵌套过深。"]})
    if isinstance(value, str) and _LONE.search(value):
        raise Unacceptable(fields={path: ["含有无效字符。"]})
    if isinstance(value, dict):
        for name, item in value.items():
            _refuse_strange(name, path, depth + 1)
            _refuse_strange(item, name if depth == 0 else f"{path}.{name}", depth + 1)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            _refuse_strange(item, f"{path}[{number}]", depth + 1)


def _flat(messages: Any, path: str = "") -> dict[str, list[str]]:
    """marshmallow's nested messages as {field path: sentences}."""
    if isinstance(messages, list):
        return {path or "body": [str(each) for each in messages]}
    found: dict[str, list[str]] = {}
    for name, inner in messages.items():
        step = path if name == "_schema" else f"{path}.{name}".lstrip(".")
        if isinstance(name, int):
            step = f"{path}[{name}]"
        for where, sentences in _flat(inner, step).items():
            found.setdefault(where, []).extend(sentences)
    return found
