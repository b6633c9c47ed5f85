"""Bodies no honest phone sends, each with the field its refusal has to name."""

from __future__ import annotations

import json

TOO_DEEP = 10_000

# Whole bodies that are no JSON object in UTF-8: what refuses them is the reader, before any field.
UNREADABLE: dict[str, bytes] = {
    "empty": b"",
    "blanks": b" \r\n\t ",
    "no object but null": b"null",
    "no object but a list": b"[]",
    "no object but a text": b'"amount_fen"',
    "no object but a number": b"100000",
    "cut off": b'{"amount_fen": 100000',
    "trailing garbage": b'{"amount_fen": 100000} ;',
    "two objects": b'{"amount_fen": 100000}{"amount_fen": 1}',
    "single quotes": b"{'amount_fen': 100000}",
    "a comment": b'{"amount_fen": 100000 /* a lot */}',
    "a trailing comma": b'{"amount_fen": 100000,}',
    "the same key twice": b'{"amount_fen": 100000, "amount_fen": 100001}',
    "the same key twice, once escaped": b'{"amount_fen": 100000, "amount\\u005ffen": 1}',
    "NaN": b'{"amount_fen": NaN}',
    "Infinity": b'{"amount_fen": Infinity}',
    "-Infinity": b'{"amount_fen": -Infinity}',
    "1e400": b'{"amount_fen": 1e400}',
    "an integer of 5,000 digits": b'{"amount_fen": ' + b"9" * 5_000 + b"}",
    "a leading zero": b'{"amount_fen": 0100000}',
    "a plus": b'{"amount_fen": +100000}',
    "hexadecimal": b'{"amount_fen": 0x186A0}',
    "a raw NUL": b'{"amount_fen": 100000\x00}',
    "a NUL in a name": b'{"amount_fen\\u0000": 100000}',
    "a raw lone surrogate": b'{"amount_fen": "\xed\xa0\x80"}',
    "a lone surrogate in a name": b'{"\\ud800": 1, "amount_fen": 100000}',
    "no UTF-8": b'{"amount_fen": "\xff\xfe"}',
    "a byte order mark": b'\xef\xbb\xbf{"amount_fen": 100000}',
    "UTF-16": '{"amount_fen": 100000}'.encode("utf-16"),
    "UTF-32": '{"amount_fen": 100000}'.encode("utf-32-le"),
    "lists in lists": b"[" * TOO_DEEP + b"]" * TOO_DEEP,
    "objects in objects": b'{"a":' * TOO_DEEP + b"1" + b"}" * TOO_DEEP,
    "lists in a field": b'{"amount_fen": ' + b"[" * TOO_DEEP + b"]" * TOO_DEEP + b"}",
}

# Amounts as the bytes of a JSON value. Money is an integer of fen, and nothing that resembles one.
AMOUNTS: tuple[bytes, ...] = (
    b"0",
    b"-0",
    b"-1",
    b"1.5",
    b"100.0",
    b"1e2",
    b"100000.0",
    b"1E+5",
    b'"100000"',
    '"１００"'.encode(),
    '"一百"'.encode(),
    b'""',
    b"true",
    b"false",
    b"null",
    b"[100000]",
    b'{"fen": 100000}',
    b"{}",
    b"9223372036854775808",  # 2**63
    b"-9223372036854775809",
    b"10000000000001",  # one fen above the largest amount there is
    b"1" + b"0" * 300,
    b'"\\u0000"',
    b'"\\ud800"',
    b'"' + b"9" * 10_000 + b'"',
)

WRONG_TYPES: tuple[str, ...] = (
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/xml",
    "application/json5",
    "",
)

# What fits no field of any body: put in the place of each field in turn.
STRANGE_VALUES: tuple[bytes, ...] = (
    b"1.5",
    b"-9223372036854775809",
    b"[[]]",
    b"{}",
    b'"\\u0000"',
    b'"\\ud83d"',
    b'""',
    b'"' + b"x" * 2_000 + b'"',
)


def amount_body(value: bytes) -> bytes:
    """The body of a deposit with these bytes as its amount."""
    return b'{"amount_fen": ' + value + b"}"


def with_value(body: dict[str, object], field: str, value: bytes) -> bytes:
    """The body with these bytes in the place of one field."""
    others = [
        json.dumps(name).encode() + b": " + json.dumps(held).encode()
        for name, held in body.items()
        if name != field
    ]
    return b"{" + b", ".join([*others, json.dumps(field).encode() + b": " + value]) + b"}"
