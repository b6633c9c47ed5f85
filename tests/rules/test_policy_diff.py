"""Two policies compared: nothing changes unseen, and every figure can be read in Chinese."""

import json
import tomllib
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.rules.clauses import CLAUSES
from app.rules.policy import Figure, Policy, PolicyInvalid
from app.rules.policy_diff import HEAD, Change, changes, unknowns
from app.rules.policy_document import load_policy, policy_from_canonical
from app.rules.policy_values import SECTIONS
from app.rules.policy_words import AGES, NAMES, UNITS, plain, value_in_words
from tests.rules.building import POLICY_TEXT, the_policy

POLICY = the_policy()
RAW = tomllib.loads(POLICY_TEXT)
PATHS = [f"{section}.{name}" for section, specs in SECTIONS.items() for name in specs]
PROVENANCES = ("official", "press", "placeholder")
NAMES_OF_CHOICES = st.text("甲乙丙丁戊己", min_size=1, max_size=3)
CODES_OF_CHOICES = st.sampled_from(["wuxing", "nanxun", "deqing", "anji", "new-form", "other"])


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


# --- the catalogue ---


@pytest.mark.parametrize("path", PATHS)
def test_every_figure_has_a_chinese_name_and_a_unit_with_words(path: str) -> None:
    section, _, name = path.partition(".")
    unit, _ = SECTIONS[section][name]

    assert any("\u4e00" <= each <= "\u9fff" for each in NAMES[path])
    assert unit in UNITS


def test_no_two_figures_share_a_name_and_none_is_named_that_is_not_there() -> None:
    assert set(NAMES) == set(PATHS)
    assert len(set(NAMES.values())) == len(NAMES)
    assert set(PATHS) >= AGES


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("eligibility.age_min_years", "16周岁"),
        ("eligibility.work_kinds", "个体经营者、非全日制工作人员、新就业形态人员"),
        ("eligibility.default_female_category", "女性原55周岁退休"),
        ("eligibility.f50_allowed", "是"),
        ("deposit.max_per_calendar_month_fen", "7,244.64元"),
        ("quota.basis", "日均缴存余额"),
        ("quota.window_days", "365天"),
        ("quota.multiplier_first_home", "18倍"),
        ("quota.months_min", "6个月"),
        (
            "quota.coefficients",
            "满6个月0.60、满9个月0.70、满12个月0.80、满18个月0.90、满24个月1.00",
        ),
        ("quota.cap_fen", "700,000.00元"),
    ],
)
def test_a_value_is_printed_in_words_with_its_unit(path: str, words: str) -> None:
    figures = {figure.path: value_in_words(figure) for figure in POLICY.figures}

    assert figures[path] == words


def test_years_that_are_nobodys_age_are_years() -> None:
    term = Figure("loan.term_max_years", 30, "year", "6.1", "official", "…")

    assert value_in_words(term) == "30年"


# --- one change at a time ---


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            "value = 70000000",
            "value = 90000000",
            ("第6.2条 最高可贷额度：由 700,000.00元 调整为 900,000.00元（提高 200,000.00元）。"),
        ),
        (
            "value = 44820",
            "value = 40000",
            "第4.1条 每笔最低缴存额：由 448.20元 调整为 400.00元（降低 48.20元）。",
        ),
        (
            "value = 16",
            "value = 18",
            "第1.1条 最低参加年龄：由 16周岁 调整为 18周岁（提高 2岁）。",
        ),
        (
            "value = 365",
            "value = 180",
            "第6.3条 日均余额计算天数：由 365天 调整为 180天（缩短 185天）。",
        ),
        (
            "value = true",
            "value = false",
            "第1.2条 是否开放女性原50周岁退休类别：由 是 调整为 否。",
        ),
        (
            '    { months = 9, coefficient = "0.70" },\n',
            '    { months = 8, coefficient = "0.65" },\n',
            (
                "第6.2条 存贷系数："
                "由 满6个月0.60、满9个月0.70、满12个月0.80、满18个月0.90、满24个月1.00 "
                "调整为 满6个月0.60、满8个月0.65、满12个月0.80、满18个月0.90、满24个月1.00"
                "（增加 满8个月0.65；删去 满9个月0.70）。"
            ),
        ),
        (
            'coefficient = "0.80"',
            'coefficient = "0.85"',
            (
                "第6.2条 存贷系数："
                "由 满6个月0.60、满9个月0.70、满12个月0.80、满18个月0.90、满24个月1.00 "
                "调整为 满6个月0.60、满9个月0.70、满12个月0.85、满18个月0.90、满24个月1.00"
                "（满12个月由 0.80 改为 0.85）。"
            ),
        ),
    ],
)
def test_a_value_that_changed_is_told_before_after_and_by_how_much(
    old: str, new: str, sentence: str
) -> None:
    assert only(changes(POLICY, with_text(old, new))).sentence == sentence


KINDS = "个体经营者、非全日制工作人员、新就业形态人员"


@pytest.mark.parametrize(
    ("old", "new", "to", "difference"),
    [
        (
            'code = "part-time", name = "非全日制工作人员"',
            'code = "farmer", name = "农民"',
            "个体经营者、农民、新就业形态人员",
            "增加 农民；删去 非全日制工作人员",
        ),
        (
            'name = "个体经营者"',
            'name = "个体工商户"',
            "个体工商户、非全日制工作人员、新就业形态人员",
            "“个体经营者”改称“个体工商户”",
        ),
        (
            'code = "part-time"',
            'code = "hourly"',
            KINDS,
            "增加 非全日制工作人员（hourly）；删去 非全日制工作人员（part-time）",
        ),
    ],
)
def test_a_list_says_which_choices_came_went_or_got_another_name(
    old: str, new: str, to: str, difference: str
) -> None:
    change = only(changes(POLICY, with_text(old, new)))

    assert change.sentence == f"第1.4条 就业类型：由 {KINDS} 调整为 {to}（{difference}）。"


def test_a_list_in_another_order_says_that_only_the_order_changed() -> None:
    first = '    { code = "wuxing", name = "吴兴区" },\n'
    second = '    { code = "nanxun", name = "南浔区" },\n'

    change = only(changes(POLICY, with_text(first + second, second + first)))

    assert change.path == "eligibility.districts"
    assert change.sentence.endswith("（仅顺序调整）。")


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
            "第6.2条 最高可贷额度：出处等级由 示意 变为 正式文件；出处由“湖州未公布灵活就业人员上限；"
            "参照单位职工每笔70万元（湖公积金委发〔2025〕5号，公开报道）”"
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


def test_what_cannot_be_seen_is_written_out() -> None:
    hidden = with_text("湖州未公布；取整到千元", r"千元\n第6.2条\u001b[2K\u202e")

    sentence = only(changes(POLICY, hidden)).sentence

    assert r"变为“千元\n第6.2条\x1b[2K\u202e”。" in sentence
    assert plain("南浔区\u3000（一）") == "南浔区\u3000（一）"


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
        choice = st.builds(
            lambda code, name: {"code": code, "name": name}, CODES_OF_CHOICES, NAMES_OF_CHOICES
        )
        return st.lists(choice, min_size=1, max_size=4, unique_by=lambda each: each["code"])
    if unit == "month-coefficient":
        steps = st.dictionaries(st.integers(0, 48), st.integers(1, 200), max_size=4)
        return steps.map(
            lambda drawn: [
                {"months": months, "coefficient": f"{Decimal(hundredths) / 100:.2f}"}
                for months, hundredths in zip(
                    sorted({**drawn, 6: 1}), sorted({**drawn, 6: 60}.values()), strict=True
                )
            ]
        )
    return st.sampled_from({"category": ["F55", "F50"], "yes-no": [True, False]}[unit])


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
    other = {
        "value": lambda: another_value(figure["unit"], figure["value"]),
        "provenance": lambda: st.sampled_from(PROVENANCES),
        "source": lambda: st.text("公布于二零二七年 \n", min_size=1, max_size=8),
        "clause": lambda: st.sampled_from(sorted(CLAUSES)),
    }[key]()
    changed = draw(other.filter(lambda drawn: drawn != figure[key]))
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
    assert change.sentence.startswith(f"第{figure.clause}条 {NAMES[path]}：")
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
