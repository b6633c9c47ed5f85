"""What people are told: every kind has its words, within WeChat's limits, and names nobody."""

from __future__ import annotations

import re
from typing import Any

import pytest

from app import settings
from app.money import MAX_FEN
from app.rules.notices import CATALOGUE, NoticeUnfit, fields_of, sentence_of, title_of
from sandbox.house_templates import TEMPLATES
from sandbox.message_form import is_value

FIGURES: dict[str, int | str] = {
    "amount_fen": 123_456,
    "paid_at": "2026-12-31T23:59:59+08:00",
    "signed_at": "2026-12-31T23:59:59+08:00",
    "value_on": "2026-12-31",
}
CREDITED = "deposit-credited"


@pytest.mark.parametrize("kind", CATALOGUE)
def test_every_kind_is_worded_in_chinese_from_its_figures(kind: str) -> None:
    sentence = sentence_of(kind, FIGURES)

    assert re.search("[\u4e00-\u9fff]", title_of(kind))
    assert sentence.startswith("您")
    assert sentence.endswith("。")
    assert "{" not in sentence


@pytest.mark.parametrize("kind", CATALOGUE)
def test_every_field_keeps_wechats_limits(kind: str) -> None:
    """As the sandbox knows them, which is not written from the catalogue."""
    found = fields_of(kind, FIGURES)

    assert {key: value for key, value in found.items() if not is_value(key, value)} == {}


def test_there_is_a_setting_and_a_template_of_the_sandbox_for_every_kind() -> None:
    made = {f"WECHAT_TEMPLATE_{each.setting}": set(each.fields) for each in TEMPLATES}

    assert set(settings.wechat.MESSAGE_KINDS) == set(CATALOGUE)
    assert made == {
        name: set(CATALOGUE[kind].fields) for kind, name in settings.wechat.MESSAGE_KINDS.items()
    }


def test_amounts_and_moments_are_printed_as_people_read_them() -> None:
    assert fields_of(CREDITED, FIGURES)["amount1"] == "¥1234.56"
    assert fields_of(CREDITED, FIGURES)["time2"] == "2026年12月31日 23:59"
    assert "1,234.56元" in sentence_of(CREDITED, FIGURES)
    assert "自2026年12月31日起" in sentence_of(CREDITED, FIGURES)


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount_fen": None},
        {"amount_fen": "12"},
        {"amount_fen": [1]},
        {"amount_fen": MAX_FEN},  # twelve digits of yuan, and WeChat takes ten
        {"amount_fen": -100},
        {"paid_at": "yesterday"},
        {"paid_at": 1},
        {"paid_at": None},
    ],
)
def test_figures_that_make_no_notice_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(NoticeUnfit):
        fields_of(CREDITED, FIGURES | wrong)


@pytest.mark.parametrize("params", [{}, [], None, "x", {"amount_fen": 1}])
def test_figures_that_are_missing_are_refused(params: Any) -> None:
    with pytest.raises(NoticeUnfit):
        fields_of(CREDITED, params)
    with pytest.raises(NoticeUnfit):
        sentence_of(CREDITED, params)


def test_an_unknown_kind_is_refused() -> None:
    for ask in (title_of, lambda kind: sentence_of(kind, FIGURES)):
        with pytest.raises(NoticeUnfit):
            ask("of-tomorrow")
