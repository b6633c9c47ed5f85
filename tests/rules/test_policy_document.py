"""A policy as a document: read, validated, stored, read back."""

import hashlib
import json
from dataclasses import fields
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.policy import (
    DepositPolicy,
    EligibilityPolicy,
    Policy,
    PolicyInvalid,
    PolicySilent,
    QuotaPolicy,
)
from app.rules.policy_document import load_policy, policy_from_canonical
from app.rules.policy_values import SECTIONS
from tests.rules.building import POLICY_TEXT, the_policy, with_value

DOCUMENT = load_policy(POLICY_TEXT)
HEAD = 'code = "c"\ntitle = "t"\neffective_on = 2024-01-01\n'


def problems(text: str) -> tuple[str, ...]:
    with pytest.raises(PolicyInvalid) as raised:
        load_policy(text)
    return raised.value.problems


def test_the_shipped_policy_holds_the_figures_of_the_pilot() -> None:
    policy = DOCUMENT.policy

    assert (policy.code, policy.effective_on) == ("huzhou-pilot-2024.1", date(2024, 1, 1))
    assert policy.eligibility.age_min_years == 16
    assert [d.code for d in policy.eligibility.districts][-1] == "nantaihu"
    assert policy.deposit == DepositPolicy(44_820, 724_464)
    assert policy.quota.cap_fen == 70_000_000
    assert [(s.months, str(s.coefficient)) for s in policy.quota.coefficients] == [
        (6, "0.60"),
        (9, "0.70"),
        (12, "0.80"),
        (18, "0.90"),
        (24, "1.00"),
    ]


def test_every_figure_carries_unit_clause_and_source() -> None:
    figures = {figure.path: figure for figure in DOCUMENT.policy.figures}

    assert len(figures) == sum(len(specs) for specs in SECTIONS.values())
    minimum = figures["deposit.min_per_order_fen"]
    assert (minimum.value, minimum.unit, minimum.clause) == (44_820, "fen", "4.1")
    assert minimum.provenance == "placeholder"
    assert minimum.source.startswith("4,482×10%")


def test_while_a_figure_is_a_placeholder_the_policy_says_so() -> None:
    decided = load_policy(POLICY_TEXT.replace('"placeholder"', '"official"')).policy

    assert "deposit.min_per_order_fen" in DOCUMENT.policy.placeholders
    assert "eligibility.age_min_years" not in DOCUMENT.policy.placeholders
    assert DOCUMENT.policy.note.startswith("示意数据")
    assert (decided.placeholders, decided.note) == ((), "")


@pytest.mark.parametrize(
    ("section", "of_type"),
    [("eligibility", EligibilityPolicy), ("deposit", DepositPolicy), ("quota", QuotaPolicy)],
)
def test_the_document_asks_for_the_fields_the_section_has(section: str, of_type: type) -> None:
    assert list(SECTIONS[section]) == [each.name for each in fields(of_type)]


def test_the_canonical_text_is_sorted_without_floats_and_hashed() -> None:
    parsed = json.loads(DOCUMENT.canonical)

    assert DOCUMENT.canonical == json.dumps(
        parsed, ensure_ascii=False, sort_keys=True, separators=(",", ":")
    )
    assert parsed["quota"]["coefficients"]["value"][0] == {"months": 6, "coefficient": "0.60"}
    assert DOCUMENT.sha256 == hashlib.sha256(DOCUMENT.canonical.encode()).hexdigest()
    assert '"effective_on":"2024-01-01"' in DOCUMENT.canonical


def test_what_was_stored_is_read_back_as_the_same_policy() -> None:
    assert policy_from_canonical(DOCUMENT.canonical) == DOCUMENT.policy


def test_the_order_and_comments_of_the_file_do_not_change_the_hash() -> None:
    head, first, *rest = POLICY_TEXT.split("\n[")
    reordered = "\n[".join([head, *reversed([first, *rest])]) + "\n# a remark\n"

    assert load_policy(reordered).sha256 == DOCUMENT.sha256


@given(
    minimum=st.integers(1, 10**6),
    more=st.integers(0, 10**12),
    steps=st.lists(st.decimals("0.01", "9.99", places=2), min_size=1, max_size=5),
    title=st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20),
)
def test_any_valid_policy_comes_back_the_same(
    minimum: int, more: int, steps: list[Decimal], title: str
) -> None:
    listed = ", ".join(
        f'{{ months = {6 + index}, coefficient = "{coefficient}" }}'
        for index, coefficient in enumerate(sorted(steps))
    )
    before, _, rest = POLICY_TEXT.partition("[quota.coefficients]\nvalue = [")
    text = f"{before}[quota.coefficients]\nvalue = [{listed}]{rest.partition(']')[2]}"
    text = with_value(text, "min_per_order_fen", str(minimum))
    text = with_value(text, "max_per_calendar_month_fen", str(minimum + more))
    text = text.replace(f'"{DOCUMENT.title}"', json.dumps(title, ensure_ascii=False))

    document = load_policy(text)

    assert policy_from_canonical(document.canonical) == document.policy
    assert [s.coefficient for s in document.policy.quota.coefficients] == sorted(steps)


def test_a_section_left_out_is_silent_when_asked() -> None:
    before, _, rest = POLICY_TEXT.partition("[deposit.min")
    policy = load_policy(before + "[quota.basis]" + rest.partition("[quota.basis]")[2]).policy

    assert policy.quota.window_days == 365
    with pytest.raises(PolicySilent) as raised:
        _ = policy.deposit
    assert raised.value.section == "deposit"


@pytest.mark.parametrize("section", ["eligibility", "deposit", "quota"])
def test_a_policy_without_sections_is_silent_on_all(section: str) -> None:
    empty = Policy(code="c", title="t", effective_on=date(2024, 1, 1))

    with pytest.raises(PolicySilent):
        getattr(empty, section)


@pytest.mark.parametrize(
    ("figure", "value", "problem"),
    [
        ("age_min_years", "-1", "eligibility.age_min_years: must lie between 0 and 120"),
        ("age_min_years", "true", "eligibility.age_min_years: must be a whole number"),
        ("full_capacity_years", "15", "eligibility.full_capacity_years: below age_min_years"),
        (
            "default_female_category",
            '"M"',
            "eligibility.default_female_category: must be one of F55, F50",
        ),
        ("f50_allowed", '"yes"', "eligibility.f50_allowed: must be true or false"),
        ("min_per_order_fen", "448.2", "deposit.min_per_order_fen: must be a whole number"),
        ("min_per_order_fen", '"44820"', "deposit.min_per_order_fen: must be a whole number"),
        ("min_per_order_fen", "-1", f"deposit.min_per_order_fen: must lie between 1 and {10**13}"),
        (
            "max_per_calendar_month_fen",
            "44819",
            "deposit.max_per_calendar_month_fen: below min_per_order_fen",
        ),
        ("basis", '"BALANCE"', "quota.basis: must be one of AVG_DAILY"),
        ("window_days", "0", "quota.window_days: must lie between 1 and 3660"),
        ("months_min", "5", "quota.coefficients: none at months_min"),
        (
            "multiplier_second_home",
            "19",
            "quota.multiplier_second_home: above that of the first home",
        ),
        ("cap_fen", "99999", "quota.cap_fen: below rounding_unit_fen"),
    ],
)
def test_a_wrong_figure_is_refused_by_name(figure: str, value: str, problem: str) -> None:
    assert problems(with_value(POLICY_TEXT, figure, value)) == (problem,)


def test_the_default_category_must_be_open() -> None:
    text = with_value(POLICY_TEXT, "default_female_category", '"F50"')

    assert problems(with_value(text, "f50_allowed", "false")) == (
        "eligibility.default_female_category: F50 is not allowed",
    )


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("months = 9,", "months = 6,", "months do not increase at 6"),
        ('"0.70"', '"0.50"', "the coefficient falls at 9 months (长缴多贷)"),
        ('"0.70"', "0.70", 'a coefficient is text like "0.60"'),
        ('"0.70"', '"-0.70"', 'a coefficient is text like "0.60"'),
        ('"0.70"', '"NaN"', 'a coefficient is text like "0.60"'),
        ('"0.60"', '"0.00"', "a coefficient must be above zero"),
        ("months = 9,", "month = 9,", "must be a list of {months, coefficient}"),
    ],
)
def test_a_coefficient_table_that_breaks_its_promise_is_refused(
    old: str, new: str, problem: str
) -> None:
    assert problems(POLICY_TEXT.replace(old, new)) == (f"quota.coefficients: {problem}",)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('code = "nanxun"', 'code = "wuxing"', "names a code twice"),
        ('code = "nanxun"', 'code = "Nan Xun"', "a code is lower-case letters, digits and hyphens"),
        ('name = "南浔区"', 'name = " "', "a name must be text"),
        ('name = "南浔区"', 'label = "南浔区"', "must be a list of {code, name}"),
    ],
)
def test_a_list_of_districts_is_checked_entry_by_entry(old: str, new: str, problem: str) -> None:
    assert problems(POLICY_TEXT.replace(old, new)) == (f"eligibility.districts: {problem}",)


def test_every_problem_is_named_at_once() -> None:
    text = (
        HEAD.replace('"t"', "7").replace("2024-01-01", "2024-01-01T00:00:00")
        + "colour = 1\n"
        + POLICY_TEXT.partition("effective_on = 2024-01-01")[2]
        .replace('clause = "4.1"', 'clause = "4.9"')
        .replace('unit = "times"', 'unit = "percent"')
        .replace("[quota.cap_fen]", "[quota.limit_fen]")
        .replace('provenance = "official"', 'provenance = "rumour"', 1)
    )

    found = problems(text)

    assert found[0] == "colour: unknown key"
    assert set(found[1:]) == {
        "title: must be text",
        "effective_on: must be a day",
        "eligibility.age_min_years.provenance: must be one of official, press, placeholder",
        "deposit.min_per_order_fen.clause: no such clause",
        "deposit.max_per_calendar_month_fen.clause: no such clause",
        "quota.limit_fen: unknown key",
        'quota.multiplier_first_home.unit: must be "times"',
        'quota.multiplier_second_home.unit: must be "times"',
        "quota.cap_fen: missing",
    }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (HEAD, "the document has no section"),
        (HEAD + "deposit = 1\n", "deposit: must be a table"),
        (HEAD + "deposit.min_per_order_fen = 1\n", "deposit.min_per_order_fen: must be a table"),
        (HEAD + "deposit.min_per_order_fen.max = 1\n", "min_per_order_fen.max: unknown key"),
        ("code = ", "the document cannot be read"),
        (f"code = {'9' * 5000}", "the document cannot be read"),
        (f"code = {'[' * 5000}", "the document cannot be read"),
        ('code = "\ud800"', "the document cannot be read"),
    ],
)
def test_what_is_no_policy_is_refused(text: str, problem: str) -> None:
    assert any(problem in found for found in problems(text))


@pytest.mark.parametrize(
    "canonical",
    [
        "",
        "[]",
        "{}",
        "NaN",
        '{"cap":NaN}',
        DOCUMENT.canonical.replace("2024-01-01", "2024-13-01"),
        DOCUMENT.canonical.replace("724464", "7244.64"),
    ],
)
def test_a_stored_text_that_is_no_policy_is_refused(canonical: str) -> None:
    with pytest.raises(PolicyInvalid):
        policy_from_canonical(canonical)


def test_a_coefficient_that_stays_the_same_is_no_rise() -> None:
    flat = load_policy(POLICY_TEXT.replace('"0.70"', '"0.60"')).policy

    assert [step.months for step in flat.quota.rises()] == [6, 12, 18, 24]
    assert [step.months for step in the_policy(months_min="10").quota.rises()] == [10, 12, 18, 24]
