"""Errors are facts: what stopped a step, with its numbers; no HTTP in them.

Seven kinds, and the door maps each to one answer (`api/problems.py`, RFC 9457):

    Unauthenticated  who are you?            Absent       there is no such thing (for you)
    Forbidden        you are known, and this is not yours to do
    Unacceptable     the input or the rules refuse it, with every reason at once
    Conflict         not now: another step comes first, or another request is at it
    TooMany          not so often
    Unavailable      a part we need does not answer; nothing was changed, or it is recorded
"""

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol


class Reason(Protocol):
    """One reason of a refusal: a stable code, the clause it rests on, a sentence in Chinese."""

    @property
    def code(self) -> str: ...
    @property
    def clause(self) -> str: ...
    @property
    def sentence(self) -> str: ...
    @property
    def field(self) -> str | None: ...


class Fact(Exception):
    """Something true that stops a step; its keyword arguments are the numbers that matter."""

    sentence = "操作未能完成。"
    extensions: ClassVar[Mapping[str, str]] = {}
    """Members a caller's protocol wants in the answer besides ours."""

    def __init__(self, **facts: Any) -> None:
        self.facts: Mapping[str, Any] = facts
        super().__init__(self.slug)

    @property
    def slug(self) -> str:
        """The stable kebab name: `AgreementNotSigned` -> `agreement-not-signed`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", type(self).__name__).lower()

    @property
    def detail(self) -> str:
        """The sentence for the worker, with the numbers filled in."""
        return self.sentence.format(**self.facts)


class Unauthenticated(Fact):
    """Nobody, or nobody any more, stands behind the request."""

    sentence = "请先登录。"


class Forbidden(Fact):
    """Who asks is known, and may not do this."""

    sentence = "您没有办理此事项的权限。"


class TooMany(Fact):
    """Too often in too short a time; `retry_after_s` says when it may be tried again."""

    sentence = "尝试次数过多，请{retry_after_s}秒后再试。"

    def __init__(self, *, retry_after_s: int) -> None:
        super().__init__(retry_after_s=retry_after_s)
        self.retry_after_s = retry_after_s


class Absent(Fact):
    """There is no such thing, or it is somebody else's: the answer is the same."""

    sentence = "没有找到您要的内容。"


class Unacceptable(Fact):
    """The input cannot be taken. `fields` maps a field's path to its sentences."""

    sentence = "提交的内容有误，请按提示修改。"

    def __init__(self, *, fields: Mapping[str, list[str]] | None = None, **facts: Any) -> None:
        super().__init__(**facts)
        self.fields: Mapping[str, list[str]] = fields or {}


class Refused(Unacceptable):
    """The ordinance refuses; every reason at once, each with its clause."""

    sentence = "按现行规定暂时不能办理，原因见下。"

    def __init__(self, reasons: tuple[Reason, ...], **facts: Any) -> None:
        fields: dict[str, list[str]] = {}
        for reason in reasons:
            if reason.field:
                fields.setdefault(reason.field, []).append(reason.sentence)
        super().__init__(fields=fields, **facts)
        self.reasons = reasons


class Conflict(Fact):
    """Not now: the state of things is in the way. `step` names the step that must come first."""

    sentence = "当前状态下不能办理此操作。"
    step: str | None = None


class Unavailable(Fact):
    """A part we need does not answer in time; asking again later is right."""

    sentence = "服务暂时繁忙，请稍后再试。"
    retry_after_s = 5
