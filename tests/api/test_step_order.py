"""Steps in the wrong order answer 409 and name the step that comes first, for every pair."""

from __future__ import annotations

from sandbox.phone import Phone
from tests.api.asking import ask, everything_stored, on_sqlite_alone, problem_of, routes
from tests.api.test_every_body import HONEST
from tests.house import House

# How far somebody has come, in order.
STATES = ("logged in", "consented", "proved", "enrolled", "signed", "depositing")
GOES, IDENTITY, ENROLMENT = "goes", "identity-check", "enrolment"
CONSENTS, AGREEMENT, DEPOSIT = "consents", "agreement", "first-deposit"

# What each route answers to each of them: the missing step, or that it goes.
TABLE: dict[str, tuple[str, str, str, str, str, str]] = {
    "me.me": (GOES,) * 6,
    "consents.consents_asked": (GOES,) * 6,
    "agreements.my_agreements": (GOES,) * 6,
    "consents.give_consent": (GOES,) * 6,
    "identity.start_check": (CONSENTS, GOES, GOES, GOES, GOES, GOES),
    "enrolment.apply_to_join": (IDENTITY, IDENTITY, GOES, GOES, GOES, GOES),
    "agreements.agreement_draft": (IDENTITY, IDENTITY, ENROLMENT, GOES, GOES, GOES),
    "agreements.sign_agreement": (IDENTITY, IDENTITY, ENROLMENT, GOES, GOES, GOES),
    "deposits.order_deposit": (IDENTITY, IDENTITY, ENROLMENT, AGREEMENT, GOES, GOES),
    "deposits.my_deposits": (IDENTITY, IDENTITY, GOES, GOES, GOES, GOES),
    "quota.my_quota": (IDENTITY, IDENTITY, GOES, GOES, GOES, GOES),
    "quota.what_if": (IDENTITY, IDENTITY, GOES, GOES, GOES, GOES),
    "account.my_account": (IDENTITY, IDENTITY, DEPOSIT, DEPOSIT, DEPOSIT, GOES),
    "account.my_postings": (IDENTITY, IDENTITY, DEPOSIT, DEPOSIT, DEPOSIT, GOES),
    "account.my_daily_balances": (IDENTITY, IDENTITY, DEPOSIT, DEPOSIT, DEPOSIT, GOES),
    "own-payouts.own_payouts": (IDENTITY, IDENTITY, GOES, GOES, GOES, GOES),
    "notifications.my_notifications": (IDENTITY, IDENTITY, GOES, GOES, GOES, GOES),
}
# Routes where no step is missing: what they are about is there, or it is not (404).
WITHOUT_STEPS = {
    "sessions.log_out",
    "consents.withdraw_consent",
    "identity.finish_check",
    "agreements.agreement_pdf",
    "deposits.one_deposit",
    "deposits.settle_deposit",
    "deposits.cancel_deposit",
    "notifications.read",
}
QUERY = {"account.my_daily_balances": "?from=2026-03-01&to=2026-03-02"}


@on_sqlite_alone
def test_every_member_route_has_its_line_in_the_table(house: House) -> None:
    known = {each.endpoint for each in routes(house, guard="member")}

    assert known == {*TABLE, *WITHOUT_STEPS}


def test_a_step_too_early_is_refused_and_names_the_one_before(house: House) -> None:
    found: dict[str, list[str]] = {endpoint: [] for endpoint in TABLE}
    for state in STATES:
        phone = somebody_who_is(state, house)
        for endpoint in reversed(TABLE):  # the last steps first, so that none of them opens another
            before = everything_stored(house)
            found[endpoint].append(answer_to(house, phone, endpoint))
            assert found[endpoint][-1] == GOES or everything_stored(house) == before

    assert {endpoint: tuple(answers) for endpoint, answers in found.items()} == TABLE


@on_sqlite_alone
def test_the_way_in_shows_the_same_order(house: House) -> None:
    next_steps = [somebody_who_is(state, house).get("/v1/me")["next_step"] for state in STATES]

    assert next_steps == [CONSENTS, IDENTITY, ENROLMENT, AGREEMENT, DEPOSIT, None]


def test_a_withdrawn_consent_is_asked_for_again(house: House) -> None:
    phone = somebody_who_is("consented", house)
    phone.call("DELETE", "/v1/me/consents/identity")

    answer = answer_to(house, phone, "identity.start_check")

    assert answer == CONSENTS
    assert phone.get("/v1/me")["next_step"] == CONSENTS


def answer_to(house: House, phone: Phone, endpoint: str) -> str:
    """The step that the route says is missing, or that it goes."""
    route = next(each for each in routes(house) if each.endpoint == endpoint)
    path = route.path() + QUERY.get(endpoint, "")
    answer = ask(house, route.method, path, by=phone, json=body_for(phone, endpoint))
    if answer.status_code != 409:
        assert answer.status_code in (200, 201, 204, 422), (endpoint, answer.data)
        return GOES
    problem = problem_of(answer)
    if problem["type"] in ("/problems/agreement-text-changed", "/problems/consent-text-changed"):
        return GOES  # the step is open; the hash that was sent is made up
    assert problem["type"] in ("/problems/step-missing", "/problems/account-missing")
    return str(problem["step"])


def body_for(phone: Phone, endpoint: str) -> dict[str, object] | None:
    """A body the route would take from this phone at its turn."""
    body = dict(HONEST.get(endpoint, {}))
    if endpoint == "identity.start_check":
        body["id_number"] = phone.owner.id_number
    if endpoint == "quota.what_if":
        del body["from_on"]
    return body or None


def somebody_who_is(state: str, house: House) -> Phone:
    """A phone whose owner has come exactly this far."""
    phone = house.phone()
    steps = (
        phone.log_in,
        phone.consent,
        phone.prove_identity,
        phone.enrol,
        phone.sign_agreement,
        lambda: house.deposit(phone, 500_000),
    )
    for step in steps[: STATES.index(state) + 1]:
        step()
    return phone
