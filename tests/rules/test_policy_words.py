"""Every figure of a policy can be read in Chinese, and what differs is told in words."""

import pytest

from app.rules.policy import Figure
from app.rules.policy_diff import Change, changes
from app.rules.policy_document import load_policy
from app.rules.policy_values import SECTIONS
from app.rules.policy_words import AGES, NAMES, UNITS, clause_in_words, plain, value_in_words
from tests.rules.building import POLICY_TEXT, the_policy

POLICY = the_policy()
PATHS = [f"{section}.{name}" for section, specs in SECTIONS.items() for name in specs]
KINDS = "个体经营者、非全日制工作人员、新就业形态人员"


def rewritten(old: str, new: str) -> Change:
    """The one change of the shipped policy when a text of its file is replaced."""
    assert old in POLICY_TEXT
    (change,) = changes(POLICY, load_policy(POLICY_TEXT.replace(old, new)).policy)
    return change


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


@pytest.mark.parametrize(
    ("clause", "words"),
    [("6.2", "第6.2条"), ("10.1", "第10.1条"), ("0.1", "基本原则0.1"), ("O.5", "组织保障O.5")],
)
def test_a_clause_is_cited_by_its_part_of_the_plan(clause: str, words: str) -> None:
    assert clause_in_words(clause) == words


def test_years_that_are_nobodys_age_are_years() -> None:
    term = Figure("loan.term_max_years", 30, "year", "6.1", "official", "…")

    assert value_in_words(term) == "30年"


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
    assert rewritten(old, new).sentence == sentence


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
    change = rewritten(old, new)

    assert change.sentence == f"第1.4条 就业类型：由 {KINDS} 调整为 {to}（{difference}）。"


def test_a_list_in_another_order_says_that_only_the_order_changed() -> None:
    first = '    { code = "wuxing", name = "吴兴区" },\n'
    second = '    { code = "nanxun", name = "南浔区" },\n'

    change = rewritten(first + second, second + first)

    assert change.path == "eligibility.districts"
    assert change.sentence.endswith("（仅顺序调整）。")


def test_what_cannot_be_seen_is_written_out() -> None:
    before = load_policy(POLICY_TEXT.replace("湖州未公布；取整到千元", r"千元\u202e")).policy
    after = load_policy(POLICY_TEXT.replace("湖州未公布；取整到千元", r"千元\n\u202e2")).policy

    (change,) = changes(before, after)

    assert change.sentence == r"第6.2条 额度取整单位：出处由“千元\u202e”变为“千元\n\u202e2”。"
    assert plain("南浔区\u3000（一）") == "南浔区\u3000（一）"
