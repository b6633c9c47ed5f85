"""A log line is one line of JSON without a person, a secret, or an exception's own words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from app import log

ID_NUMBER, PHONE = "33050219900101123X", "13812341234"
OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6-"


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    """Other tests' logging is left as it was."""
    kept = structlog.get_config()
    yield
    structlog.configure(**kept)


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]) -> Any:
    """What one call wrote: the line as JSON."""

    def read() -> dict[str, Any]:
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.endswith("\n")
        [line] = captured.err.splitlines()
        found: dict[str, Any] = json.loads(line)
        return found

    return read


def test_a_line_says_what_happened_when_and_how_grave_it_is(written: Any) -> None:
    the_log().warning("order-not-settled", out_trade_no="LC1", count=3, ratio=0.5, is_new=None)

    line = written()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "order-not-settled",
        "level": "warning",
        "out_trade_no": "LC1",
        "count": 3,
        "ratio": 0.5,
        "is_new": None,
    }


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (ID_NUMBER, "<id-number>"),
        (f"id={ID_NUMBER.lower()};", "id=<id-number>;"),
        (PHONE, "<phone>"),
        (f"+86{PHONE}", f"+86{PHONE}"),  # thirteen digits are no phone number of ours
        (f"call {PHONE}.", "call <phone>."),
        (OPENID, "<openid>"),
        (f"openid '{OPENID}' unknown", "openid '<openid>' unknown"),
        ("GET /sns?appid=wx1&secret=s3cr3t&js_code=abc", "GET /sns?appid=wx1&secret=<masked>"),
        ('url="/a?access_token=t0k3n"', 'url="/a?access_token=<masked>"'),
        ("SESSION_KEY=abc==", "SESSION_KEY=<masked>"),
        ("4200001234202603021234567890", "4200001234202603021234567890"),
        ("LC0123456789ABCDEFGHJKMNPQRS", "LC0123456789ABCDEFGHJKMNPQRS"),
        ("2026-03-02T09:00:00+08:00", "2026-03-02T09:00:00+08:00"),
    ],
)
def test_what_has_the_shape_of_a_person_or_a_secret_is_masked(said: str, shown: str) -> None:
    assert str(log.masked(said)).startswith(shown)
    assert "abc" not in log.masked(said)


def test_masking_reaches_into_every_fact(written: Any) -> None:
    class Person:
        def __str__(self) -> str:
            return f"Person({PHONE})"

    the_log().info(
        f"event {PHONE}",
        nested={"a": [PHONE, {"b": (ID_NUMBER,)}]},
        thing=Person(),
        some={PHONE},
        raw=PHONE.encode(),
        error=ValueError(f"name {OPENID} of {ID_NUMBER} at /?secret=x"),
    )

    line = written()
    assert line["event"] == "event <phone>"
    assert line["nested"] == {"a": ["<phone>", {"b": ["<id-number>"]}]}
    assert (line["thing"], line["some"], line["raw"]) == (
        "Person(<phone>)",
        "{'<phone>'}",
        "b'<phone>'",
    )
    assert line["error"] == "ValueError"


def test_an_exception_is_named_by_type_and_place_never_by_its_words(written: Any) -> None:
    try:
        raise_with("张三 of no shape at all")
    except LookupError as error:
        the_log().error("unforeseen-error", exc_info=error)

    line = written()
    assert line["error"] == "builtins.KeyError"
    assert line["trace"][-1].startswith("test_log.py:")
    assert line["trace"][-1].endswith(" raise_with")
    assert "张三" not in json.dumps(line, ensure_ascii=False)


def test_the_exception_at_hand_is_found(written: Any) -> None:
    try:
        raise_with("张三")
    except LookupError:
        the_log().exception("unforeseen-error")

    line = written()
    assert line["error"] == "builtins.KeyError"
    assert "exception" not in line


def test_line_breaks_stay_inside_their_line(written: Any) -> None:
    forged = 'x\r\n{"level": "admin"}\n\x1b[31m\0'

    the_log().info("request", name=forged)

    assert written()["name"] == forged


def test_chinese_is_readable_and_debugging_is_off(
    written: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    the_log().debug("not-shown")
    assert capsys.readouterr().err == ""

    the_log().info("状态")
    captured = capsys.readouterr().err

    assert "状态" in captured


def raise_with(words: str) -> None:
    raise KeyError(words)


def the_log() -> Any:
    """The log of a process that starts now: pytest changes standard error between phases."""
    log.configure("INFO")
    return log.get()
