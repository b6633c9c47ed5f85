"""Seed §1: who may join, on which day, and what a refusal says."""

from datetime import date, timedelta
from typing import Any

import pytest

from sandbox.phone import Owner, Phone, Problem
from tests.house import House, somebody
from tests.scenarios.building import (
    a_proved,
    come_back,
    published,
    reasons_of,
    refused,
    somebody_ending_in_x,
    typing,
)

# Born, category, the statutory age the law gives him, and the day he reaches it.
RETIREMENTS = (
    ("1964-12-15", "M", "60周岁", "2024-12-15"),
    ("1965-01-15", "M", "60周岁1个月", "2025-02-15"),
    ("1965-01-31", "M", "60周岁1个月", "2025-02-28"),
    ("1965-04-15", "M", "60周岁1个月", "2025-05-15"),
    ("1965-05-15", "M", "60周岁2个月", "2025-07-15"),
    ("1966-09-15", "M", "60周岁6个月", "2027-03-15"),
    ("1972-09-15", "M", "62周岁", "2034-09-15"),
    ("1976-08-15", "M", "62周岁11个月", "2039-07-15"),
    ("1976-09-15", "M", "63周岁", "2039-09-15"),
    ("1969-12-15", "F55", "55周岁", "2024-12-15"),
    ("1970-01-15", "F55", "55周岁1个月", "2025-02-15"),
    ("1971-04-15", "F55", "55周岁4个月", "2026-08-15"),
    ("1975-08-15", "F55", "56周岁5个月", "2032-01-15"),
    ("1981-09-15", "F55", "58周岁", "2039-09-15"),
    ("1975-01-15", "F50", "50周岁1个月", "2025-02-15"),
    ("1976-07-15", "F50", "50周岁10个月", "2027-05-15"),
    ("1980-01-15", "F50", "52周岁7个月", "2032-08-15"),
    ("1984-10-15", "F50", "54周岁11个月", "2039-09-15"),
    ("1984-11-15", "F50", "55周岁", "2039-11-15"),
)


def codes_against(worker: Phone, **declared: Any) -> list[str]:
    """Why he may not join now; empty when he was admitted."""
    try:
        worker.enrol(**declared)
    except Problem as problem:
        return [code for _, code in reasons_of(problem)]
    return []


@pytest.mark.clause("1.2")
def test_whoever_reaches_the_statutory_retirement_age_may_join_until_the_day_before(
    house: House,
) -> None:
    for born, category, age, reached in RETIREMENTS:
        reached_on = date.fromisoformat(reached)
        house.at(reached_on - timedelta(days=1))
        owner = somebody(born_on=date.fromisoformat(born), sex=category[0])
        worker = a_proved(house, owner)
        chosen = {"retirement_category": None if category == "F55" else category}

        admitted = worker.enrol(**chosen)
        house.at(reached_on)
        problem = refused(worker.enrol, **chosen)

        assert admitted["decided_on"] == (reached_on - timedelta(days=1)).isoformat(), born
        assert reasons_of(problem) == [("1.2", "retirement-age-reached")], born
        assert reached in problem.details["reasons"][0]["sentence"]
        assert f"（{age}）" in problem.details["reasons"][0]["sentence"]


@pytest.mark.clause("1.2")
def test_whoever_retires_after_joining_keeps_the_account_and_deposits_no_more(
    house: House,
) -> None:
    house.at("2027-03-14")
    worker = house.worker(somebody(born_on=date(1966, 9, 15)))
    house.deposit(worker, 100_000)

    house.at("2027-03-15")
    problem = refused(worker.order, 100_000)

    assert reasons_of(problem) == [("1.2", "retirement-age-reached")]
    assert worker.get("/v1/me/account")["flexible_fen"] == 100_000


@pytest.mark.clause("1.1", "1.3")
def test_sixteen_is_enough_from_the_birthday_on(house: House) -> None:
    house.at("2026-03-01")
    boy = a_proved(house, somebody(born_on=date(2010, 3, 2)))
    declared = {"own_labour_income": True}

    problem = refused(boy.enrol, **declared)
    house.at("2026-03-02")
    boy.enrol(**declared)
    boy.sign_agreement()
    house.deposit(boy, 50_000)

    assert reasons_of(problem) == [("1.1", "under-age"), ("1.3", "under-age-of-capacity")]
    assert "2026-03-02" in problem.details["reasons"][0]["sentence"]
    assert boy.get("/v1/me/account")["flexible_fen"] == 50_000


@pytest.mark.clause("1.1", "1.3")
def test_whoever_is_born_on_29_february_is_eighteen_on_the_28th(house: House) -> None:
    house.at("2024-02-28")
    leapling = a_proved(house, Owner("梅闰生", "330503200802295613", "13700000229"))
    found: dict[str, list[list[str]]] = {}

    for day in ("2024-02-28", "2024-02-29", "2026-02-27", "2026-02-28"):
        come_back(house, leapling, day)
        found[day] = [codes_against(leapling, own_labour_income=it) for it in (True, False)]

    too_young = ["under-age", "under-age-of-capacity"]
    assert found == {
        "2024-02-28": [too_young, too_young],
        "2024-02-29": [[], ["minor-without-own-labour-income"]],
        "2026-02-27": [[], ["minor-without-own-labour-income"]],
        "2026-02-28": [[], []],
    }


@pytest.mark.clause("1.3")
def test_at_seventeen_own_labour_income_is_asked_and_must_be_declared(house: House) -> None:
    girl = a_proved(house, somebody(born_on=date(2008, 6, 15), sex="F"))

    unasked = refused(girl.enrol)
    supported = refused(girl.enrol, own_labour_income=False)
    admitted = girl.enrol(own_labour_income=True)

    assert reasons_of(unasked) == [("1.3", "own-labour-income-undeclared")]
    assert list(unasked.details["errors"]) == ["own_labour_income"]
    assert reasons_of(supported) == [("1.3", "minor-without-own-labour-income")]
    assert "2026-06-15" in supported.details["reasons"][0]["sentence"]
    assert admitted["decided_on"] == "2026-03-02"


@pytest.mark.clause("1.4")
def test_every_kind_of_flexible_work_in_every_district_is_covered_and_nothing_else(
    house: House,
) -> None:
    worker = a_proved(house)
    rules = published(worker)
    kinds = [each["code"] for each in rules["eligibility.work_kinds"]]
    districts = [each["code"] for each in rules["eligibility.districts"]]

    admitted = [
        worker.enrol(work_kind=kind, district=district) for kind in kinds for district in districts
    ]
    elsewhere = {
        "works-outside-city": refused(worker.enrol, works_in_city=False),
        "district-not-covered": refused(worker.enrol, district="xihu"),
        "work-kind-not-covered": refused(worker.enrol, work_kind="unit-employee"),
    }

    assert len(admitted) == 3 * 6
    assert {(each["work_kind"], each["district"]) for each in admitted} == {
        (kind, district) for kind in kinds for district in districts
    }
    for code, problem in elsewhere.items():
        assert reasons_of(problem) == [("1.4", code)]
    named = elsewhere["district-not-covered"].details["reasons"][0]["sentence"]
    assert "吴兴区、南浔区、德清县、长兴县、安吉县、南太湖新区" in named


@pytest.mark.clause("1.6")
def test_a_refusal_names_every_reason_at_once_with_its_clause(house: House) -> None:
    worker = a_proved(house, somebody(born_on=date(1960, 5, 20)))

    problem = refused(
        worker.enrol,
        retirement_category="F50",
        draws_pension=True,
        work_kind="unit-employee",
        works_in_city=False,
        district="xihu",
    )

    assert problem.status == 422
    assert reasons_of(problem) == [
        ("1.2", "retirement-category-of-other-sex"),
        ("1.2", "retirement-age-reached"),
        ("1.2", "draws-pension"),
        ("1.4", "work-kind-not-covered"),
        ("1.4", "works-outside-city"),
        ("1.4", "district-not-covered"),
    ]
    assert all(each["sentence"].endswith("。") for each in problem.details["reasons"])
    assert set(problem.details["errors"]) == {
        "retirement_category", "draws_pension", "work_kind", "works_in_city", "district",
    }  # fmt: skip
    assert worker.get("/v1/me")["next_step"] == "enrolment"


@pytest.mark.clause("1.5", "1.6", "6.1")
def test_whoever_was_refused_applies_again_by_himself_once_the_reason_is_gone(
    house: House,
) -> None:
    worker = a_proved(house, somebody(area="110101"))  # the card may come from anywhere

    problem = refused(worker.enrol, works_in_city=False)
    house.at("2026-06-01")
    worker.log_in()
    worker.enrol(works_in_city=True)
    worker.sign_agreement()
    house.deposit(worker, 50_000)

    assert reasons_of(problem) == [("1.4", "works-outside-city")]
    assert worker.get("/v1/me")["next_step"] is None


@pytest.mark.clause("1.6")
def test_an_identity_number_is_refused_with_every_reason_before_wechat_is_asked(
    house: House,
) -> None:
    worker = house.phone()
    worker.log_in()
    worker.consent()
    house.forget_calls()
    expected = {
        "33050219900101123": ["id-number-shape"],
        "330502199001011237": ["id-number-check-character"],
        "330502199002301232": ["id-number-birth-impossible", "id-number-check-character"],
        "330502202612011231": ["id-number-birth-in-future", "id-number-check-character"],
        "810000199001010019": ["residence-permit-at-counter"],
        "820000199001010029": ["residence-permit-at-counter"],
        "830000199001010039": ["residence-permit-at-counter"],
        "933050199001011238": ["residence-permit-at-counter", "id-number-check-character"],
    }

    found: dict[str, Any] = {}
    for number in expected:
        body = {"name": "张1", "id_number": number, "phone_code": "not-asked-for"}
        found[number] = refused(worker.post, "/v1/me/identity-checks", body)

    for number, codes in expected.items():
        reasons = reasons_of(found[number])
        assert reasons == [("1.5", code) for code in ("name-has-other-characters", *codes)]
        assert set(found[number].details["errors"]) == {"name", "id_number"}
        assert number not in str(found[number].details)
    permit = found["810000199001010019"].details["errors"]["id_number"][0]
    assert "港澳台居民居住证" in permit
    assert "柜台" in permit
    assert house.calls() == {}


@pytest.mark.clause("3.3")
def test_a_number_that_ends_in_a_small_x_is_the_same_person(house: House) -> None:
    owner = somebody_ending_in_x()
    first = house.worker(owner)
    house.deposit(first, 100_000)

    second = house.phone(owner)
    second.owner = typing(owner, id_number=f" {owner.id_number.lower()} ", name=f"{owner.name} ")
    second.log_in()
    second.consent()
    second.prove_identity()

    account = second.get("/v1/me/account")
    assert account["flexible_fen"] == 100_000
    assert second.get("/v1/me")["next_step"] is None
