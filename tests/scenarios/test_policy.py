"""Seed part four: the rules are public, and nobody mistakes a placeholder for a decision."""

import pytest

from tests.clauses.register import known_ids
from tests.house import House
from tests.scenarios.building import MIN_FEN, MONTH_MAX_FEN, NOTE_OF_PLACEHOLDERS, refused


@pytest.mark.clause("O.2")
def test_every_figure_of_the_rules_is_public_with_unit_clause_and_source(house: House) -> None:
    anybody = house.phone()
    not_logged_in = refused(anybody.get, "/v1/me/quota")

    policy = anybody.get("/v1/public/policy")

    assert not_logged_in.status == 401
    figures = {each["path"]: each for each in policy["figures"]}
    assert figures["deposit.min_per_order_fen"]["value"] == MIN_FEN
    assert figures["deposit.max_per_calendar_month_fen"]["value"] == MONTH_MAX_FEN
    assert figures["quota.multiplier_first_home"]["value"] == 18
    assert {each["clause"] for each in policy["figures"]} <= known_ids()
    for each in policy["figures"]:
        assert each["unit"]
        assert each["source"]
        assert each["provenance"] in {"official", "press", "placeholder"}
    assert figures["quota.coefficients"]["provenance"] == "placeholder"
    assert NOTE_OF_PLACEHOLDERS in policy["note"]
    assert len(policy["sha256"]) == 64


def test_before_the_first_rules_nothing_is_published(house: House) -> None:
    house.at("2023-12-31T23:59:00")
    early = refused(house.phone().get, "/v1/public/policy")

    house.at("2024-01-01T00:00:00")
    policy = house.phone().get("/v1/public/policy")

    assert (early.status, early.kind) == (409, "no-policy-in-force")
    assert policy["effective_on"] == "2024-01-01"
