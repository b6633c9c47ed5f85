"""The one time of a sandbox: real time plus an offset that a tester may set."""

import math
import secrets
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

BEIJING = timezone(timedelta(hours=8))


class Clock:
    """Real time plus the whole seconds written in one file.

    The file is read on every call because the backend's workers are other processes that read
    the same file: everybody must see a new offset at once.
    """

    def __init__(self, offset_file: Path) -> None:
        self._offset_file = offset_file

    def offset_s(self) -> int:
        """The offset in seconds is returned; a missing file means 0."""
        try:
            return int(self._offset_file.read_text(encoding="ascii").strip() or "0")
        except FileNotFoundError:
            return 0

    def now(self) -> datetime:
        """The sandbox's time is returned, aware, in UTC."""
        return datetime.now(UTC) + timedelta(seconds=self.offset_s())

    def now_s(self) -> int:
        """The sandbox's time is returned in whole Unix seconds."""
        return int(self.now().timestamp())

    def set_offset_s(self, offset_s: int) -> None:
        """Every reader of the file sees the new offset from its next call on.

        Raises OverflowError when that time is outside the calendar.
        """
        _ = (datetime.now(UTC) + timedelta(seconds=offset_s)).astimezone(BEIJING)
        draft = self._offset_file.with_name(f"{self._offset_file.name}.{secrets.token_hex(4)}")
        draft.write_text(f"{offset_s}\n", encoding="ascii")
        draft.replace(self._offset_file)

    def set_now(self, wanted_at: datetime) -> None:
        """The sandbox's time is `wanted_at`, or less than a second later: never still before."""
        self.set_offset_s(math.ceil((wanted_at - datetime.now(UTC)).total_seconds()))


def rfc3339(at_s: int) -> str:
    """Unix seconds are returned the way WeChat Pay writes time: `2026-03-01T09:30:00+08:00`."""
    return datetime.fromtimestamp(at_s, BEIJING).isoformat(timespec="seconds")


def parsed_rfc3339(text: str) -> datetime:
    """An aware datetime is returned. Raises ValueError unless `text` names its UTC offset."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("no UTC offset")
    return at
