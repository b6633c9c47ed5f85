"""The one catalogue of sentences."""

import re
from pathlib import Path

import pytest

from app.rules.clauses import CLAUSES
from app.rules.refusal import CATALOGUE, Refusal, clause_of, refuse, sentence_of

APP = Path(__file__).parents[2] / "app"


def test_every_sentence_is_used_somewhere() -> None:
    sources = [p for p in APP.rglob("*.py") if p != APP / "rules" / "refusal.py"]
    literals = set(re.findall(r'"([a-z0-9-]+)"', "".join(p.read_text("utf-8") for p in sources)))

    assert set(CATALOGUE) - literals == set()


@pytest.mark.parametrize("code", CATALOGUE)
def test_a_sentence_has_a_kebab_code_and_an_existing_clause(code: str) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code)
    assert clause_of(code) in CLAUSES


@pytest.mark.parametrize("code", CATALOGUE)
def test_a_sentence_takes_its_facts_by_name(code: str) -> None:
    names = re.findall(r"\{(.*?)\}", CATALOGUE[code][1])

    assert all(re.fullmatch(r"[a-z_]+", name) for name in names)
    sentence = sentence_of(code, **{name: f"<{name}>" for name in names})

    assert all(f"<{name}>" in sentence for name in names)
    assert "{" not in sentence


def test_no_sentence_is_said_twice() -> None:
    sentences = [sentence for _, sentence in CATALOGUE.values()]

    assert len(set(sentences)) == len(sentences)


def test_a_refusal_carries_code_clause_sentence_and_field() -> None:
    refusal = refuse("works-outside-city", field="works_in_city")

    assert refusal == Refusal(
        "works-outside-city",
        "1.4",
        "试点只面向在湖州市行政区域内就业的人员。",
        "works_in_city",
    )


def test_an_unknown_code_or_a_missing_fact_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        refuse("no-such-code")
    with pytest.raises(KeyError):
        refuse("name-too-long")


def test_a_clause_that_does_not_exist_is_none() -> None:
    assert {"1.1", "13.2", "0.5", "O.5"} <= CLAUSES
    assert CLAUSES.isdisjoint({"1.7", "14.1", "1", ""})
    assert len(CLAUSES) == 56
