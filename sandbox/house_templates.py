"""The message templates that the mini-program of this house has before anybody makes others."""

import sqlite3
from dataclasses import dataclass

from sandbox.messages import all_templates, replace_templates


@dataclass(frozen=True)
class HouseTemplate:
    """A template: the end of the setting that names it, its id, title and fields."""

    setting: str
    template_id: str
    title: str
    fields: tuple[str, ...]


def _template(setting: str, title: str, *fields: str) -> HouseTemplate:
    words = "".join(word.title() for word in setting.split("_"))
    return HouseTemplate(setting, f"Sandbox{words}".ljust(43, "0"), title, fields)


TEMPLATES = (
    _template("DEPOSIT_CREDITED", "缴存到账通知", "amount1", "time2", "thing3"),
    _template("PAYOUT_PAID", "提取到账通知", "amount1", "time2", "thing3"),
    _template("PAYOUT_FAILED", "提取未成功通知", "amount1", "thing2"),
    _template("AGREEMENT_SIGNED", "协议签署通知", "thing1", "time2"),
)


def ensure_templates(db: sqlite3.Connection) -> None:
    """The templates of the house are there, unless there are any."""
    if not all_templates(db):
        made = [
            {"template_id": each.template_id, "title": each.title, "fields": list(each.fields)}
            for each in TEMPLATES
        ]
        replace_templates(db, made, pages=None)
