"""Tables as files that spreadsheets open without harm."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from unicodedata import category, normalize

_BOM = "\ufeff"  # or Excel reads Chinese as something else
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_lines(names: Sequence[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """A header and a line per row, every cell quoted; text that looks like a formula is none."""
    yield _BOM + _line(names)
    for row in rows:
        yield _line(row)


def _line(cells: Iterable[object]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow(
        [_cell(each) for each in cells]
    )
    return buffer.getvalue()


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    is_number = isinstance(value, int) and not isinstance(value, bool)
    seen = "".join(each for each in normalize("NFKC", text) if category(each)[0] not in "CZ")
    is_formula = text.startswith(_FORMULA) or seen.startswith(_FORMULA)
    return f"'{text}" if is_formula and not is_number else text
