"""What a staff password must be: long, not guessable from its login, not a repetition."""

import unicodedata

SHORTEST, LONGEST = 12, 128
_FEWEST_DIFFERENT = 6
_OFTEN_USED = (
    "password",
    "qwertyuiop",
    "1234567890",
    "administrator",
    "gongjijin",
    "huzhou",
    "lingcun",
    "iloveyou",
    "woaini",
)


def normalised(password: str) -> str:
    """The password as it is hashed and compared: the same on every keyboard (NFKC)."""
    return unicodedata.normalize("NFKC", password)


def faults_of_password(password: str, *, login: str) -> list[str]:
    """Everything wrong with a normalised password, in Chinese; empty when it will do."""
    lowered = password.lower()
    faults = []
    if not SHORTEST <= len(password) <= LONGEST:
        faults.append(f"密码应为{SHORTEST}至{LONGEST}个字符。")
    if len(set(lowered)) < _FEWEST_DIFFERENT:
        faults.append(f"密码至少应有{_FEWEST_DIFFERENT}种不同字符。")
    if login.lower() in lowered:
        faults.append("密码不能包含账号。")
    if any(word in lowered for word in _OFTEN_USED):
        faults.append("密码含有常见词，容易被猜中。")
    return faults
