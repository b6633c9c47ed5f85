"""Seed §6: everything on the phone, each step by the worker himself, one person one account."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from sandbox.phone import Phone, Problem
from tests.house import STARTS_AT, House, at_once, somebody
from tests.scenarios.building import (
    a_proved,
    refused,
    second_phone,
)


def its_step(call: Callable[..., Any], *args: Any) -> str:
    """The step that the refusal says comes first."""
    problem = refused(call, *args)
    assert problem.status == 409, problem
    return str(problem.details["step"])


def sign_any(phone: Phone) -> Any:
    """The signature of some text."""
    return phone.post("/v1/me/agreements", {"text_sha256": "0" * 64})


def start_check(phone: Phone) -> dict[str, Any]:
    """A real-name check of the owner has begun; he has not shown his face yet."""
    body = {
        "name": phone.owner.name,
        "id_number": phone.owner.id_number,
        "phone_code": phone.wechat.phone_code(),
    }
    return dict(phone.post("/v1/me/identity-checks", body))


def finish(phone: Phone, check: dict[str, Any]) -> None:
    """The service has asked WeChat how the check ended."""
    phone.post(f"/v1/me/identity-checks/{check['check_id']}/finish")


@pytest.mark.clause("6.1", "1.5")
def test_every_step_is_done_on_the_phone_and_names_the_one_that_comes_first(
    house: House,
) -> None:
    phone = house.phone()
    assert refused(phone.get, "/v1/me").status == 401

    phone.log_in()
    assert phone.get("/v1/me")["next_step"] == "consents"
    assert its_step(start_check, phone) == "consents"
    assert its_step(phone.enrol) == "identity-check"
    assert its_step(phone.get, "/v1/me/agreement-draft") == "identity-check"
    assert its_step(sign_any, phone) == "identity-check"
    assert its_step(phone.order, 100_000) == "identity-check"
    assert its_step(phone.get, "/v1/me/account") == "identity-check"
    assert its_step(phone.get, "/v1/me/quota") == "identity-check"

    phone.consent()
    assert phone.get("/v1/me")["next_step"] == "identity-check"
    phone.prove_identity()
    assert phone.get("/v1/me")["next_step"] == "enrolment"
    assert its_step(phone.get, "/v1/me/agreement-draft") == "enrolment"
    assert its_step(sign_any, phone) == "enrolment"
    assert its_step(phone.order, 100_000) == "enrolment"
    assert its_step(phone.get, "/v1/me/account") == "first-deposit"

    phone.enrol()
    assert phone.get("/v1/me")["next_step"] == "agreement"
    assert its_step(phone.order, 100_000) == "agreement"

    phone.sign_agreement()
    assert phone.get("/v1/me")["next_step"] == "first-deposit"
    assert its_step(phone.get, "/v1/me/account") == "first-deposit"

    house.deposit(phone, 100_000)
    done = phone.get("/v1/me")
    assert done["next_step"] is None
    assert [each["done"] for each in done["steps"]] == [True] * 5


def test_a_session_lives_thirty_days_and_the_account_longer(house: House) -> None:
    worker = house.depositor(100_000)

    house.at("2026-04-01T08:55:00")
    account = worker.get("/v1/me/account")
    house.at("2026-04-01T09:05:00")
    expired = refused(worker.get, "/v1/me/account")
    worker.log_in()

    assert (expired.status, expired.kind) == (401, "session-ended")
    assert worker.get("/v1/me/account") == account


def test_logging_out_ends_this_phone_and_no_other(house: House) -> None:
    worker = house.worker()
    other = second_phone(house, worker)

    worker.call("DELETE", "/v1/sessions/current")
    ended = refused(worker.get, "/v1/me")

    assert (ended.status, ended.kind) == (401, "session-ended")
    assert other.get("/v1/me")["next_step"] == "first-deposit"


@pytest.mark.clause("3.3")
def test_a_new_wechat_account_takes_person_and_account_with_it(house: House) -> None:
    old = house.depositor(100_000)
    account, signed = old.get("/v1/me/account"), old.get("/v1/me/agreements")

    new = a_proved(house, old.owner)
    ended = refused(old.get, "/v1/me/account")
    house.deposit(new, 50_000)
    old.log_in()
    nobody = old.get("/v1/me")

    assert (ended.status, ended.kind) == (401, "session-ended")
    assert new.get("/v1/me/account") == account | {"flexible_fen": 150_000}
    assert new.get("/v1/me/agreements") == signed
    assert (nobody["name_masked"], nobody["next_step"]) == (None, "identity-check")
    assert its_step(old.get, "/v1/me/account") == "identity-check"
    assert its_step(old.order, 50_000) == "identity-check"


@pytest.mark.clause("3.3")
def test_a_new_phone_number_changes_nothing_else(house: House) -> None:
    worker = house.depositor(100_000)
    other = second_phone(house, worker)
    account, before = worker.get("/v1/me/account"), worker.get("/v1/me")

    worker.wechat.change(phone="15800001111")
    worker.prove_identity()
    after = worker.get("/v1/me")
    ended = refused(other.get, "/v1/me")

    assert after == before | {"phone_masked": "158****1111"}
    assert worker.get("/v1/me/account") == account
    assert (ended.status, ended.kind) == (401, "session-ended")
    house.deposit(worker, 100_000)


@pytest.mark.clause("1.5")
def test_nobody_becomes_another_person(house: House) -> None:
    victim = house.depositor(100_000)
    thief = house.phone(somebody(name="顾三"))
    thief.owner = victim.owner
    thief.log_in()
    thief.consent()

    check = start_check(thief)
    unfinished = refused(finish, thief, check)
    thief.wechat.show_face(check["verify_id"])
    with_own_face = refused(finish, thief, check)
    somebody_elses_check = refused(finish, a_proved(house), check)
    bound = a_proved(house)
    bound.owner = victim.owner
    with_bound_wechat = refused(start_check, bound)

    assert (unfinished.status, unfinished.kind) == (409, "face-not-passed")
    assert (with_own_face.status, with_own_face.kind) == (409, "face-not-passed")
    assert (somebody_elses_check.status, somebody_elses_check.kind) == (404, "no-such-check")
    assert with_bound_wechat.kind == "wechat-account-of-another"
    assert thief.get("/v1/me")["name_masked"] is None
    assert victim.get("/v1/me/account")["flexible_fen"] == 100_000


def test_every_purpose_is_consented_to_by_itself_before_any_data_is_taken(house: House) -> None:
    phone = house.phone()
    phone.log_in()
    asked = phone.get("/v1/me/consents")
    house.forget_calls()

    missing = []
    for each in asked:
        missing.append(its_step(start_check, phone))
        path = f"/v1/me/consents/{each['purpose']}"
        other_text = refused(phone.call, "PUT", path, json={"text_sha256": "0" * 64})
        assert (other_text.status, other_text.kind) == (409, "consent-text-changed")
        assert its_step(start_check, phone) == "consents"
        phone.call("PUT", path, json={"text_sha256": each["text_sha256"]})
    nobody_asks = refused(phone.call, "PUT", "/v1/me/consents/fun", json={"text_sha256": "0" * 64})

    assert [each["purpose"] for each in asked] == ["identity", "phone", "face"]
    assert missing == ["consents"] * 3
    assert (nobody_asks.status, nobody_asks.kind) == (404, "no-such-purpose")
    assert house.calls() == {}
    phone.prove_identity()


def test_a_withdrawn_consent_is_asked_again_at_the_next_check(house: House) -> None:
    worker = house.depositor(100_000)

    worker.call("DELETE", "/v1/me/consents/face")
    given = {each["purpose"]: each["given_at"] for each in worker.get("/v1/me/consents")}
    problem = refused(worker.prove_identity)
    house.deposit(worker, 50_000)
    worker.consent()
    worker.prove_identity()

    assert given["face"] is None
    assert given["identity"] is not None
    assert (problem.status, problem.details["step"]) == (409, "consents")
    assert worker.get("/v1/me/account")["flexible_fen"] == 150_000


@pytest.mark.clause("1.5")
def test_a_consent_withdrawn_meanwhile_ends_the_check_and_keeps_the_agreement_unsigned(
    house: House,
) -> None:
    phone = house.phone()
    phone.log_in()
    phone.consent()
    started = start_check(phone)
    phone.call("DELETE", "/v1/me/consents/face")
    phone.wechat.show_face(started["verify_id"])

    with pytest.raises(Problem) as finishing:
        phone.post(f"/v1/me/identity-checks/{started['check_id']}/finish")
    phone.consent()
    phone.prove_identity()
    phone.enrol()
    phone.call("DELETE", "/v1/me/consents/identity")
    with pytest.raises(Problem) as signing:
        phone.sign_agreement()

    assert finishing.value.details["step"] == signing.value.details["step"] == "consents"
    assert phone.get("/v1/me")["next_step"] == "consents"


def test_a_check_left_unfinished_cannot_undo_a_later_proof(house: House) -> None:
    owner = somebody()
    old, new = house.phone(owner), house.phone(owner)
    old.log_in()
    old.consent()
    overtaken = start_check(old)
    old.wechat.show_face(overtaken["verify_id"])
    new.join()

    with pytest.raises(Problem) as soon:
        old.post(f"/v1/me/identity-checks/{overtaken['check_id']}/finish")
    stale = start_check(old)
    old.wechat.show_face(stale["verify_id"])
    house.at(STARTS_AT + timedelta(hours=2))
    with pytest.raises(Problem) as late:
        old.post(f"/v1/me/identity-checks/{stale['check_id']}/finish")

    assert soon.value.kind == late.value.kind == "check-failed"
    assert new.get("/v1/me")["next_step"] == "first-deposit"


def test_the_limit_of_identity_checks_a_day_holds_in_parallel(house: House) -> None:
    phone = house.phone()
    phone.log_in()
    phone.consent()
    house.forget_calls()

    answers = at_once(14, lambda _: start_check(phone))

    refused = [each for each in answers if isinstance(each, Problem)]
    assert sorted({each.kind for each in refused}) == ["too-many-checks"]
    assert len(refused) == 4
    assert house.calls()["POST /cityservice/face/identify/getverifyid"] == 10
