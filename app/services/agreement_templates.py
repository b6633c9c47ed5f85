"""The agreement's text in force: versions with a number, an effective day, and placeholders."""

import re
import tomllib
from collections.abc import Mapping
from datetime import date, datetime

from sqlalchemy import func, select

from app.db import db, transaction
from app.errors import Conflict
from app.models import AgreementTemplate

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
    parts = text.split("+++\n", 2)
    if len(parts) != 3 or parts[0].strip():
        raise TemplateInvalid(["the text begins with a head between two `+++` lines"])
    try:
        head = tomllib.loads(parts[1])
    except tomllib.TOMLDecodeError as error:
        raise TemplateInvalid([f"the head is no TOML: {error}"]) from None
    body = parts[2].strip() + "\n"
    problems = [
        f"head: `{name}` is missing or no {kind.__name__}"
        for name, kind in _HEAD.items()
        if type(head.get(name)) is not kind
    ]
    problems += [f"head: `{name}` is unknown" for name in head.keys() - _HEAD.keys()]
    unknown = sorted(set(_PLACEHOLDER.findall(body)) - PLACEHOLDERS)
    problems += [f"body: placeholder {{{name}}} is unknown" for name in unknown]
    if problems:
        raise TemplateInvalid(problems)
    template = AgreementTemplate(**{name: head[name] for name in _HEAD}, body=body)
    template.sha256 = template.content_sha256()
    return template


def filled(body: str, values: Mapping[str, str]) -> str:
    """The body with its placeholders replaced once: a value that looks like one stays as it is."""
    return _PLACEHOLDER.sub(lambda match: values[match.group(1)], body)


def install_first(text: str, *, by: str, at: datetime) -> str:
    """The template is the first in force, in the caller's transaction; answers its code."""
    return _install(text, by=by, at=at)


def install_next(text: str, *, by: str, at: datetime) -> str:
    """The template is in force from its day on; raises `TemplateInvalid` if it is not newer.

    Only for the sandbox: where real agreements are signed, a new text needs two people.
    """
    with transaction() as session:
        newest = session.scalar(select(func.max(AgreementTemplate.number))) or 0
        template = read_template(text)
        if template.number <= newest:
            raise TemplateInvalid([f"head: `number` is above {newest}, the newest there is"])
        return _install(text, by=by, at=at)


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


def _install(text: str, *, by: str, at: datetime) -> str:
    template = read_template(text)
    template.installed_at, template.installed_by = at, by
    db.session().add(template)
    return template.code
