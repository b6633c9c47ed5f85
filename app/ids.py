"""Names for rows that leave the house: random, typed, unguessable; and the account number.

A public id is `<type>_<26 base-32 characters>` (130 random bits): the prefix lets a person reading
a log tell an order from an agreement, the randomness makes guessing another's id hopeless.
"""

import hashlib
import re
import secrets
from datetime import date

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u to misread
_PUBLIC_ID = re.compile(r"[a-z]{2,4}_[0-9a-hjkmnp-tv-z]{26}")


def new_public_id(prefix: str) -> str:
    """A fresh public id of the given type, such as `dep_...`."""
    return f"{prefix}_{_random(26)}"


def is_public_id(text: str, prefix: str) -> bool:
    """Whether the text has the shape of a public id of this type."""
    return text.startswith(f"{prefix}_") and _PUBLIC_ID.fullmatch(text) is not None


def new_out_trade_no() -> str:
    """A merchant order number as WeChat Pay takes it: 6-32 of [0-9A-Za-z_-|*], never reused."""
    return f"LC{_random(26).upper()}"


def new_out_seq_no() -> str:
    """A number for one face verification, 5-32 of [0-9A-Za-z_-], unique per appid."""
    return f"FV{_random(26)}"


def new_out_refund_no() -> str:
    """A merchant refund number, up to 64 of [0-9A-Za-z_-|*@], one refund for ever."""
    return f"RF{_random(26).upper()}"


def new_out_bill_no() -> str:
    """A merchant transfer number, up to 32 of [0-9A-Za-z], one transfer for ever."""
    return f"TF{_random(26).upper()}"


def new_bank_no() -> str:
    """The number of an instruction to the bank, letters and digits alone."""
    return f"BK{_random(26).upper()}"


def new_token() -> str:
    """A session token with 256 random bits; only `token_hash` of it is ever stored."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """What is stored of a token: SHA-256 suffices, the token itself is uniformly random."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def new_activation_code() -> str:
    """What lets a new member of staff set a password: 130 random bits, shown once."""
    return _random(26)


def acceptance_number(day: date, serial: int) -> str:
    """The number people quote for something that waits: the day it came in, and a serial."""
    return f"SL{day:%Y%m%d}{serial:08d}"


def account_number(centre_code: str, serial: int) -> str:
    """The published 20-character account number (JGJ/T 320 GRZH, C20).

    Six digits of the centre, `8` for the flexible-employment scheme, eleven digits of a serial,
    two check digits (ISO 7064 MOD 97-10), so that a mistyped number is caught at the counter.
    """
    body = f"{centre_code[:6]}8{serial:011d}"
    return f"{body}{98 - int(body) * 100 % 97:02d}"


def is_account_number(text: str) -> bool:
    """Whether the text is a well-formed account number with right check digits."""
    return re.fullmatch(r"[0-9]{20}", text) is not None and int(text) % 97 == 1


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
