"""S24: what a client writes into its headers decides neither whom a try counts for nor the record.

Tries are made at activation codes: they are counted with the same limits as passwords, 30 a peer.
"""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from app import settings
from app.models import AuditEntry
from app.settings import SettingsUnfit
from tests.api.asking import another_app, ask, everything_stored
from tests.house import House
from tests.office import seated
from tests.security.trying import NO_CODE, NO_PASSWORD, activate_with, kind_of, sign_in_with

PEER, PROXY = "127.0.0.7", "127.0.0.1"
CLIENT, OTHER_CLIENT = "203.0.113.7", "203.0.113.8"
REFUSED, TOO_MANY = (401, "activation-refused"), (429, "too-many")
ALLOWED = 30


def peers(house: House) -> set[str]:
    """From where, by the record, anybody has called."""
    return {peer for (peer,) in house.rows(select(AuditEntry.peer))}


def statuses(app: Flask, values: list[dict[str, str]], *, peer: str) -> list[tuple[int, str]]:
    """One try at a login of its own with each of these headers."""
    return [
        kind_of(activate_with(app, f"guess.{n}", peer=peer, headers=headers))
        for n, headers in enumerate(values)
    ]


@pytest.mark.parametrize(
    "name", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "X-User-ID", "Host", "X-Client-IP"]
)
def test_without_a_proxy_no_header_buys_another_try_or_another_name_on_record(
    house: House, name: str
) -> None:
    form = "for=198.51.100.{}" if name == "Forwarded" else "198.51.100.{}"
    values = [{name: form.format(n)} for n in range(ALLOWED + 5)]

    answers = statuses(house.app, values, peer=PEER)
    bare = activate_with(house.app, "guess.99", peer=PEER)

    assert answers == [REFUSED] * ALLOWED + [TOO_MANY] * 5
    assert kind_of(bare) == TOO_MANY
    assert peers(house) == {PEER}


def test_the_record_of_a_signed_in_call_names_who_connected(house: House) -> None:
    desk = seated(house, "auditor")
    before = len(house.rows(select(AuditEntry.id)))
    spoofed = {"X-Forwarded-For": CLIENT, "X-Real-IP": CLIENT, "Forwarded": f"for={CLIENT}"}

    desk.call("GET", "/v1/staff/me", headers=spoofed)

    entries = house.rows(select(AuditEntry.act, AuditEntry.peer).order_by(AuditEntry.id))
    assert [tuple(each) for each in entries[before:]] == [("GET /v1/staff/me", "127.0.0.1")]


def test_no_header_says_who_somebody_is(house: House) -> None:
    claims = {"X-User-ID": "1", "X-Staff-Id": "1", "X-Forwarded-User": "1", "X-Real-IP": PROXY}
    seated(house, "security-administrator")
    before = everything_stored(house)

    answer = ask(house, "GET", "/v1/staff/me", headers=claims)

    assert kind_of(answer) == (401, "unauthenticated")
    assert everything_stored(house) == before


# What a client may have written to the left of its own address, which the proxy appends.
FORGERIES = (
    "",
    "198.51.100.1, ",
    "198.51.100.2, 198.51.100.3, ",
    f"{OTHER_CLIENT}, ",
    '"198.51.100.4", ',
    '"198.51.100.5, ',
    '198.51.100.6", ',
    '198.51.100.7, "\\", ',
    ", , ,",
    "unknown,",
    f"{'9' * 200}, ",
)


def test_behind_one_proxy_its_own_word_counts_and_nothing_to_the_left_of_it(house: House) -> None:
    with another_app(house, trusted_proxies=1) as app:
        values = [
            {"X-Forwarded-For": f"{FORGERIES[n % len(FORGERIES)]}{CLIENT}"}
            for n in range(ALLOWED + 5)
        ]

        answers = statuses(app, values, peer=PROXY)
        somebody_else = activate_with(
            app,
            "guess.99",
            peer=PROXY,
            headers={"X-Forwarded-For": f"{CLIENT}, {OTHER_CLIENT}"},
        )

    assert answers == [REFUSED] * ALLOWED + [TOO_MANY] * 5
    assert kind_of(somebody_else) == REFUSED
    assert peers(house) == {CLIENT, OTHER_CLIENT}


def test_behind_one_proxy_the_other_headers_still_say_nothing(house: House) -> None:
    others = {
        "X-Real-IP": "198.51.100.1",
        "Forwarded": "for=198.51.100.2",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Prefix": "/v1/public",
        "X-Forwarded-Port": "1",
    }
    with another_app(house, trusted_proxies=1) as app:
        named = sign_in_with(
            app, "guess.1", NO_PASSWORD, NO_CODE, headers=others | {"X-Forwarded-For": CLIENT}
        )
        unnamed = sign_in_with(app, "guess.2", NO_PASSWORD, NO_CODE, peer=PEER, headers=others)

    assert kind_of(named) == kind_of(unnamed) == (401, "sign-in-refused")
    assert peers(house) == {CLIENT, PEER}


def test_behind_two_proxies_the_second_entry_from_the_right_counts(house: House) -> None:
    with another_app(house, trusted_proxies=2) as app:
        through_both = {"X-Forwarded-For": f"198.51.100.1, {CLIENT}, 192.0.2.1"}
        past_the_first = {"X-Forwarded-For": OTHER_CLIENT}

        activate_with(app, "guess.1", peer=PROXY, headers=through_both)
        activate_with(app, "guess.2", peer=PEER, headers=past_the_first)

    assert peers(house) == {CLIENT, PEER}


def test_a_sandbox_behind_a_proxy_still_answers_this_machine_alone(house: House) -> None:
    with another_app(house, trusted_proxies=1) as app:
        from_afar = activate_with(
            app, "guess.1", peer=OTHER_CLIENT, headers={"X-Forwarded-For": "127.0.0.1"}
        )

    assert from_afar.status_code == 403
    assert peers(house) == set()


@pytest.mark.parametrize("given", ["-1", "6", "x", "1.5", "0x1", "１", "1 2"])
def test_a_number_of_proxies_that_is_none_stops_the_start(
    sound: dict[str, str], given: str
) -> None:
    with pytest.raises(SettingsUnfit) as unfit:
        settings.load(sound | {"TRUSTED_PROXIES": given})

    assert unfit.value.problems == ["TRUSTED_PROXIES is a whole number from 0 to 5"]


@pytest.mark.parametrize(("given", "count"), [("", 0), ("0", 0), ("1", 1), (" 5 ", 5)])
def test_as_many_proxies_are_believed_as_are_named(
    sound: dict[str, str], given: str, count: int
) -> None:
    assert settings.load(sound | {"TRUSTED_PROXIES": given}).trusted_proxies == count
