"""A day is a day in Shanghai; time is read in one place, plus what the sandbox was told to add."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from app import clock

NEW_YORK = timezone(timedelta(hours=-5))


@pytest.fixture(autouse=True)
def real_time() -> Iterator[None]:
    """What another test's clock follows is left as it was."""
    followed = clock._offset_file
    clock.follow_offset_file(None)
    yield
    clock.follow_offset_file(followed)


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        ("2026-03-02T15:59:59.999999+00:00", date(2026, 3, 2)),
        ("2026-03-02T16:00:00+00:00", date(2026, 3, 3)),
        ("2026-03-02T23:59:59.999999+08:00", date(2026, 3, 2)),
        ("2026-03-03T00:00:00+08:00", date(2026, 3, 3)),
        ("2026-12-31T16:00:00+00:00", date(2027, 1, 1)),
        ("2024-02-28T16:00:00+00:00", date(2024, 2, 29)),
        ("2026-03-02T11:00:00-05:00", date(2026, 3, 3)),
        ("2026-03-02T10:59:59-05:00", date(2026, 3, 2)),
    ],
)
def test_a_day_begins_at_midnight_in_shanghai(instant: str, day: date) -> None:
    assert clock.day_of(datetime.fromisoformat(instant)) == day


@given(st.timedeltas(timedelta(0), timedelta(days=70_000)))
def test_the_day_does_not_depend_on_how_the_instant_is_written(later: timedelta) -> None:
    instant = datetime(1992, 1, 1, tzinfo=UTC) + later

    days = {clock.day_of(instant.astimezone(zone)) for zone in (UTC, clock.SHANGHAI, NEW_YORK)}

    assert days == {(instant + timedelta(hours=8)).date()}


def test_an_instant_without_a_zone_has_no_day() -> None:
    with pytest.raises(ValueError, match="needs a time zone"):
        clock.day_of(datetime(2026, 3, 2))  # noqa: DTZ001 - it must be refused


def test_now_is_the_real_time_in_utc() -> None:
    with time_machine.travel(datetime(2026, 3, 2, 16, tzinfo=UTC), tick=False):
        assert clock.now() == datetime(2026, 3, 2, 16, tzinfo=UTC)
        assert clock.now().tzinfo is UTC
        assert clock.today() == date(2026, 3, 3)


def test_the_offset_is_read_anew_for_every_call(tmp_path: Path) -> None:
    offset = tmp_path / "offset"
    clock.follow_offset_file(offset)

    with time_machine.travel(datetime(2026, 3, 2, 15, 59, 59, tzinfo=UTC), tick=False):
        assert clock.today() == date(2026, 3, 2)  # no file yet
        offset.write_text("1\n")
        assert clock.today() == date(2026, 3, 3)
        offset.write_text("-86400")
        assert clock.today() == date(2026, 3, 1)
        offset.write_text("")
        assert clock.today() == date(2026, 3, 2)
        offset.write_text("31536000")
        clock.follow_offset_file(None)
        assert clock.today() == date(2026, 3, 2)
