"""The one catalogue of what people are told: title, sentence, and the fields of WeChat's template.

A notice knows figures only: `..._fen` amounts, `..._on` days and `..._at` instants in ISO form.
No name and no number of anybody is ever among them; a phone shows notices on its lock screen.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from app.money import yuan


class NoticeUnfit(ValueError):
    """The figures do not make this notice: one is missing, malformed, or beyond WeChat's limits."""


@dataclass(frozen=True)
class NoticeKind:
    """One kind of notice; sentence and fields take the printed figures by name."""

    title: str
    sentence: str
    fields: Mapping[str, str]
    """Field of the subscribe template -> what stands in it."""


CATALOGUE: Mapping[str, NoticeKind] = {
    "deposit-credited": NoticeKind(
        "缴存到账",
        "您于{paid_at}缴存的{amount_yuan}元已到账，自{value_on}起计入日均余额。",
        {"amount1": "¥{amount_plain}", "time2": "{paid_at}", "thing3": "已计入您的缴存余额"},
    ),
    "payout-paid": NoticeKind(
        "提取到账",
        "您提取的{amount_yuan}元已于{paid_at}汇出，请留意微信支付通知或银行卡入账。",
        {"amount1": "¥{amount_plain}", "time2": "{paid_at}", "thing3": "请留意微信或银行卡入账"},
    ),
    "payout-failed": NoticeKind(
        "提取未成功",
        "您提取的{amount_yuan}元未能汇出，款项仍在您的账户中，请核对收款方式后再办理。",
        {"amount1": "¥{amount_plain}", "thing2": "未汇出，款项仍在您的账户中"},
    ),
    "agreement-signed": NoticeKind(
        "协议已签署",
        "您已于{signed_at}签署住房公积金缴存使用协议，可在“我的协议”中查看和下载。",
        {"thing1": "住房公积金缴存使用协议", "time2": "{signed_at}"},
    ),
}

# WeChat refuses a message (47003) with a value beyond these, by the word at the head of a field.
_LIMITS = {
    "thing": r"[^\r\n]{1,20}",
    "amount": r"¥(?=[0-9.]{1,11}\Z)[0-9]{1,10}(\.[0-9]{2})?",
    "time": r"[0-9]{4}年[0-9]{1,2}月[0-9]{1,2}日 [0-9]{2}:[0-9]{2}",
}


def title_of(kind: str) -> str:
    """What the notice is about; raises `NoticeUnfit` for an unknown kind."""
    return _kind(kind).title


def sentence_of(kind: str, params: Mapping[str, Any]) -> str:
    """The whole notice in one sentence; raises `NoticeUnfit`."""
    return _filled(_kind(kind).sentence, _printed(params))


def fields_of(kind: str, params: Mapping[str, Any]) -> dict[str, str]:
    """The template's fields, each within WeChat's limits; raises `NoticeUnfit`."""
    printed = _printed(params)
    found = {key: _filled(text, printed) for key, text in _kind(kind).fields.items()}
    for key, value in found.items():
        if re.fullmatch(_LIMITS[key.rstrip("0123456789")], value) is None:
            raise NoticeUnfit(key)
    return found


def _kind(kind: str) -> NoticeKind:
    if kind not in CATALOGUE:
        raise NoticeUnfit("kind")
    return CATALOGUE[kind]


def _filled(text: str, printed: Mapping[str, str]) -> str:
    try:
        return text.format(**printed)
    except KeyError as missing:
        raise NoticeUnfit(str(missing)) from None


def _printed(params: Any) -> dict[str, str]:
    if not isinstance(params, Mapping):
        raise NoticeUnfit("params")
    printed: dict[str, str] = {}
    for name, value in params.items():
        stem, _, unit = name.rpartition("_")
        try:
            if unit == "fen":
                printed[f"{stem}_yuan"] = yuan(value)
                printed[f"{stem}_plain"] = yuan(value).replace(",", "")
            elif unit == "on":
                printed[name] = _day(date.fromisoformat(value))
            elif unit == "at":
                moment = datetime.fromisoformat(value)
                printed[name] = f"{_day(moment)} {moment:%H:%M}"
        except (TypeError, ValueError):
            raise NoticeUnfit(name) from None
    return printed


def _day(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"
