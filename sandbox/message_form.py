"""What may stand in a subscribe message: the limits of every kind of field."""

import re

LANGUAGES = ("zh_CN", "en_US", "zh_HK", "zh_TW")
STATES = ("developer", "trial", "formal")

_HAN = r"[\u3400-\u9fff\uf900-\ufaff·]"
_DAY = r"[0-9]{4}(年[0-9]{1,2}月[0-9]{1,2}日|-[0-9]{1,2}-[0-9]{1,2}|/[0-9]{1,2}/[0-9]{1,2})"
_HOUR = r"([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?"
_TIME = rf"({_DAY} ?)?{_HOUR}"
_DATE = rf"{_DAY}( ?{_HOUR})?"

# The word at the head of a key -> what its value looks like.
KINDS = {
    "thing": r"[^\r\n]{1,20}",
    "number": r"(?=.{1,32}$)-?[0-9]+(\.[0-9]+)?",
    "letter": r"[A-Za-z]{1,32}",
    "symbol": r"[^\w\s]{1,5}",
    "character_string": r"[\x21-\x7e]{1,32}",
    "time": rf"{_TIME}(~{_TIME})?",
    "date": rf"{_DATE}(~{_DATE})?",
    # One currency sign, up to ten digits, which may have decimals, and 元 at the end.
    "amount": r"[¥￥$€£](?=[0-9.]{1,11}元?$)[0-9]{1,10}(\.[0-9]{1,2})?元?",
    "phone_number": r"[0-9+\- ]{1,17}",
    "car_number": r"\w{1,8}",
    "name": rf"{_HAN}{{1,10}}|[A-Za-z .·'-]{{1,20}}",
    "phrase": rf"{_HAN}{{1,5}}",
}

_KEY = rf"(?P<kind>{'|'.join(KINDS)})[0-9]{{1,2}}"
# A page of the app, with a query or without; never an address elsewhere.
_PAGE = r"[\w-]+(/[\w-]+)*(\?[^\s#]*)?"
_AMOUNT_DIGITS_MAX = 10


def is_key(key: str) -> bool:
    """Whether a template can have a field of that name, like `thing1`."""
    return bool(re.fullmatch(_KEY, key))


def is_value(key: str, value: object) -> bool:
    """Whether that value may stand in the field `key`."""
    found = re.fullmatch(_KEY, key)
    if found is None or not isinstance(value, str):
        return False
    if found["kind"] == "amount" and sum(c.isdecimal() for c in value) > _AMOUNT_DIGITS_MAX:
        return False
    return bool(re.fullmatch(KINDS[found["kind"]], value))


def is_page(page: object) -> bool:
    """Whether `page` could be a page of a mini-program."""
    return isinstance(page, str) and bool(re.fullmatch(_PAGE, page))
