"""Money is an integer number of fen (1 yuan = 100 fen); the sign convention of the whole house.

A positive balance of a personal sub-account is what the centre owes the person.
Rounding happens once, at settlement, with `round_fen`; nothing else in the house rounds money.
"""

from decimal import Decimal
from fractions import Fraction

Fen = int

# No single posting or balance may exceed 100 billion yuan: far above the pool of any city, far
# below 2**63, so sums of a whole ledger still fit a BIGINT.
MAX_FEN: Fen = 10**13


def round_fen(value: Fraction | Decimal | int) -> Fen:
    """The exact amount in fen is rounded half up, away from zero (domain rule: 0.5 fen -> 1)."""
    exact = Fraction(value)
    doubled = abs(exact) * 2 + 1
    whole = doubled.numerator // (doubled.denominator * 2)
    return whole if exact >= 0 else -whole


def yuan(fen: Fen) -> str:
    """The amount as people read it: `724464` -> `7,244.64`."""
    sign = "-" if fen < 0 else ""
    whole, cents = divmod(abs(fen), 100)
    return f"{sign}{whole:,}.{cents:02d}"


def plain_yuan(fen: Fen) -> str:
    """The amount as files for banks hold it: `724464` -> `7244.64`."""
    return yuan(fen).replace(",", "")
