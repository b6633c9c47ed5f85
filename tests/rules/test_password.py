"""A staff password is long, varied, and not to be guessed from its login."""

import pytest

from app.rules.password import faults_of_password, normalised

GOOD = "Zx7-kQp2_mWv9"


@pytest.mark.parametrize(
    ("password", "said"),
    [
        (GOOD, []),
        (GOOD[:12], []),
        (GOOD[:11], ["12至128个字符"]),
        ("长" * 6 + "短长高低远近", []),
        (GOOD * 10, ["12至128个字符"]),
        ("abababababab", ["6种不同字符"]),
        ("ABCDEabcdeABCDE", ["6种不同字符"]),
        ("xx-Zheng.Ce-77q", ["不能包含账号"]),
        ("Huzhou-77-qkwz", ["常见词"]),
        ("zheng.ce", ["12至128个字符", "不能包含账号"]),
        ("password", ["12至128个字符", "常见词"]),
    ],
)
def test_every_fault_of_a_password_is_named_at_once(password: str, said: list[str]) -> None:
    faults = faults_of_password(password, login="zheng.ce")

    assert len(faults) == len(said), faults
    assert all(words in fault for words, fault in zip(said, faults, strict=True))


def test_a_password_is_the_same_from_every_keyboard() -> None:
    assert normalised("Ｚｘ７－ｋＱｐ２＿ｍＷｖ９") == GOOD
