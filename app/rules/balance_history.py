"""Closing balances over time, kept sparse: one row per day on which the balance moved."""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from app.rules.day_product import DayProduct
from app.rules.periods import Period


@dataclass(frozen=True, slots=True)
class BalanceHistory:
    """An account's balance now and the moves that led to it, as far back as a window needs."""

    balance_fen: int
    """The balance now."""
    changes: tuple[tuple[date, int], ...]
    """(day, closing balance in fen) by day. To know the balance a window begins with, let the
    last row on or before its first day come first, or give `opening_fen`."""
    first_credit_on: date | None
    """Day of the first credited deposit; None while there is none."""
    opening_fen: int = 0
    """The balance before the first row: zero for an account younger than that."""

    def __post_init__(self) -> None:
        days = [day for day, _ in self.changes]
        if any(later <= earlier for earlier, later in pairwise(days)):
            raise ValueError("balance rows must be in the order of their days, one a day")
        last_fen = self.changes[-1][1] if self.changes else self.opening_fen
        if last_fen != self.balance_fen:
            raise ValueError("the balance now is not that of the last row")

    def balance_on(self, day: date) -> int:
        """The closing balance of the day."""
        at = bisect_right(self.changes, day, key=lambda row: row[0])
        return self.changes[at - 1][1] if at else self.opening_fen

    def average_over(self, window: Period) -> DayProduct:
        """The exact average of the closing balances of all days of the window."""
        moves = [(day, fen) for day, fen in self.changes if day in window]
        product, balance, since = 0, self.balance_on(window.from_on), window.from_on
        for day, closing_fen in moves:
            product += balance * (day - since).days
            balance, since = closing_fen, day
        product += balance * (window.until_on - since).days
        return DayProduct(product, window.days)
