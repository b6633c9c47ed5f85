"""The only place where time is read: real time plus, in the sandbox alone, an offset from a file.

The offset lives in a file and is read per call, because several worker processes must agree on
the time the moment it is set; a variable inside one process would not reach the others.
Days are days in Shanghai. China has had one offset, +08:00, since 1991; no time zone database
is needed for anything that happens now, and birth dates carry no time.
"""

from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")

_offset_file: Path | None = None


def follow_offset_file(path: Path | None) -> None:
    """From now on this process adds the whole seconds written in `path`; None means real time."""
    global _offset_file
    _offset_file = path


def now() -> datetime:
    """The present instant, in UTC."""
    return datetime.now(UTC) + timedelta(seconds=_offset_s())


def today() -> date:
    """The present calendar day in Shanghai."""
    return day_of(now())


def day_of(instant: datetime) -> date:
    """The Shanghai calendar day of an instant; naive instants are refused with ValueError."""
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return instant.astimezone(SHANGHAI).date()


def _offset_s() -> int:
    if _offset_file is None:
        return 0
    try:
        return int(_offset_file.read_text("ascii") or 0)
    except FileNotFoundError:
        return 0
