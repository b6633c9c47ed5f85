"""Who may join the pilot: clauses 1.1 to 1.4."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.eligibility import refusals_to_join, retirement_category_of, statutory_retirement
from app.rules.policy import RetirementCategory
from tests.rules.building import TODAY, an_applicant, the_policy

POLICY = the_policy()


def reasons(*, on: date = TODAY, **told: Any) -> list[tuple[str, str]]:
    """(clause, code) of every refusal."""
    refusals = refusals_to_join(an_applicant(**told), policy=POLICY, on=on)
    return [(refusal.clause, refusal.code) for refusal in refusals]


@pytest.mark.parametrize(
    ("born", "category", "delay", "age", "month"),
    [
        ((1964, 12), "M", 0, (60, 0), (2024, 12)),
        ((1965, 1), "M", 1, (60, 1), (2025, 2)),
        ((1965, 4), "M", 1, (60, 1), (2025, 5)),
        ((1965, 5), "M", 2, (60, 2), (2025, 7)),
        ((1966, 9), "M", 6, (60, 6), (2027, 3)),
        ((1972, 9), "M", 24, (62, 0), (2034, 9)),
        ((1976, 8), "M", 35, (62, 11), (2039, 7)),
        ((1976, 9), "M", 36, (63, 0), (2039, 9)),
        ((1990, 9), "M", 36, (63, 0), (2053, 9)),
        ((1969, 12), "F55", 0, (55, 0), (2024, 12)),
        ((1970, 1), "F55", 1, (55, 1), (2025, 2)),
        ((1971, 4), "F55", 4, (55, 4), (2026, 8)),
        ((1975, 8), "F55", 17, (56, 5), (2032, 1)),
        ((1981, 9), "F55", 36, (58, 0), (2039, 9)),
        ((1975, 1), "F50", 1, (50, 1), (2025, 2)),
        ((1976, 7), "F50", 10, (50, 10), (2027, 5)),
        ((1980, 1), "F50", 31, (52, 7), (2032, 8)),
        ((1984, 10), "F50", 59, (54, 11), (2039, 9)),
        ((1984, 11), "F50", 60, (55, 0), (2039, 11)),
    ],
)
def test_the_statutory_age_rises_step_by_step_from_2025(
    born: tuple[int, int],
    category: RetirementCategory,
    delay: int,
    age: tuple[int, int],
    month: tuple[int, int],
) -> None:
    retirement = statutory_retirement(date(*born, 15), category)

    assert retirement.delay_months == delay
    assert divmod(retirement.age_months, 12) == age
    assert retirement.month == month
    assert retirement.until_on == date(*month, 15)


def test_retirement_day_is_the_last_of_a_shorter_month() -> None:
    assert statutory_retirement(date(1965, 1, 31), "M").until_on == date(2025, 2, 28)


@given(
    birth_on=st.dates(date(1950, 1, 1), date(2010, 12, 31)),
    category=st.sampled_from(["M", "F55", "F50"]),
)
def test_who_is_born_later_never_retires_earlier(
    birth_on: date, category: RetirementCategory
) -> None:
    earlier = statutory_retirement(birth_on, category)
    later = statutory_retirement(birth_on + timedelta(days=1), category)

    assert earlier.until_on <= later.until_on
    assert earlier.delay_months <= later.delay_months


@pytest.mark.parametrize(
    ("born", "sex", "category", "last_day"),
    [
        (date(1966, 9, 15), "M", None, date(2027, 3, 14)),
        (date(1971, 4, 30), "F", None, date(2026, 8, 29)),
        (date(1976, 7, 1), "F", "F50", date(2027, 4, 30)),
        (date(1965, 1, 31), "M", "M", date(2025, 2, 27)),
    ],
)
def test_joining_ends_on_the_day_of_statutory_retirement(
    born: date, sex: str, category: str | None, last_day: date
) -> None:
    told = {"birth_on": born, "sex": sex, "retirement_category": category}

    assert reasons(on=last_day, **told) == []
    assert reasons(on=last_day + timedelta(days=1), **told) == [("1.2", "retirement-age-reached")]


def test_the_refusal_of_age_says_the_day_and_the_age() -> None:
    applicant = an_applicant(birth_on=date(1965, 5, 2))

    (refusal,) = refusals_to_join(applicant, policy=POLICY, on=TODAY)

    assert "2025-07-02" in refusal.sentence
    assert "60周岁2个月" in refusal.sentence


def test_a_round_statutory_age_is_said_without_months() -> None:
    applicant = an_applicant(birth_on=date(1950, 5, 2))

    (refusal,) = refusals_to_join(applicant, policy=POLICY, on=TODAY)

    assert "（60周岁）" in refusal.sentence


UNDER_16 = [("1.1", "under-age"), ("1.3", "under-age-of-capacity")]


@pytest.mark.parametrize(
    ("born", "own_income", "expected"),
    [
        (date(2010, 11, 24), True, UNDER_16),
        (date(2010, 11, 23), True, []),
        (date(2010, 11, 23), False, [("1.3", "minor-without-own-labour-income")]),
        (date(2010, 11, 23), None, [("1.3", "own-labour-income-undeclared")]),
        (date(2008, 11, 24), None, [("1.3", "own-labour-income-undeclared")]),
        (date(2008, 11, 23), None, []),
        (date(2008, 11, 23), False, []),
    ],
)
def test_from_16_with_own_labour_income_and_from_18_without_asking(
    born: date, own_income: bool | None, expected: list[tuple[str, str]]
) -> None:
    assert reasons(birth_on=born, own_labour_income=own_income) == expected


def test_who_is_born_on_29_february_is_16_on_the_day_and_18_on_the_28th() -> None:
    born = {"birth_on": date(2008, 2, 29), "own_labour_income": True}

    assert reasons(on=date(2024, 2, 28), **born) == UNDER_16
    assert reasons(on=date(2024, 2, 29), **born) == []
    assert reasons(on=date(2026, 2, 28), birth_on=date(2008, 2, 29)) == []


@pytest.mark.parametrize("work_kind", ["individual-business", "part-time", "new-form"])
@pytest.mark.parametrize(
    "district", ["wuxing", "nanxun", "deqing", "changxing", "anji", "nantaihu"]
)
def test_every_kind_of_flexible_work_in_every_district_may_join(
    work_kind: str, district: str
) -> None:
    assert reasons(work_kind=work_kind, district=district) == []


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"draws_pension": True}, [("1.2", "draws-pension")]),
        ({"retirement_category": "F55"}, [("1.2", "retirement-category-of-other-sex")]),
        (
            {"sex": "F", "retirement_category": "M"},
            [("1.2", "retirement-category-of-other-sex")],
        ),
        ({"work_kind": "employee"}, [("1.4", "work-kind-not-covered")]),
        ({"works_in_city": False}, [("1.4", "works-outside-city")]),
        ({"district": "xihu"}, [("1.4", "district-not-covered")]),
    ],
)
def test_each_condition_not_met_is_refused_with_its_clause(
    told: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert reasons(**told) == expected


def test_all_reasons_come_at_once() -> None:
    assert reasons(
        birth_on=date(1960, 1, 1),
        retirement_category="F50",
        draws_pension=True,
        work_kind="",
        works_in_city=False,
        district="",
    ) == [
        ("1.2", "retirement-category-of-other-sex"),
        ("1.2", "retirement-age-reached"),
        ("1.2", "draws-pension"),
        ("1.4", "work-kind-not-covered"),
        ("1.4", "works-outside-city"),
        ("1.4", "district-not-covered"),
    ]


def test_the_refused_district_is_answered_with_the_districts_there_are() -> None:
    refusals = refusals_to_join(an_applicant(district="xihu"), policy=POLICY, on=TODAY)

    assert "吴兴区、南浔区、德清县、长兴县、安吉县、南太湖新区" in refusals[0].sentence


def test_a_woman_may_choose_50_only_where_the_policy_opens_it() -> None:
    woman = an_applicant(birth_on=date(1980, 1, 1), sex="F", retirement_category="F50")
    closed = the_policy(f50_allowed="false")

    assert refusals_to_join(woman, policy=POLICY, on=TODAY) == ()
    (refusal,) = refusals_to_join(woman, policy=closed, on=TODAY)
    assert (refusal.code, refusal.field) == (
        "retirement-category-not-offered",
        "retirement_category",
    )


def test_a_woman_who_chooses_nothing_has_the_category_of_the_policy() -> None:
    fifty = the_policy(default_female_category='"F50"')

    assert retirement_category_of("F", None, policy=POLICY) == "F55"
    assert retirement_category_of("F", None, policy=fifty) == "F50"
    assert retirement_category_of("F", "F55", policy=fifty) == "F55"
    assert retirement_category_of("M", None, policy=fifty) == "M"
