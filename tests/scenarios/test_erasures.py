"""Whoever takes his leave at WeChat is forgotten as far as the law allows (PIPL Art. 47)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from app.models import (
    Agreement,
    Consent,
    Enrolment,
    Erasure,
    IdentityCheck,
    MemberSession,
    Person,
    WechatAccount,
)
from sandbox.phone import Phone
from sandbox.push_events import Event, cancellation_event, revoke_event
from tests.api.asking import ask
from tests.api.canaries import found_in
from tests.api.test_exposure import bytes_at_rest
from tests.house import STARTS_AT, House
from tests.office import seated
from tests.proposals import a_limit
from tests.pushes import a_push, send
from tests.short_cuts import writing
from tests.sweep.crash_points import dies_at

JOB = "erase-personal-data"
HOUR = timedelta(hours=1)


def leaves(house: House, phone: Phone, *, cancels: bool = False) -> None:
    openid = phone.wechat.openid
    event: Event = cancellation_event(openid) if cancels else revoke_event(openid, revoke_info="8")
    assert send(house, a_push(house, event)).data == b"success"


def outcomes(house: House) -> list[str | None]:
    return [each for (each,) in house.rows(select(Erasure.outcome).order_by(Erasure.id))]


def opened_texts(house: House) -> str:
    """Every encrypted column of everybody, opened, as one text."""
    columns = (
        *(Person.name, Person.id_number, Person.phone),
        *(IdentityCheck.name, IdentityCheck.id_number, IdentityCheck.phone),
        *(IdentityCheck.verify_id, WechatAccount.openid, Agreement.text, Agreement.pdf),
    )
    return repr([house.rows(select(column)) for column in columns])


def data_of(phone: Phone) -> dict[str, str]:
    owner = phone.owner
    return {
        "name": owner.name,
        "ID number": owner.id_number,
        "phone": owner.phone,
        "openid": phone.wechat.openid,
    }


@pytest.mark.parametrize("cancels", [False, True])
def test_who_leaves_is_logged_out_at_once_and_bound_to_nothing(house: House, cancels: bool) -> None:
    phone, other = house.depositor(), house.depositor()

    leaves(house, phone, cancels=cancels)

    assert ask(house, "GET", "/v1/me", by=phone).status_code == 401
    assert ask(house, "GET", "/v1/me", by=other).status_code == 200
    reason = "wechat-account-cancelled" if cancels else "authorisation-revoked"
    ended = select(MemberSession.end_reason).where(MemberSession.ended_at.is_not(None))
    assert house.rows(ended) == [(reason,)]
    bound = house.rows(select(WechatAccount.openid).where(WechatAccount.person_id.is_not(None)))
    assert bound == [(other.wechat.openid,)]
    assert house.rows(select(Erasure.due_on)) == [((STARTS_AT + timedelta(days=15)).date(),)]


def test_who_never_had_an_account_is_forgotten_altogether(house: House) -> None:
    phone = house.worker()
    before = data_of(phone)
    assert found_in(opened_texts(house), before) == set(before)

    leaves(house, phone)
    early = house.run_job(JOB)
    house.at(STARTS_AT + 2 * HOUR)
    done = house.run_job(JOB)

    assert (early, done, house.run_job(JOB)) == ({}, {"erased": 1}, {})
    assert outcomes(house) == ["erased"]
    assert found_in(opened_texts(house), before) == set()
    assert found_in(bytes_at_rest(house), before) == set()
    assert house.rows(select(Consent.id).where(Consent.withdrawn_at.is_(None))) == []
    declared = select(Enrolment.district, Enrolment.work_kind, Enrolment.reasons)
    assert house.rows(declared) == [("erased", "erased", [])]
    papers = house.rows(select(Agreement.pdf))
    assert all(not bytes(pdf).startswith(b"%PDF") for (pdf,) in papers)


def test_the_paper_of_somebody_forgotten_is_no_longer_known(house: House) -> None:
    phone = house.worker()
    paper = phone.agreement_pdf(phone.get("/v1/me/agreements")[0]["agreement_id"])
    leaves(house, phone)
    house.at(STARTS_AT + 2 * HOUR)
    house.run_job(JOB)

    verdict = ask(house, "POST", "/v1/public/agreements/verify", data=paper).get_json()

    assert verdict["valid"] is False


def test_who_was_forgotten_may_join_again_as_somebody_new(house: House) -> None:
    phone = house.worker()
    leaves(house, phone)
    house.at(STARTS_AT + 2 * HOUR)
    house.run_job(JOB)

    phone.join()
    house.deposit(phone, 100_000)

    assert phone.get("/v1/me/account")["flexible_fen"] == 100_000
    people = house.rows(select(Person.erased_at).order_by(Person.id))
    assert [each is not None for (each,) in people] == [True, False]


def test_what_belongs_to_a_fund_account_is_kept_and_its_owner_binds_anew(house: House) -> None:
    phone = house.depositor(100_000)
    number = phone.get("/v1/me/account")["account_no"]
    kept = {name: value for name, value in data_of(phone).items() if name != "openid"}

    leaves(house, phone)
    house.at(STARTS_AT + 2 * HOUR)
    done = house.run_job(JOB)
    left = house.rows(select(Person.name, Person.id_number, Person.phone))
    openids = house.rows(select(WechatAccount.openid))
    phone.log_in()
    stranger_still = phone.get("/v1/me")["name_masked"]
    phone.consent()
    phone.prove_identity()

    assert done == {"kept-as-fund-record": 1}
    assert left == [tuple(kept.values())]
    assert phone.wechat.openid not in repr(openids)
    assert stranger_still is None
    assert phone.get("/v1/me/account")["account_no"] == number
    assert house.deposit(phone, 50_000)["state"] == "credited"


def test_a_cancelled_wechat_account_is_followed_by_another_one(house: House) -> None:
    old = house.depositor(100_000)
    leaves(house, old, cancels=True)
    house.at(STARTS_AT + 2 * HOUR)
    house.run_job(JOB)

    new = house.phone(old.owner)
    new.log_in()
    new.consent()
    new.prove_identity()

    assert new.get("/v1/me/account")["flexible_fen"] == 100_000


def test_checks_that_proved_nothing_go_also_where_the_rest_is_kept(house: House) -> None:
    phone = house.phone()
    phone.log_in()
    phone.consent()
    owner = phone.owner
    asked = {"name": "错误姓名", "id_number": owner.id_number}
    phone.post("/v1/me/identity-checks", asked | {"phone_code": phone.wechat.phone_code()})
    phone.prove_identity()
    phone.enrol()
    phone.sign_agreement()
    house.deposit(phone, 100_000)

    leaves(house, phone)
    house.at(STARTS_AT + 2 * HOUR)
    house.run_job(JOB)

    checks = house.rows(select(IdentityCheck.state, IdentityCheck.name).order_by(IdentityCheck.id))
    assert checks == [("sent", ""), ("passed", owner.name)]


def test_who_was_not_even_proved_is_forgotten(house: House) -> None:
    phone = house.phone()
    phone.log_in()
    phone.consent()
    asked = {"name": phone.owner.name, "id_number": phone.owner.id_number}
    phone.post("/v1/me/identity-checks", asked | {"phone_code": phone.wechat.phone_code()})

    leaves(house, phone)
    house.at(STARTS_AT + 2 * HOUR)

    assert house.run_job(JOB) == {"erased": 1}
    assert found_in(opened_texts(house), data_of(phone)) == set()


def test_who_is_back_before_the_job_loses_nothing_that_is_new(house: House) -> None:
    phone = house.worker()
    leaves(house, phone)
    house.at(STARTS_AT + HOUR / 2)
    phone.join()
    house.at(STARTS_AT + 2 * HOUR)

    assert house.run_job(JOB) == {"came-back": 1}

    me = phone.get("/v1/me")
    assert (me["next_step"], me["name_masked"]) == ("first-deposit", "**满")
    checks = house.rows(select(IdentityCheck.name).order_by(IdentityCheck.id))
    assert checks == [("",), (phone.owner.name,)]


def test_an_order_that_may_still_be_paid_is_waited_for(house: House) -> None:
    """Paid, it opens the account and everything stays; unpaid, everything goes."""
    payer, leaver = house.worker(), house.worker()
    ordered = payer.order(100_000)
    leaver.order(100_000)
    payer.wechat.pay(ordered["payment_parameters"], notify=False)  # nobody has told us
    for phone in (payer, leaver):
        leaves(house, phone)
    house.at(STARTS_AT + 1.2 * HOUR)
    waiting = house.run_job(JOB)
    house.run_job("follow-up-payments")

    done = house.run_job(JOB)

    assert waiting == {"not-yet": 2}
    assert done == {"kept-as-fund-record": 1, "erased": 1}
    assert found_in(opened_texts(house), data_of(leaver)) == {"name"}  # the other's is the same
    assert found_in(opened_texts(house), data_of(payer)) == {"name", "ID number", "phone"}


def test_somebody_in_an_approval_is_forgotten_but_for_it(house: House) -> None:
    phone = house.worker()
    (person_id,) = house.rows(select(Person.public_id))[0]
    seated(house, "counter-clerk").propose("deposit-limit-override", "年终奖", **a_limit(person_id))
    leaves(house, phone)
    house.at(STARTS_AT + 2 * HOUR)

    assert house.run_job(JOB) == {"kept-in-approval": 1}
    assert found_in(opened_texts(house), data_of(phone)) == set()


def test_one_erasure_that_fails_does_not_stop_the_others(house_to_break: House) -> None:
    house = house_to_break
    first, second = house.worker(), house.worker()
    leaves(house, first)
    leaves(house, second)
    with writing(house) as session:
        unreadable = {"name": b"\x09" + b"0" * 40}
        session.execute(text("UPDATE person SET name = :name WHERE id = 1"), unreadable)
    house.at(STARTS_AT + 2 * HOUR)

    assert house.run_job(JOB) == {"failed": 1, "erased": 1}


def test_an_erasure_that_dies_is_finished_by_the_next_one(house: House) -> None:
    """Killed at every second point: all or nothing of each, and nothing is left at the end."""
    for point in range(1, 100, 2):
        moment = house.at(STARTS_AT + 3 * point * HOUR)
        phone = house.phone()
        phone.log_in()
        phone.consent()
        phone.prove_identity()
        leaves(house, phone)
        house.at(moment + 2 * HOUR)

        died = dies_at(house, point, lambda: house.run_job(JOB))
        house.run_job(JOB)

        secrets: dict[str, Any] = data_of(phone)
        assert found_in(opened_texts(house), secrets) == set()
        if not died:
            break
    assert set(outcomes(house)) == {"erased"}
