"""Logging in, proving oneself, messages and WeChat's keys, each killed at the yield."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from app import clock
from app.models import (
    Erasure,
    IdentityCheck,
    MemberSession,
    MessageDelivery,
    MessagePermission,
    Notification,
    Person,
    PlatformCertificate,
    PushedMessage,
    UsedLoginCode,
    WechatAccount,
)
from sandbox.phone import Phone
from sandbox.push_events import Event, event_text, popup_event, revoke_event, sent_event
from tests.house import STARTS_AT, House
from tests.pushes import a_push, send
from tests.scenarios.test_notifications import allow, arrived, template
from tests.short_cuts import a_phone
from tests.sweep.flows_payments import answered
from tests.sweep.walking import Act

MINUTE = timedelta(minutes=1)
SEND, REFRESH = "send-notifications", "refresh-certificates"


def logging_in(house: House) -> Iterator[Act]:
    """A code is tried once: who heard no answer gets another code from his phone."""
    phone = house.phone()
    body = {"code": phone.wechat.login_code()}

    yield lambda: answered(house, None, "/v1/sessions", 201, body)

    phone.log_in()
    assert phone.get("/v1/me/consents")
    assert count(house, WechatAccount) == 1
    assert count(house, UsedLoginCode) <= 2
    assert count(house, MemberSession) <= 2


def beginning_a_face_check(house: House) -> Iterator[Act]:
    """Access token, phone number and face check; nobody is anybody before his face was seen."""
    phone = consenting(house)
    house.app.extensions["lingcun-mini-program"]._token = ""
    owner = phone.owner
    body = {"name": owner.name, "id_number": owner.id_number}
    body["phone_code"] = phone.wechat.phone_code()

    yield lambda: answered(house, phone, "/v1/me/identity-checks", 201, body)

    assert count(house, Person) == 0
    phone.prove_identity()
    assert_proved_once(house, 2)


def ending_a_face_check(house: House) -> Iterator[Act]:
    phone = consenting(house)
    owner = phone.owner
    body = {"name": owner.name, "id_number": owner.id_number}
    body["phone_code"] = phone.wechat.phone_code()
    started = phone.post("/v1/me/identity-checks", body)
    phone.wechat.show_face(started["verify_id"])
    path = f"/v1/me/identity-checks/{started['check_id']}/finish"
    house.app.extensions["lingcun-mini-program"]._token = ""

    yield lambda: answered(house, phone, path, 204)

    phone.post(path)
    assert_proved_once(house, 1)


def sending_a_message(house: House) -> Iterator[Act]:
    """At least once: never silence, and two messages at the most."""
    phone = told(house, times=2)
    house.app.extensions["lingcun-mini-program"]._token = ""

    yield lambda: house.run_job(SEND)

    house.at(STARTS_AT + 5 * MINUTE)
    house.run_job(SEND)
    house.run_job(SEND)
    assert len(arrived(house, phone)) in (1, 2)
    assert house.rows(select(Notification.state)) == [("sent",)]


def hearing_that_a_message_arrived(house: House) -> Iterator[Act]:
    phone = told(house)
    house.run_job(SEND)
    msgid = int(house.books()["messages"][0]["msgid"])
    event = sent_event(phone.wechat.openid, template_id=template(house), msgid=msgid)
    text = written(house, event)

    yield lambda: pushed(house, text)

    pushed(house, text)
    assert house.rows(select(Notification.delivered)) == [("success",)]
    assert (count(house, MessageDelivery), count(house, PushedMessage)) == (1, 1)


def hearing_that_messages_may_come(house: House) -> Iterator[Act]:
    phone, _ = a_phone(house)
    event = popup_event(phone.wechat.openid, template_id=template(house), answer="reject")
    text = written(house, event)

    yield lambda: pushed(house, text)

    pushed(house, text)
    assert house.rows(select(MessagePermission.answer)) == [("reject",)]
    assert count(house, PushedMessage) == 1


def hearing_that_somebody_leaves(house: House) -> Iterator[Act]:
    phone, _ = a_phone(house)
    text = written(house, revoke_event(phone.wechat.openid, revoke_info="8"))

    yield lambda: pushed(house, text)

    pushed(house, text)
    assert (count(house, Erasure), count(house, PushedMessage)) == (1, 1)
    assert house.rows(select(MemberSession.end_reason)) == [("authorisation-revoked",)]


def refreshing_certificates(house: House) -> Iterator[Act]:
    published = house._control("GET", "signing")["certificates"]

    yield lambda: house.run_job(REFRESH)

    house.run_job(REFRESH)
    serials = house.rows(select(PlatformCertificate.serial))
    assert [serial for (serial,) in serials] == [each["serial_no"] for each in published]


FLOWS = (
    logging_in,
    beginning_a_face_check,
    ending_a_face_check,
    sending_a_message,
    hearing_that_a_message_arrived,
    hearing_that_messages_may_come,
    hearing_that_somebody_leaves,
    refreshing_certificates,
)


def consenting(house: House) -> Phone:
    """A phone that is logged in and whose owner agreed to everything asked of him."""
    phone = house.phone()
    phone.log_in()
    phone.consent()
    return phone


def told(house: House, *, times: int = 1) -> Phone:
    """The phone of somebody with one message to come, who allows so many."""
    phone, _ = a_phone(house)
    allow(house, phone, times=times)
    house.deposit(phone, 50_000)
    return phone


def written(house: House, event: Event) -> str:
    """The event as WeChat writes it once, however often it is sealed and pushed."""
    appid, at_s = house.app.extensions["lingcun-mini-program"].appid, int(clock.now().timestamp())
    return event_text(event, appid=appid, at_s=at_s, is_xml=False)


def pushed(house: House, text: str) -> None:
    """The service took what WeChat pushed."""
    assert send(house, a_push(house, text)).data == b"success"


def assert_proved_once(house: House, checks: int) -> None:
    """One person stands for one WeChat account, after so many checks at the most."""
    assert count(house, Person) == count(house, WechatAccount) == 1
    states = [state for (state,) in house.rows(select(IdentityCheck.state))]
    assert states.count("passed") == 1
    assert len(states) <= checks


def count(house: House, table: Any) -> int:
    """How many rows the table has."""
    return int(house.rows(select(func.count()).select_from(table))[0][0])
