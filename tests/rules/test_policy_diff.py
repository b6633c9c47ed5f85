"""Two policies compared: nothing changes unseen, and every figure can be read in Chinese."""

import json
import tomllib
from dataclasses import replace
from datetime import date
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from app.rules.clauses import CLAUSES
from app.rules.policy import Policy, PolicyInvalid
from app.rules.policy_diff import HEAD, Change, changes, unknowns
from app.rules.policy_document import load_policy, policy_from_canonical
from app.rules.policy_values import SECTIONS
from app.rules.policy_words import NAMES, clause_in_words, value_in_words
from tests.rules.building import POLICY_TEXT, the_policy

POLICY = the_policy()
RAW = tomllib.loads(POLICY_TEXT)
PATHS = [f"{section}.{name}" for section, specs in SECTIONS.items() for name in specs]
PROVENANCES = ("official", "press", "placeholder")
CHOICES = st.fixed_dictionaries(
    {
        "code": st.sampled_from(["wuxing", "nanxun", "deqing", "part-time", "new-form", "other"]),
        "name": st.text("甲乙丙丁戊己", min_size=1, max_size=3),
    }
)


def with_text(old: str, new: str) -> Policy:
    """The shipped policy with a text of its file replaced wherever it stands."""
    assert old in POLICY_TEXT
    return load_policy(POLICY_TEXT.replace(old, new)).policy


def without_section(section: str) -> Policy:
    """The shipped policy, silent about a section."""
    return policy_from_raw({key: value for key, value in RAW.items() if key != section})


def policy_from_raw(raw: dict[str, Any]) -> Policy:
    """The policy a parsed file holds."""
    return policy_from_canonical(json.dumps(raw | {"effective_on": str(raw["effective_on"])}))


def only(found: tuple[Change, ...]) -> Change:
    (change,) = found
    return change


# --- one change at a time ---


def test_a_figure_that_got_its_decision_changes_provenance_and_source() -> None:
    before, _, after = POLICY_TEXT.partition("[quota.cap_fen]")
    decided = after.replace('"placeholder"', '"official"', 1).replace(
        "湖州未公布灵活就业人员上限；参照单位职工每笔70万元（湖公积金委发〔2025〕5号，公开报道）",
        "湖公积金委发〔2027〕1号",
    )

    change = only(changes(POLICY, load_policy(f"{before}[quota.cap_fen]{decided}").policy))

    assert change == Change(
        path="quota.cap_fen",
        name="最高可贷额度",
        clause="6.2",
        before="700,000.00元",
        after="700,000.00元",
        sentence=(
            "第6.2条 最高可贷额度：出处等级由 示意 变为 正式文件；"
            "出处由“湖州未公布灵活就业人员上限；参照单位职工每笔70万元（湖公积金委发〔2025〕5号，公开报道）”"
            "变为“湖公积金委发〔2027〕1号”。"
        ),
    )


def test_another_clause_is_a_change_told_under_the_new_clause() -> None:
    before, mark, after = POLICY_TEXT.partition("[quota.window_days]")
    moved = load_policy(before + mark + after.replace('"6.3"', '"6.2"', 1)).policy

    change = only(changes(POLICY, moved))

    assert (change.clause, change.sentence) == (
        "6.2",
        "第6.2条 日均余额计算天数：依据条款由 第6.3条 变为 第6.2条。",
    )


def test_a_section_that_comes_or_goes_brings_or_takes_each_of_its_figures() -> None:
    silent = without_section("deposit")

    come, gone = changes(silent, POLICY), changes(POLICY, silent)

    assert [(each.before, each.after) for each in come] == [
        (None, "448.20元"),
        (None, "7,244.64元"),
    ]
    assert come[0].sentence == (
        "第4.1条 每笔最低缴存额：新增，为 448.20元（出处等级：示意；"
        "出处：4,482×10% / 30,186×24%, 2025 employee base）。"
    )
    assert [(each.before, each.after) for each in gone] == [
        ("448.20元", None),
        ("7,244.64元", None),
    ]
    assert gone[1].sentence == "第4.1条 每月最高缴存额：取消，原为 7,244.64元。"


# --- the head, and the order ---


def test_a_new_version_says_first_what_it_replaces_and_when() -> None:
    newer = replace(
        the_policy(cap_fen="80000000", age_min_years="17"),
        code="huzhou-pilot-2027.1",
        title="试点规则",
        effective_on=date(2027, 1, 1),
    )

    found = changes(POLICY, newer)

    assert [each.path for each in found] == [HEAD, "eligibility.age_min_years", "quota.cap_fen"]
    assert found[0].sentence == (
        "自2027-01-01起，《试点规则》（huzhou-pilot-2027.1）取代"
        "《湖州市灵活就业人员住房公积金试点规则（示意）》（huzhou-pilot-2024.1）。"
    )
    assert found[0].clause is None


def test_the_same_version_from_another_day_says_both_days() -> None:
    change = only(changes(POLICY, replace(POLICY, effective_on=date(2024, 2, 1))))

    assert change.path == HEAD
    assert change.sentence.endswith("的施行日期由 2024-01-01 改为 2024-02-01。")


def test_figures_come_in_the_order_of_the_sections() -> None:
    nothing = Policy(code=POLICY.code, title=POLICY.title, effective_on=POLICY.effective_on)
    backwards = replace(POLICY, figures=POLICY.figures[::-1])

    assert [each.path for each in changes(nothing, backwards)] == PATHS


def test_a_coefficient_with_another_zero_is_no_change() -> None:
    assert changes(POLICY, with_text('"0.80"', '"0.8000"')) == ()


# --- what nobody has decided ---


def test_unknowns_are_the_placeholders_with_their_value_in_words() -> None:
    found = unknowns(POLICY)

    assert tuple(each.path for each in found) == POLICY.placeholders
    days = next(each for each in found if each.path == "quota.window_days")
    assert (days.name, days.clause, days.value) == ("日均余额计算天数", "6.3", "365天")
    assert days.source == "湖州未公布日均余额的计算期间；取近365天"


def test_a_policy_that_is_decided_has_no_unknowns() -> None:
    assert unknowns(with_text('"placeholder"', '"press"')) == ()


# --- any one figure ---


def another_value(unit: str, value: Any) -> st.SearchStrategy[Any]:
    """Values a file may hold for a figure of this unit, near the one it holds."""
    if unit in {"fen", "year", "month", "day", "times"}:
        return st.integers(1, 2 * value)
    if unit == "list":
        return st.lists(CHOICES, min_size=1, max_size=4, unique_by=lambda each: each["code"])
    if unit == "month-coefficient":
        months = st.sets(st.integers(7, 48), max_size=4).map(lambda later: [6, *sorted(later)])
        return months.flatmap(coefficients_at)
    of_unit: dict[str, list[Any]] = {"category": ["F55", "F50"], "yes-no": [True, False]}
    return st.sampled_from(of_unit[unit])


def coefficients_at(months: list[int]) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Steps at these months whose coefficients never fall."""
    coefficients = st.lists(
        st.decimals("0.01", "2.00", places=2), min_size=len(months), max_size=len(months)
    )
    return coefficients.map(
        lambda drawn: [
            {"months": month, "coefficient": str(coefficient)}
            for month, coefficient in zip(months, sorted(drawn), strict=True)
        ]
    )


def another(key: str, figure: dict[str, Any]) -> st.SearchStrategy[Any]:
    """What may stand under a key of the figure, other than what does."""
    if key == "value":
        found = another_value(figure["unit"], figure["value"])
    elif key == "source":
        found = st.text("公布于二零二七年 \n", min_size=1, max_size=8)
    else:
        found = st.sampled_from(PROVENANCES if key == "provenance" else sorted(CLAUSES))
    return found.filter(lambda drawn: drawn != figure[key])


@st.composite
def one_change(draw: st.DrawFn) -> tuple[str, str, dict[str, Any]]:
    """The path of a figure, which of its keys is another, and the file that says so."""
    path = draw(st.sampled_from([figure.path for figure in POLICY.figures]))
    section, _, name = path.partition(".")
    figure = RAW[section][name]
    keys = ["value", "provenance", "source", "clause"]
    if figure["unit"] == "basis":  # there is only one
        keys.remove("value")
    key = draw(st.sampled_from(keys))
    changed = draw(another(key, figure))
    return path, key, RAW | {section: RAW[section] | {name: figure | {key: changed}}}


@given(drawn=one_change(), renamed=st.booleans())
def test_changing_any_one_figure_is_exactly_the_change_of_that_figure(
    drawn: tuple[str, str, dict[str, Any]], renamed: bool
) -> None:
    path, key, raw = drawn
    try:
        after = policy_from_raw(raw | ({"code": "newer"} if renamed else {}))
    except PolicyInvalid:
        assume(False)  # it contradicts another figure

    found = changes(POLICY, after)

    assert [each.path for each in found] == ([HEAD] if renamed else []) + [path]
    figure = next(each for each in after.figures if each.path == path)
    change = found[-1]
    assert (change.name, change.clause) == (NAMES[path], figure.clause)
    assert change.after == value_in_words(figure)
    assert change.sentence.startswith(f"{clause_in_words(figure.clause)} {NAMES[path]}：")
    assert ("调整为" in change.sentence) == (key == "value")
    assert ("出处等级由" in change.sentence) == (key == "provenance")
    assert ("出处由" in change.sentence) == (key == "source")
    assert ("依据条款由" in change.sentence) == (key == "clause")
    assert changes(after, after) == ()


@given(drawn=one_change())
def test_the_way_back_tells_the_same_figure_the_other_way_round(
    drawn: tuple[str, str, dict[str, Any]],
) -> None:
    try:
        after = policy_from_raw(drawn[2])
    except PolicyInvalid:
        assume(False)

    forth, back = only(changes(POLICY, after)), only(changes(after, POLICY))

    assert (forth.path, forth.before, forth.after) == (back.path, back.after, back.before)
