"""Days, months and half-open periods. Days are Asia/Shanghai days, always handed in."""

import calendar
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class Period:
    """The days from `from_on` up to but not including `until_on`."""

    from_on: date
    until_on: date

    def __post_init__(self) -> None:
        if self.until_on < self.from_on:
            raise ValueError("a period cannot end before it begins")

    @property
    def days(self) -> int:
        """How many days the period holds."""
        return (self.until_on - self.from_on).days

    @property
    def last_on(self) -> date:
        """The last day inside; only a period of at least one day has one."""
        if not self.days:
            raise ValueError("an empty period has no last day")
        return self.until_on - timedelta(days=1)

    def __contains__(self, day: date) -> bool:
        return self.from_on <= day < self.until_on


def add_months(day: date, months: int) -> date:
    """The same day of the month `months` later (or earlier), clipped to the month's last day."""
    year, month_index = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month_index + 1)[1]
    return date(year, month_index + 1, min(day.day, last))


def full_months(from_on: date, on: date) -> int:
    """Full months elapsed: the largest n with `add_months(from_on, n) <= on`; 0 before `from_on`.

    Counted from the original day, so 31 January to 28 (29) February is one full month.
    """
    if on <= from_on:
        return 0
    months = (on.year - from_on.year) * 12 + on.month - from_on.month
    return months if add_months(from_on, months) <= on else months - 1


def month_start(day: date) -> date:
    """The first day of the calendar month."""
    return day.replace(day=1)


def month_end(day: date) -> date:
    """The last day of the calendar month, inside it."""
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def month_key(day: date) -> str:
    """The calendar month as "2026-11": sorts as text in time order."""
    return f"{day.year:04d}-{day.month:02d}"
