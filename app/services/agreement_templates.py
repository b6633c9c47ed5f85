"""The agreement's text in force: versions with a number, an effective day, and placeholders."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from difflib import unified_diff
from typing import Any

from sqlalchemy import func, select

from app import clock
from app.db import db
from app.errors import Conflict, Unacceptable
from app.models import AgreementTemplate
from app.rules.documents import DocumentUnreadable, is_storable, read_toml
from app.rules.policy_words import plain
from app.services.approval_action import FURTHEST, Action, Decision, Payload, Proposal

PLACEHOLDERS = frozenset(
    {
        "centre_name",
        "name",
        "id_number_masked",
        "phone_masked",
        "district",
        "work_kind",
        "policy_code",
        "policy_title",
        "policy_note",
        "deposit_min_yuan",
        "deposit_month_max_yuan",
    }
)
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_HIGHEST_NUMBER, _LONGEST_BODY, _MOST_LINES = 10_000, 60_000, 1_000
_HEAD: dict[str, type] = {
    "code": str,
    "number": int,
    "title": str,
    "effective_on": date,
    "mandatory": bool,
}


class TemplateInvalid(Exception):
    """The text is no agreement template; `problems` names everything that is wrong."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("; ".join(problems))


class NoAgreementInForce(Conflict):
    """No template had begun on that day."""

    sentence = "{on}尚无生效的协议文本。"


def read_template(text: str) -> AgreementTemplate:
    """The template in a text with TOML between `+++` lines; raises `TemplateInvalid`."""
    parts = text.removeprefix("\ufeff").split("+++\n", 2)
    if len(parts) != 3 or parts[0].strip():
        raise TemplateInvalid(["the text begins with a head between two `+++` lines"])
    try:
        head = read_toml(parts[1])
    except DocumentUnreadable as error:
        raise TemplateInvalid([f"the head is no TOML: {error}"]) from None
    body = parts[2].strip() + "\n"
    problems = [
        f"head: `{name}` is missing or no {kind.__name__}"
        for name, kind in _HEAD.items()
        if type(head.get(name)) is not kind
    ]
    problems += [f"head: `{name}` is unknown" for name in head.keys() - _HEAD.keys()]
    problems += _unfit_values(head, body)
    unknown = sorted(set(_PLACEHOLDER.findall(body)) - PLACEHOLDERS)
    problems += [f"body: placeholder {{{name}}} is unknown" for name in unknown]
    if problems:
        raise TemplateInvalid(problems)
    template = AgreementTemplate(**{name: head[name] for name in _HEAD}, body=body)
    template.sha256 = template.content_sha256()
    return template


def _unfit_values(head: Mapping[str, Any], body: str) -> list[str]:
    """What no reader could use or no database hold, of values that have their types."""
    problems = [
        f"head: `{name}` is empty, too long, or holds control characters"
        for name, longest in (("code", 64), ("title", 200))
        if isinstance(head.get(name), str) and not is_storable(head[name], longest=longest)
    ]
    number = head.get("number")
    if isinstance(number, int) and not 0 <= number <= _HIGHEST_NUMBER:
        problems.append(f"head: `number` is 0 to {_HIGHEST_NUMBER}")
    if not is_storable(body, longest=_LONGEST_BODY) or body.count("\n") > _MOST_LINES:
        problems.append(f"body: empty, control characters, or above {_MOST_LINES} lines")
    return problems


def filled(body: str, values: Mapping[str, str]) -> str:
    """The body with its placeholders replaced once: a value that looks like one stays as it is."""
    return _PLACEHOLDER.sub(lambda match: values[match.group(1)], body)


def install_first(text: str, *, by: str, at: datetime) -> str:
    """The template is the first in force, in the caller's transaction; answers its code."""
    return _install(text, by=by, at=at).code


def template_on(day: date) -> AgreementTemplate:
    """The newest template in force on the day, in the caller's transaction."""
    found = (
        db.session()
        .scalars(
            select(AgreementTemplate)
            .where(AgreementTemplate.effective_on <= day)
            .order_by(AgreementTemplate.number.desc())
            .limit(1)
        )
        .one_or_none()
    )
    if found is None:
        raise NoAgreementInForce(on=day)
    return found


def lowest_number_accepted(day: date) -> int:
    """The number of the newest mandatory template in force: what was signed may not be older."""
    found = db.session().scalar(
        select(func.max(AgreementTemplate.number)).where(
            AgreementTemplate.effective_on <= day, AgreementTemplate.mandatory
        )
    )
    return found or 0


# --- the action: a newer text ---


def _prepare(payload: Payload, at: datetime) -> Proposal:
    """`text` is a whole template with its head, newer than every other, of a day still to come."""
    try:
        template = read_template(payload["text"])
    except TemplateInvalid as invalid:
        raise Unacceptable(fields={"text": invalid.problems}) from None
    session, problems, today = db.session(), [], clock.day_of(at)
    newest = session.scalars(
        select(AgreementTemplate).order_by(AgreementTemplate.number.desc()).limit(1)
    ).one_or_none()
    if newest is not None and template.number != newest.number + 1:
        problems.append(f"number: 应为现有最新编号的下一个，即 {newest.number + 1}")
    if session.scalar(select(AgreementTemplate.id).where(AgreementTemplate.code == template.code)):
        problems.append("code: 文本代号已被使用")
    if template.effective_on <= today:
        problems.append(f"effective_on: 生效日期应晚于今天（{today}）")
    elif newest is not None and template.effective_on < newest.effective_on:
        problems.append(f"effective_on: 不应早于上一版的生效日期 {newest.effective_on}")
    if template.effective_on > today + FURTHEST:
        problems.append("effective_on: 生效日期过远，应在三年之内")
    if problems:
        raise Unacceptable(fields={"text": problems})
    predecessor = None if newest is None else newest.code
    return Proposal(payload={**payload, "predecessor": predecessor})


def _apply(payload: Payload, decision: Decision) -> dict[str, Any]:
    """The text is what is signed from its day on; who must sign again is asked to."""
    new = _install(payload["text"], by=f"approval:{decision.public_id}", at=decision.at)
    return {"agreement_template_code": new.code, "sha256": new.sha256}


def _in_words(payload: Payload) -> list[str]:
    """What the head says, and each line that goes (−) or comes (+)."""
    new = read_template(payload["text"])
    must = "已签署的缴存人须重新签署" if new.mandatory else "已签署的缴存人无须重新签署"
    said = [f"自{new.effective_on}起，新签协议采用《{new.title}》（{new.code}）；{must}。"]
    before = db.session().scalar(
        select(AgreementTemplate.body)
        .where(AgreementTemplate.number < new.number)
        .order_by(AgreementTemplate.number.desc())
        .limit(1)
    )
    lines = unified_diff((before or "").splitlines(), new.body.splitlines(), n=0, lineterm="")
    for line in list(lines)[2:]:  # after the two lines that would name files
        if line[0] in "+-" and line[1:].strip():
            said.append(f"{'＋' if line[0] == '+' else '－'} {plain(line[1:])}")
    return said


def _install(text: str, *, by: str, at: datetime) -> AgreementTemplate:
    template = read_template(text)
    template.installed_at, template.installed_by = at, by
    db.session().add(template)
    return template


TEMPLATE = Action(prepare=_prepare, apply=_apply, in_words=_in_words)
