"""S6: guessing at the staff's door. Few tries are compared, none tells anything, a code is used up.

What is compared with a stored secret goes on record as `credentials-refused`; what is refused
before that is not. So the record counts the guesses, and no look inside the service is needed.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta

from sqlalchemy import func, select

from app.models import AuditEntry, StaffSession
from sandbox.desk import Desk
from tests.api.asking import another_app
from tests.house import STARTS_AT, House, at_once
from tests.office import account_id_of, refusal, seated
from tests.security.trying import (
    NO_CODE,
    NO_PASSWORD,
    activate_with,
    an_administrator,
    compared,
    digits,
    kind_of,
    sign_in_with,
    told,
)

# Ten seconds into a step of the authenticator: what follows at once is in the same step.
NOW = STARTS_AT + timedelta(seconds=10)
WRONG, LOCKED = (401, "sign-in-refused"), (429, "too-many")
MINUTE = timedelta(minutes=1)


def wrongly(house: House, login: str, times: int) -> list[tuple[int, str]]:
    """So many wrong tries at one login, one after the other."""
    return [kind_of(sign_in_with(house.app, login, NO_PASSWORD, NO_CODE)) for _ in range(times)]


def rightly(house: House, desk: Desk, steps: int = 0) -> int:
    """The status of a sign-in with the right password and code."""
    code = digits(desk, NOW, steps)
    return sign_in_with(house.app, desk.login, desk.password, code).status_code


def test_of_a_thousand_guesses_five_are_compared_and_the_right_password_waits_too(
    house: House,
) -> None:
    desk = an_administrator(house)
    house.at(NOW)

    answers = [sign_in_with(house.app, desk.login, NO_PASSWORD, NO_CODE) for _ in range(1000)]
    with_the_right_one = sign_in_with(house.app, desk.login, desk.password, desk.totp())

    assert compared(house) == 5
    assert [kind_of(each) for each in answers] == [WRONG] * 5 + [LOCKED] * 995
    assert kind_of(with_the_right_one) == LOCKED
    waits_s = {int(each.headers["Retry-After"]) for each in [*answers[5:], with_the_right_one]}
    assert max(waits_s) in (900, 901)
    assert min(waits_s) > 800
    assert house.rows(select(func.count()).select_from(StaffSession)) == [(0,)]


def test_a_restart_forgets_no_try_and_after_fifteen_minutes_it_works_again(house: House) -> None:
    desk = an_administrator(house)
    house.at(NOW)
    wrongly(house, desk.login, 3)

    with another_app(house) as restarted:
        further = [
            kind_of(sign_in_with(restarted, desk.login, NO_PASSWORD, NO_CODE)) for _ in range(3)
        ]
    with another_app(house) as restarted_again:
        right = sign_in_with(restarted_again, desk.login, desk.password, digits(desk, NOW))
    house.at(NOW + 15 * MINUTE - timedelta(seconds=2))
    too_early = sign_in_with(house.app, desk.login, desk.password, desk.totp())
    house.at(NOW + 15 * MINUTE + timedelta(seconds=5))
    in_time = sign_in_with(house.app, desk.login, desk.password, desk.totp())

    assert further == [WRONG, WRONG, LOCKED]
    assert kind_of(right) == kind_of(too_early) == LOCKED
    assert in_time.status_code == 201


def test_the_wait_counts_from_the_last_guess_and_guessing_on_does_not_prolong_it(
    house: House,
) -> None:
    desk = an_administrator(house)
    house.at(NOW)
    wrongly(house, desk.login, 4)
    house.at(NOW + 10 * MINUTE)
    wrongly(house, desk.login, 1)

    house.at(NOW + 20 * MINUTE)
    meanwhile = wrongly(house, desk.login, 10)
    house.at(NOW + 25 * MINUTE + timedelta(seconds=5))
    desk.sign_in()

    assert meanwhile == [LOCKED] * 10
    assert compared(house) == 5
    assert desk.get("/me")["account"]["login"] == desk.login


def test_no_two_windows_together_let_more_than_five_through(house: House) -> None:
    """Four at the end of a quarter of an hour and five at the beginning of the next would."""
    desk = an_administrator(house)
    house.at(NOW)
    wrongly(house, desk.login, 1)
    house.at(NOW + 14 * MINUTE)
    wrongly(house, desk.login, 3)

    house.at(NOW + 15 * MINUTE + timedelta(seconds=5))
    after = wrongly(house, desk.login, 5)

    assert after == [WRONG, *[LOCKED] * 4]


def test_a_stranger_at_the_login_does_not_keep_its_owner_from_deciding(house: House) -> None:
    """Proofs within a session are counted for the session, and five wrong ones are enough."""
    desk = an_administrator(house)
    house.at(NOW)
    desk.sign_in()
    wrongly(house, desk.login, 6)

    desk.reauthenticate()
    wrong = {"password": NO_PASSWORD, "totp": NO_CODE}
    path = "/sessions/current/reauthentication"
    refused = [refusal(lambda: desk.post(path, wrong)) for _ in range(6)]

    assert refused == [WRONG] * 5 + [LOCKED]


def test_signing_in_takes_the_earlier_slips_off_the_count(house: House) -> None:
    desk = an_administrator(house)
    house.at(NOW)

    first = wrongly(house, desk.login, 4), rightly(house, desk)
    second = wrongly(house, desk.login, 4), rightly(house, desk, steps=1)
    third = wrongly(house, desk.login, 6)

    assert first == second == ([WRONG] * 4, 201)
    assert third == [WRONG] * 5 + [LOCKED]


def test_a_guessed_activation_code_counts_like_a_guessed_password(house: House) -> None:
    desk = an_administrator(house)
    house.at(NOW)

    guessed = [kind_of(activate_with(house.app, desk.login)) for _ in range(5)]

    assert guessed == [(401, "activation-refused")] * 5
    assert kind_of(activate_with(house.app, desk.login)) == LOCKED
    assert rightly(house, desk) == 429
    assert compared(house) == 5


def test_one_peer_gets_thirty_tries_over_all_logins_and_another_peer_his_own(
    house: House,
) -> None:
    """A few at the password, which costs a hash each, and the rest at activation codes."""
    house.at(NOW)

    passwords = [
        kind_of(sign_in_with(house.app, f"guess.{n}", NO_PASSWORD, NO_CODE, peer="127.0.0.9"))
        for n in range(5)
    ]
    codes = [
        kind_of(activate_with(house.app, f"guess.{n}", peer="127.0.0.9")) for n in range(5, 40)
    ]
    password = sign_in_with(house.app, "guess.99", NO_PASSWORD, NO_CODE, peer="127.0.0.9")
    elsewhere = sign_in_with(house.app, "guess.99", NO_PASSWORD, NO_CODE, peer="127.0.0.10")

    assert passwords == [WRONG] * 5
    assert codes == [(401, "activation-refused")] * 25 + [LOCKED] * 10
    assert kind_of(password) == LOCKED
    assert kind_of(elsewhere) == WRONG
    peers = Counter(peer for (peer,) in house.rows(select(AuditEntry.peer)))
    assert (peers["127.0.0.9"], peers["127.0.0.10"]) == (30, 1)


def test_an_unknown_login_is_answered_like_a_known_one(house: House) -> None:
    """Wrong, disabled and locked; with the right code, the right password, and with neither."""
    known, disabled = an_administrator(house), an_administrator(house, "admin.two")
    disabled.sign_in()
    account_id = account_id_of(disabled)
    seated(house, "security-administrator").post(
        f"/accounts/{account_id}/disablement", {"reason": "离职"}
    )
    house.at(NOW)

    wrong = {
        "unknown": sign_in_with(house.app, "nobody.here", known.password, NO_CODE),
        "both wrong": sign_in_with(house.app, known.login, NO_PASSWORD, NO_CODE),
        "code right": sign_in_with(house.app, known.login, NO_PASSWORD, digits(known, NOW)),
        "password right": sign_in_with(house.app, known.login, known.password, NO_CODE),
        "disabled": sign_in_with(
            house.app, disabled.login, disabled.password, digits(disabled, NOW, 1)
        ),
    }
    logins = ("nobody.here", known.login, disabled.login)
    for login in logins:
        while kind_of(sign_in_with(house.app, login, NO_PASSWORD, NO_CODE)) == WRONG:
            pass
    locked = [told(sign_in_with(house.app, login, NO_PASSWORD, NO_CODE)) for login in logins]

    assert kind_of(wrong["unknown"]) == WRONG
    assert {name for name, each in wrong.items() if told(each) != told(wrong["unknown"])} == set()
    assert compared(house) == 5 * len(logins)
    assert len({_without_seconds(*each) for each in locked}) == 1
    assert locked[0][0] == 429


def _without_seconds(status: int, text: str, headers: dict[str, str]) -> tuple[int, str, str]:
    """An answer but for how long it is until the next try: a second may pass between two."""
    return status, re.sub("[0-9]+秒", "秒", text), str(headers | {"Retry-After": ""})


def test_disabled_and_unknown_are_known_apart_on_the_record_alone(house: House) -> None:
    known = an_administrator(house)
    house.at(NOW)

    sign_in_with(house.app, "nobody.here", NO_PASSWORD, NO_CODE)
    sign_in_with(house.app, known.login, NO_PASSWORD, NO_CODE)

    refused = select(AuditEntry.account_id, AuditEntry.role).where(
        AuditEntry.verdict == "credentials-refused"
    )
    nobody, somebody = house.rows(refused.order_by(AuditEntry.id))
    assert tuple(nobody) == (None, "")
    assert somebody.account_id is not None
    assert somebody.role == "security-administrator"


def test_a_code_works_once_for_signing_in_and_for_proving_oneself_again(house: House) -> None:
    desk = an_administrator(house)
    house.at(NOW)

    first = sign_in_with(house.app, desk.login, desk.password, digits(desk, NOW))
    desk.hold(first.get_json()["token"])
    again = rightly(house, desk)
    proved_with_it = refusal(lambda: prove(desk, digits(desk, NOW)))
    prove(desk, digits(desk, NOW, 1))
    signed_in_with_that = rightly(house, desk, steps=1)

    assert first.status_code == 201
    assert again == signed_in_with_that == 401
    assert proved_with_it == WRONG
    assert desk.get("/me")["account"]["login"] == desk.login


def prove(desk: Desk, totp: str) -> None:
    """Password and this code are given again at the desk."""
    body = {"password": desk.password, "totp": totp}
    desk.post("/sessions/current/reauthentication", body)


def test_twenty_sign_ins_with_one_code_at_once_give_one_session(house: House) -> None:
    desk = an_administrator(house)
    house.at(NOW)
    code = digits(desk, NOW)

    answers = at_once(
        20, lambda _: sign_in_with(house.app, desk.login, desk.password, code).status_code
    )

    counts = Counter(answers)
    assert counts[201] == 1, counts
    assert counts[401] + counts[429] == 19, counts
    assert house.rows(select(func.count()).select_from(StaffSession)) == [(1,)]


def test_the_code_beside_the_present_one_is_taken_and_one_two_steps_away_is_not(
    house: House,
) -> None:
    """Clocks drift by half a minute; a code seen over a shoulder is worth no more than that."""
    desk = an_administrator(house)
    house.at(NOW)

    statuses = {steps: rightly(house, desk, steps) for steps in (-2, 2, -1, 0, 1)}

    assert statuses == {-2: 401, 2: 401, -1: 201, 0: 201, 1: 201}


def test_a_code_before_the_last_used_one_is_used_up_with_it(house: House) -> None:
    desk = an_administrator(house)
    house.at(NOW)

    ahead = rightly(house, desk, steps=1)
    older = [rightly(house, desk, steps) for steps in (-1, 0, 1)]

    assert ahead == 201
    assert older == [401] * 3


def test_a_wrong_password_uses_no_code_up(house: House) -> None:
    """Or whoever guesses passwords would lock the owner out of his own half minute."""
    desk = an_administrator(house)
    house.at(NOW)

    guessed = sign_in_with(house.app, desk.login, NO_PASSWORD, digits(desk, NOW))

    assert kind_of(guessed) == WRONG
    assert rightly(house, desk) == 201
