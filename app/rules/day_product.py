"""The exact average of a balance over days: sum of daily closing balances, and the day count."""

from dataclasses import dataclass
from fractions import Fraction

from app.money import round_fen


@dataclass(frozen=True, slots=True)
class DayProduct:
    """A balance-day product (积数) over `days` days; exact until somebody prints it."""

    product_fen_days: int
    """Sum of the closing balances of all days, in fen x day."""
    days: int

    def __post_init__(self) -> None:
        if self.days < 1:
            raise ValueError("an average needs at least one day")

    @property
    def as_fraction(self) -> Fraction:
        """The exact average in fen: what formulas use."""
        return Fraction(self.product_fen_days, self.days)

    @property
    def rounded_fen(self) -> int:
        """The average in whole fen, half up: for showing only."""
        return round_fen(self.as_fraction)
