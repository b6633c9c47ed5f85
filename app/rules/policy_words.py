"""The figures of a policy in Chinese: their names, their values with the unit, what differs.

Whoever reads or approves a policy reads these words and not the file. Two different values never
differ silently: where their words are the same, `difference` says what is not.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.money import yuan
from app.rules.policy import Choice, CoefficientStep, Figure, Provenance

NAMES: Mapping[str, str] = {
    "eligibility.age_min_years": "最低参加年龄",
    "eligibility.full_capacity_years": "完全民事行为能力年龄",
    "eligibility.districts": "试点区县",
    "eligibility.work_kinds": "就业类型",
    "eligibility.default_female_category": "女性默认退休年龄类别",
    "eligibility.f50_allowed": "是否开放女性原50周岁退休类别",
    "deposit.min_per_order_fen": "每笔最低缴存额",
    "deposit.max_per_calendar_month_fen": "每月最高缴存额",
    "quota.basis": "额度计算基数",
    "quota.window_days": "日均余额计算天数",
    "quota.multiplier_first_home": "首套住房存贷倍数",
    "quota.multiplier_second_home": "第二套住房存贷倍数",
    "quota.months_min": "计算额度所需缴存月数",
    "quota.coefficients": "存贷系数",
    "quota.cap_fen": "最高可贷额度",
    "quota.rounding_unit_fen": "额度取整单位",
    "service.approval_days": "审批办理时限",
    "service.payment_case_days": "差错款项处理时限",
}
"""path -> what the figure is called; every field of every section has a name."""

AGES = frozenset({"eligibility.age_min_years", "eligibility.full_capacity_years"})
"""Figures in years that are somebody's age: 周岁, not 年."""

PROVENANCES: Mapping[Provenance, str] = {
    "official": "正式文件",
    "press": "公开报道",
    "placeholder": "示意",
}

_MEANINGS = {
    "M": "男性原60周岁退休",
    "F55": "女性原55周岁退休",
    "F50": "女性原50周岁退休",
    "AVG_DAILY": "日均缴存余额",
}
_OTHER_PARTS = {"0": "基本原则", "O": "组织保障"}
_IDEOGRAPHIC_SPACE = "\u3000"


@dataclass(frozen=True, slots=True)
class UnitWords:
    """How values of one unit are printed, and what is said about two that differ."""

    value: Callable[[Any], str]
    difference: Callable[[Any, Any], str] = lambda before, after: ""


def value_in_words(figure: Figure) -> str:
    """The figure's value with its unit, in Chinese; KeyError for a unit without words."""
    return UNITS[_unit_of(figure)].value(figure.value)


def difference(before: Figure, after: Figure) -> str:
    """By how much, or in which entries, two values of one figure differ; '' if that is plain."""
    return UNITS[_unit_of(after)].difference(before.value, after.value)


def clause_in_words(clause: str) -> str:
    """How the clause is cited: 第6.2条, and for what is no clause of part three 组织保障O.5."""
    part = _OTHER_PARTS.get(clause.partition(".")[0])
    return f"{part}{clause}" if part else f"第{clause}条"


def plain(text: str) -> str:
    """The text with every character that cannot be seen written out.

    A line break, a terminal's escape or a reversed direction must not make a reader see
    something else than what the file says.
    """
    return "".join(
        each
        if each.isprintable() or each == _IDEOGRAPHIC_SPACE
        else each.encode("unicode_escape").decode("ascii")
        for each in text
    )


def _unit_of(figure: Figure) -> str:
    return "age" if figure.path in AGES else figure.unit


def _counted(
    suffix: str, rises: str, falls: str, *, step: str = "", number: Callable[[int], str] = str
) -> UnitWords:
    """Words for a quantity; `step` is the suffix of a difference where it is another."""

    def differs(before: int, after: int) -> str:
        way = rises if after > before else falls
        return f"{way} {number(abs(after - before))}{step or suffix}"

    return UnitWords(lambda value: f"{number(value)}{suffix}", differs)


def _choices(value: Iterable[Choice]) -> str:
    return "、".join(plain(choice.name) for choice in value)


def _choices_differ(before: tuple[Choice, ...], after: tuple[Choice, ...]) -> str:
    old = {choice.code: choice for choice in before}
    new = {choice.code: choice for choice in after}
    gone = [choice for choice in before if choice.code not in new]
    come = [choice for choice in after if choice.code not in old]
    renamed = [
        f"“{plain(old[code].name)}”改称“{plain(choice.name)}”"
        for code, choice in new.items()
        if code in old and choice.name != old[code].name
    ]
    found = [*_listed("增加", come, gone), *_listed("删去", gone, come), *renamed]
    return "；".join(found) or "仅顺序调整"


def _listed(verb: str, chosen: list[Choice], others: list[Choice]) -> list[str]:
    """An entry whose name goes and comes at once under two codes is told by its code."""
    names = {choice.name for choice in others}
    labels = [
        plain(each.name) + (f"（{each.code}）" if each.name in names else "") for each in chosen
    ]
    return [f"{verb} {'、'.join(labels)}"] if labels else []


def _steps(value: Iterable[CoefficientStep]) -> str:
    return "、".join(f"满{step.months}个月{step.coefficient}" for step in value)


def _steps_differ(before: tuple[CoefficientStep, ...], after: tuple[CoefficientStep, ...]) -> str:
    old: dict[int, Decimal] = {step.months: step.coefficient for step in before}
    new: dict[int, Decimal] = {step.months: step.coefficient for step in after}
    come = _steps(step for step in after if step.months not in old)
    gone = _steps(step for step in before if step.months not in new)
    moved = [
        f"满{months}个月由 {old[months]} 改为 {coefficient}"
        for months, coefficient in new.items()
        if months in old and coefficient != old[months]
    ]
    found = [f"增加 {come}" if come else "", f"删去 {gone}" if gone else "", *moved]
    return "；".join(filter(None, found))


UNITS: Mapping[str, UnitWords] = {
    "fen": _counted("元", "提高", "降低", number=yuan),
    "age": _counted("周岁", "提高", "降低", step="岁"),
    "year": _counted("年", "延长", "缩短"),
    "month": _counted("个月", "延长", "缩短"),
    "day": _counted("天", "延长", "缩短"),
    "times": _counted("倍", "提高", "降低"),
    "yes-no": UnitWords(lambda value: "是" if value else "否"),
    "category": UnitWords(_MEANINGS.__getitem__),
    "basis": UnitWords(_MEANINGS.__getitem__),
    "list": UnitWords(_choices, _choices_differ),
    "month-coefficient": UnitWords(_steps, _steps_differ),
}
"""unit -> its words; every unit of every section has them."""
