"""What request forms are made of: checks of one value each, and of objects of them.

Each check raises PayProblem with the place of what is wrong.
"""

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from sandbox.pay_problem import PayProblem, wrong_parameter

Check = Callable[[object, str], None]


def text(longest: int, pattern: str = r"(?s).+", issue: str = "格式不正确") -> Check:
    """A text of 1 to `longest` characters that match `pattern` passes."""

    def check(value: object, at: str) -> None:
        if not isinstance(value, str) or not 1 <= len(value) <= longest:
            raise wrong_parameter(at, f"应为 1 至 {longest} 个字符")
        if not re.fullmatch(pattern, value):
            raise wrong_parameter(at, issue)

    return check


def whole(low: int, high: int) -> Check:
    """A whole number from `low` to `high` passes."""

    def check(value: object, at: str) -> None:
        # JSON true is an int to Python.
        if type(value) is not int or not low <= value <= high:
            raise wrong_parameter(at, f"应为 {low} 至 {high} 的整数")

    return check


def flag(value: object, at: str) -> None:
    """True and false pass."""
    if not isinstance(value, bool):
        raise wrong_parameter(at, "应为布尔值")


def thing(required: dict[str, Check], optional: dict[str, Check]) -> Check:
    """An object with every required field and no unknown one passes."""
    known = required | optional

    def check(value: object, at: str) -> None:
        if not isinstance(value, dict):
            raise wrong_parameter(at or "/", "应为对象")
        for name in value:
            if name not in known:
                raise wrong_parameter(f"{at}/{name}", "未知的字段")
        for name in required:
            if name not in value:
                raise wrong_parameter(f"{at}/{name}", "缺少必填字段")
        for name, content in value.items():
            known[name](content, f"{at}/{name}")

    return check


def list_of(item: Check) -> Check:
    """An array passes whose every item passes."""

    def check(value: object, at: str) -> None:
        if not isinstance(value, list):
            raise wrong_parameter(at, "应为数组")
        for number, content in enumerate(value):
            item(content, f"{at}/{number}")

    return check


def notify_url(longest: int) -> Check:
    """An https address without a query passes."""

    def check(value: object, at: str) -> None:
        text(longest)(value, at)
        parts = urlsplit(str(value))
        if parts.scheme != "https" or not parts.hostname or "?" in str(value) or parts.fragment:
            raise wrong_parameter(at, "必须为 https 地址，且不能携带参数")

    return check


def in_form(body: bytes, form: Check) -> dict[str, Any]:
    """The body, if it is JSON and `form` lets it pass, is returned. Raises PayProblem."""
    try:
        asked = json.loads(body)
    except ValueError:
        raise PayProblem(400, "PARAM_ERROR", "请求体不是合法的 JSON") from None
    form(asked, "")
    return dict(asked)
