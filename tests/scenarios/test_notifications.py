"""Workers are told what happens to their money: in the inbox always, by WeChat where they allow."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text, update

from app import settings
from app.db import db
from app.models import MessagePermission, Notification
from app.services import notifications
from sandbox.phone import Phone
from tests.api.asking import ask, on_sqlite_alone
from tests.api.test_exposure import said_to
from tests.house import STARTS_AT, House, at_once
from tests.pushes import all_taken, switch_on
from tests.short_cuts import a_phone, writing
from tests.sweep.crash_points import dies_at

JOB = "send-notifications"
CREDITED = "deposit-credited"


def template(house: House, kind: str = CREDITED) -> str:
    chosen: settings.Settings = house.app.extensions["lingcun-settings"]
    return chosen.templates[kind]


def allow(house: House, phone: Phone, times: int = 1, kind: str = CREDITED) -> None:
    asked = {"template_id": template(house, kind), "times": times}
    phone.wechat.play(f"users/{phone.wechat.user_id}/subscribe", asked)


def arrived(house: House, phone: Phone) -> list[dict[str, Any]]:
    path = f"users/{phone.wechat.user_id}/messages"
    return list(house._control("GET", path)["messages"])


def states(house: House, kind: str = CREDITED) -> Counter[str]:
    rows = house.rows(select(Notification.state).where(Notification.kind == kind))
    return Counter(state for (state,) in rows)


def inbox(phone: Phone) -> list[dict[str, Any]]:
    return list(phone.get("/v1/me/notifications")["items"])


def test_a_credited_deposit_is_told_once_by_wechat_and_in_the_inbox(house: House) -> None:
    phone, _ = a_phone(house)
    allow(house, phone, times=5)
    phone.wechat.pay(phone.order(123_456)["payment_parameters"], notify=False)
    path = f"orders/{house.out_trade_no()}/notice"

    answers = [house.send_notice(house.play(path)).status_code for _ in range(3)]
    house.run_job("follow-up-payments")
    counts = [house.run_job(JOB) for _ in range(3)]

    assert answers == [204] * 3
    assert counts == [{"sent": 1}, {}, {}]
    (message,) = arrived(house, phone)
    assert message["template_id"] == template(house)
    assert (message["miniprogram_state"], message["lang"]) == ("formal", "zh_CN")
    assert message["data"]["amount1"] == "¥1234.56"
    assert message["data"]["time2"].startswith("2026年3月2日 09:0")
    (told,) = inbox(phone)
    assert (told["kind"], told["title"], told["read_at"]) == (CREDITED, "缴存到账", None)
    assert "缴存的1,234.56元已到账，自2026年3月2日起" in told["sentence"]


def test_two_senders_at_once_send_one_message_each(house: House) -> None:
    phone, _ = a_phone(house)
    allow(house, phone, times=9)
    for _ in range(4):
        house.deposit(phone, 50_000)

    found = at_once(3, lambda _: house.run_job(JOB))

    assert sum(each.get("sent", 0) for each in found) == 4
    assert len(arrived(house, phone)) == 4


def test_a_signed_agreement_is_told(house: House) -> None:
    phone = house.phone()
    allow(house, phone, kind="agreement-signed")
    phone.join()
    phone.sign_agreement()  # the same text again is the same agreement

    assert house.run_job(JOB) == {"sent": 1}

    (message,) = arrived(house, phone)
    assert message["data"]["thing1"] == "住房公积金缴存使用协议"
    assert [each["kind"] for each in inbox(phone)] == ["agreement-signed"]


def test_who_has_not_allowed_it_is_told_in_the_inbox_alone(house: House) -> None:
    """43101 is the user's right: no fault, no second try."""
    phone, _ = a_phone(house)
    house.deposit(phone, 50_000)

    first = house.run_job(JOB)
    allow(house, phone)
    house.at(STARTS_AT + timedelta(days=2))
    later = house.run_job(JOB)

    assert (first, later) == ({"no-permission": 1}, {})
    assert states(house) == {"no-permission": 1}
    assert arrived(house, phone) == []


def test_a_permission_taken_back_after_one_message_ends_the_messages(house: House) -> None:
    phone, _ = a_phone(house)
    allow(house, phone, times=1)
    for _ in range(2):
        house.deposit(phone, 50_000)

    assert house.run_job(JOB) == {"sent": 1, "no-permission": 1}
    assert len(arrived(house, phone)) == 1
    assert len(inbox(phone)) == 2


@pytest.mark.parametrize("params", ["{}", "[]", '{"amount_fen": "x"}', "null"])
def test_a_poisoned_item_is_parked_and_the_others_flow(
    house: House, tmp_path: Path, params: str
) -> None:
    """F22."""
    phone, _ = a_phone(house)
    allow(house, phone, times=3)
    for _ in range(3):
        house.deposit(phone, 50_000)
    poisoned = spoilt(house, params)

    with said_to(tmp_path) as log_file:
        first = house.run_job(JOB)

    assert first == {"sent": 2, "parked": 1}
    lines = [json.loads(line) for line in log_file.read_text("utf-8").splitlines()]
    alarms = [line for line in lines if line["event"] == "notification-parked"]
    assert [(each["level"], each["notification"]) for each in alarms] == [("error", poisoned)]
    assert [each["title"] for each in inbox(phone)] == ["缴存到账"] * 3
    assert house.run_job(JOB) == {}


@on_sqlite_alone
def test_figures_that_are_no_json_are_parked_as_well(house: House) -> None:
    """PostgreSQL holds no such text."""
    phone, _ = a_phone(house)
    allow(house, phone, times=2)
    for _ in range(2):
        house.deposit(phone, 50_000)
    spoilt(house, '{"amount_fen')

    assert house.run_job(JOB) == {"sent": 1, "parked": 1}


def test_what_wechat_finds_at_fault_is_parked_at_once_and_can_be_put_back(house: House) -> None:
    phone, _ = a_phone(house)
    allow(house, phone)
    known = house._control("GET", "templates")["templates"]
    house.deposit(phone, 50_000)
    house._control("PUT", "templates", {"templates": []})

    parked = house.run_job(JOB)
    house._control("PUT", "templates", {"templates": known})
    still = house.run_job(JOB)
    said = house.app.test_cli_runner().invoke(args=["notifications", "retry-parked"])

    assert (parked, still) == ({"parked": 1}, {})
    assert house.rows(select(Notification.fail_code).where(Notification.kind == CREDITED)) == [
        (None,)
    ]
    assert said.output == "due again: 1\n"
    assert house.run_job(JOB) == {"sent": 1}


def test_while_wechat_is_away_a_message_waits_longer_each_time_and_is_parked(house: House) -> None:
    phone, _ = a_phone(house)
    house.deposit(phone, 50_000)
    moment, outcomes, pauses = STARTS_AT + timedelta(minutes=5), [], []
    gateway = house.app.extensions["lingcun-mini-program"]
    base, gateway._client.API_BASE_URL = gateway._client.API_BASE_URL, "http://127.0.0.1:9/"
    try:
        for _ in range(8):
            house.at(moment)
            gateway._token = ""
            outcomes += list(house.run_job(JOB))
            (next_at,) = house.rows(
                select(Notification.next_at).where(Notification.kind == CREDITED)
            )[0]
            pauses.append(round((next_at - moment) / timedelta(minutes=1)))
            moment = next_at + timedelta(seconds=5)
    finally:
        gateway._client.API_BASE_URL = base

    assert outcomes == ["wechat-unavailable"] * 7 + ["parked"]
    assert pauses[:7] == [1, 4, 16, 64, 240, 240, 240]
    house.at(moment)
    assert house.run_job(JOB) == {}


def test_a_kind_without_a_template_stays_in_the_inbox(house: House) -> None:
    phone, _ = a_phone(house)
    chosen: settings.Settings = house.app.extensions["lingcun-settings"]
    templates = dict(chosen.templates)
    chosen.templates.pop(CREDITED)  # type: ignore[attr-defined]
    try:
        house.deposit(phone, 50_000)
        shown = phone.get("/v1/public/notification-templates")
    finally:
        chosen.templates.clear()  # type: ignore[attr-defined]
        chosen.templates.update(templates)  # type: ignore[attr-defined]

    assert states(house) == {"inbox-only": 1}
    assert house.run_job(JOB) == {}
    assert CREDITED not in [each["kind"] for each in shown]
    assert len(inbox(phone)) == 1


def test_the_mini_program_is_told_what_to_ask_permission_for(house: House) -> None:
    shown = ask(house, "GET", "/v1/public/notification-templates").get_json()

    assert {each["kind"]: each["template_id"] for each in shown} == {
        kind: template(house, kind) for kind in settings.wechat.MESSAGE_KINDS
    }
    assert shown[0]["title"] == "缴存到账"


def test_who_dies_between_sending_and_recording_sends_again_and_loses_none(house: House) -> None:
    """F22: at least once. Killed at every point: never silence, and two messages at the most."""
    told: Counter[int] = Counter()
    for point in range(1, 200):
        moment = house.at(STARTS_AT + point * timedelta(minutes=10))
        phone, _ = a_phone(house)
        allow(house, phone, times=2)
        house.deposit(phone, 50_000)

        died = dies_at(house, point, lambda: house.run_job(JOB))
        house.at(moment + timedelta(minutes=5))
        house.run_job(JOB)

        told[len(arrived(house, phone))] += 1
        assert states(house) == {"sent": point}
        if not died:
            break

    assert set(told) == {1, 2}
    assert told[1] > told[2]


def test_one_who_kills_its_sender_each_time_is_parked(house: House) -> None:
    phone, _ = a_phone(house)
    house.deposit(phone, 50_000)
    with writing(house) as session:
        session.execute(update(Notification).values(tries=8))

    assert house.run_job(JOB) == {"parked": 1}


def test_the_same_event_notifies_once_and_an_unknown_kind_stands_in_nobodys_way(
    house: House,
) -> None:
    phone, worker = a_phone(house)
    for _ in range(2):
        with writing(house):
            notifications.notify(
                person_id=worker.person_id,
                kind="of-tomorrow",
                source="something:1",
                params={},
                at=STARTS_AT,
            )

    assert [each["title"] for each in inbox(phone)] == ["通知"]
    assert states(house, "of-tomorrow") == {"inbox-only": 1}


def test_the_inbox_is_read_page_by_page_and_ticked_off(house: House) -> None:
    phone, _ = a_phone(house)
    other, _ = a_phone(house)
    for amount_fen in (50_000, 60_000, 70_000):
        house.deposit(phone, amount_fen)

    first = phone.get("/v1/me/notifications", limit=2)
    second = phone.get("/v1/me/notifications", limit=2, cursor=first["next_cursor"])
    strange = ask(
        house, "GET", f"/v1/me/notifications?cursor={first['next_cursor']}", by=other
    ).status_code
    newest = first["items"][0]["notification_id"]
    for _ in range(2):
        phone.post(f"/v1/me/notifications/{newest}/read")

    shown = [each["sentence"] for each in (*first["items"], *second["items"])]
    assert [yuan for each in shown for yuan in ("700", "600", "500") if f"{yuan}.00元" in each] == [
        "700",
        "600",
        "500",
    ]
    assert (second["next_cursor"], strange) == (None, 422)
    assert [each["read_at"] is not None for each in inbox(phone)] == [True, False, False]


def test_who_has_not_proved_himself_has_no_inbox_yet(house: House) -> None:
    phone = house.phone()
    phone.log_in()

    assert ask(house, "GET", "/v1/me/notifications", by=phone).status_code == 409


def test_that_a_message_arrived_stands_beside_it(house: House) -> None:
    for form in ("json", "xml"):
        switch_on(house, form)
        phone, worker = a_phone(house)
        allow(house, phone)
        house.deposit(phone, 50_000)

        house.run_job(JOB)

        names = [each["event"] for each in all_taken(house)]
        assert names[-2:] == ["subscribe_msg_popup_event", "subscribe_msg_sent_event"]
        mine = Notification.person_id == worker.person_id
        assert house.rows(select(Notification.delivered, Notification.fail_code).where(mine)) == [
            ("success", None)
        ]
        answers = select(MessagePermission.template_id, MessagePermission.answer)
        assert house.rows(
            answers.where(MessagePermission.wechat_account_id == worker.wechat_account_id)
        ) == [(template(house), "accept")]


def spoilt(house: House, params: str) -> int:
    """The oldest notification of a deposit has these bytes as its figures; answers its id."""
    with writing(house) as session:
        row_id = session.scalars(
            select(Notification.id).where(Notification.kind == CREDITED).order_by(Notification.id)
        ).first()
        cast = ":params" if db.engine.dialect.name == "sqlite" else "CAST(:params AS JSON)"
        statement = f"UPDATE notification SET params = {cast} WHERE id = :id"  # noqa: S608 - ours
        session.execute(text(statement), {"params": params, "id": row_id})
        assert row_id is not None
        return row_id
