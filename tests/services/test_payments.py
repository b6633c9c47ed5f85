"""Money that WeChat says has arrived: credited once, found when nobody told us, never guessed."""

import threading
import uuid
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import func, select, text, update

from app import clock
from app.db import transaction
from app.jobs import runner
from app.models import JobRun, Journal, Notice, PaymentCase, PaymentOrder, Posting
from app.services import payment_follow_up
from app.wechat import wire
from sandbox.phone import Phone, Problem
from tests.house import STARTS_AT, House
from tests.short_cuts import a_phone

AMOUNT = 100_000


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def paid_quietly(phone: Phone, amount_fen: int = AMOUNT) -> str:
    """A deposit paid, of which WeChat told nobody; the deposit's id."""
    return str(phone.deposit(amount_fen, notify=False)["deposit_id"])


def tell(house: House, out_trade_no: str, **how: Any) -> int:
    """WeChat's notice about a payment reached the service; its status."""
    notice = house.play(f"orders/{out_trade_no}/notice", how)
    return house.send_notice(notice).status_code


def follow_up(house: House) -> dict[str, int]:
    return house.run_job("follow-up-payments")


def credited(house: House) -> int:
    return int(
        house.rows(
            select(func.count()).select_from(Journal).where(Journal.kind == "deposit-received")
        )[0][0]
    )


def cases(house: House) -> list[tuple[str, str | None, list[str]]]:
    """(kind, resolution, fields that differed), oldest first."""
    rows = house.rows(
        select(PaymentCase.kind, PaymentCase.resolution, PaymentCase.differences).order_by(
            PaymentCase.id
        )
    )
    return [(kind, word, [each["field"] for each in found]) for kind, word, found in rows]


def notices(house: House) -> list[str]:
    return [outcome for (outcome,) in house.rows(select(Notice.outcome).order_by(Notice.id))]


def deposit(phone: Phone, deposit_id: str) -> dict[str, Any]:
    return dict(phone.get(f"/v1/me/deposits/{deposit_id}"))


# --- notices that are not what the order asked for (F9) ---


DIFFERENT: tuple[tuple[dict[str, Any], str], ...] = (
    ({"amount_total": AMOUNT - 1}, "amount"),
    ({"payer_openid": "o-somebody-else"}, "payer"),
    ({"mchid": "1600000001"}, "mchid"),
    ({"appid": "wx0000000000000001"}, "appid"),
    ({"currency": "USD"}, "currency"),
    ({"out_trade_no": "LC0000000000000000000000"}, "out_trade_no"),
)


def test_a_notice_that_differs_is_not_believed_and_wechats_own_answer_is(house: House) -> None:
    phones = [a_phone(house)[0] for _ in DIFFERENT]
    deposit_ids = []
    for phone, (overrides, _) in zip(phones, DIFFERENT, strict=True):
        deposit_ids.append(paid_quietly(phone))
        assert tell(house, house.out_trade_no(), overrides=overrides) == 204

    assert credited(house) == 0
    assert notices(house) == ["unconfirmed"] * 6
    assert cases(house) == [("unconfirmed", None, [differs]) for _, differs in DIFFERENT]
    assert house.broken_invariants() == {}
    house.at(STARTS_AT + seconds(90))
    follow_up(house)
    assert credited(house) == 6
    for phone, deposit_id in zip(phones, deposit_ids, strict=True):
        assert deposit(phone, deposit_id)["state"] == "credited"
    assert {word for _, word, _ in cases(house)} <= {"credited", "recorded"}


def test_a_notice_about_a_transaction_wechat_does_not_know_stays_a_case(house: House) -> None:
    phone, _ = a_phone(house)
    paid_quietly(phone)
    unknown = {"transaction_id": f"4200{0:024d}", "amount_total": 1}

    assert tell(house, house.out_trade_no(), overrides=unknown) == 204
    counts = follow_up(house)

    assert counts == {"credited": 1, "case-open": 1}
    assert cases(house) == [("unconfirmed", None, ["amount"])]
    assert credited(house) == 1


def test_a_case_nobody_can_settle_is_asked_about_ever_more_seldom(house: House) -> None:
    phone, _ = a_phone(house)
    paid_quietly(phone)
    unknown = {"transaction_id": f"4200{0:024d}", "amount_total": 1}
    tell(house, house.out_trade_no(), overrides=unknown)

    asked = {}
    for seconds in (5, 8, 40, 50, 110):
        house.at(STARTS_AT + timedelta(seconds=seconds))
        asked[seconds] = follow_up(house).get("case-open", 0)

    assert asked == {5: 1, 8: 0, 40: 1, 50: 0, 110: 1}


def test_a_notice_of_an_unpaid_order_has_no_effect(house: House) -> None:
    phone, _ = a_phone(house)
    deposit_id = paid_quietly(phone)

    assert tell(house, house.out_trade_no(), overrides={"trade_state": "NOTPAY"}) == 204

    assert notices(house) == ["not-a-payment"]
    assert deposit(phone, deposit_id)["state"] == "pending"


def test_a_notice_that_comes_again_under_another_id_changes_nothing(house: House) -> None:
    phone, _ = a_phone(house)
    paid_quietly(phone)
    number = house.out_trade_no()

    for same_id in (True, True, False, False):
        assert tell(house, number, same_id=same_id) == 204

    assert notices(house) == ["credited", "already-recorded", "already-recorded"]
    assert credited(house) == 1


def test_a_payment_without_an_order_of_ours_stands_in_suspense_with_an_open_case(
    house: House,
) -> None:
    phone, _ = a_phone(house)
    stray = house.play(
        "stray-payments", {"openid": phone.wechat.openid, "amount": 777, "notify": False}
    )

    assert tell(house, stray["out_trade_no"]) == 204
    assert credited(house) == 0
    assert follow_up(house) == {"suspended": 1}
    assert follow_up(house) == {}

    assert house.rows(select(Posting.debit_code, Posting.credit_code, Posting.amount_fen)) == [
        ("10109", "21901", 777)
    ]
    assert cases(house) == [
        ("unconfirmed", "suspended", ["out_trade_no"]),
        ("suspended", None, ["out_trade_no"]),
    ]


def test_an_order_paid_with_another_amount_is_closed_and_holds_nothing_back(house: House) -> None:
    phone, _ = a_phone(house)
    house.faults(fail_prepay=1)
    with pytest.raises(Problem):
        phone.order(700_000)
    house.faults()
    [(number,)] = house.rows(select(PaymentOrder.out_trade_no))
    openid = phone.wechat.openid
    spent = {"openid": openid, "amount": 600_000, "out_trade_no": number, "notify": False}
    house.play("stray-payments", spent)
    house.at(STARTS_AT + timedelta(minutes=5))

    assert follow_up(house) == {"suspended": 1}
    house.at(STARTS_AT + timedelta(hours=1))
    assert follow_up(house) == {}

    assert [each["state"] for each in phone.get("/v1/me/deposits")] == ["closed"]
    assert cases(house) == [("suspended", None, ["amount"])]
    assert phone.order(700_000)["payment_parameters"]


def test_a_run_gives_up_when_wechat_is_away(house: House) -> None:
    phones = [a_phone(house)[0] for _ in range(7)]
    for phone in phones:
        paid_quietly(phone)
    house.at(STARTS_AT + timedelta(minutes=2))
    house.faults(fail_query=1000)

    assert follow_up(house) == {"wechat-unavailable": payment_follow_up.GIVE_UP_AFTER}
    house.faults()
    house.at(STARTS_AT + timedelta(minutes=4))

    assert follow_up(house) == {"credited": 7}


def test_a_second_payment_of_a_credited_order_is_kept_apart(house: House) -> None:
    """WeChat never lets it happen; if it did, the money would not vanish into a balance."""
    phone, _ = a_phone(house)
    paid_quietly(phone)
    number = house.out_trade_no()
    assert tell(house, number) == 204
    second = {"transaction_id": f"4200{1:024d}"}

    assert tell(house, number, overrides=second, same_id=False) == 204

    assert notices(house) == ["credited", "unconfirmed"]
    assert cases(house) == [("unconfirmed", None, ["order"])]
    assert credited(house) == 1


# --- nobody told us (F8, P2) ---


def test_a_paid_order_is_found_within_ten_minutes_whenever_it_is_paid(house: House) -> None:
    """P2: the pause between two questions never exceeds five minutes."""
    phone, _ = a_phone(house)
    ordered = phone.order(AMOUNT)
    asked: list[datetime] = [STARTS_AT]
    house.forget_calls()
    moment = STARTS_AT
    while moment < STARTS_AT + timedelta(minutes=29):
        moment = house.at(moment + seconds(30))
        if follow_up(house):
            asked.append(moment)

    pauses = [later - earlier for earlier, later in pairwise(asked)]
    assert max(pauses) <= timedelta(minutes=5, seconds=30)
    assert len(asked) < 12  # and WeChat is not asked without need

    phone.wechat.pay(ordered["payment_parameters"], notify=False)
    found_after = seconds(0)
    while not credited(house):
        found_after += seconds(30)
        house.at(moment + found_after)
        follow_up(house)
    assert found_after <= timedelta(minutes=10)
    assert deposit(phone, ordered["deposit"]["deposit_id"])["state"] == "credited"


def test_one_order_that_fails_does_not_stop_the_others(house: House) -> None:
    phones = [a_phone(house)[0] for _ in range(3)]
    for phone in phones:
        paid_quietly(phone)
    house.at(STARTS_AT + seconds(61))
    house.faults(fail_query=1)

    assert follow_up(house) == {"wechat-unavailable": 1, "credited": 2}
    house.at(STARTS_AT + seconds(61 + 31))
    assert follow_up(house) == {"credited": 1}


def test_one_order_that_is_damaged_does_not_stop_the_others(house: House) -> None:
    """F22: whatever a row holds, the run goes on, and asks again later."""
    phones = [a_phone(house)[0] for _ in range(3)]
    for phone in phones:
        paid_quietly(phone)
    damage(house, "UPDATE payment_order SET payer_openid = payer_index WHERE id = 1")
    house.at(STARTS_AT + seconds(61))

    assert follow_up(house) == {"failed": 1, "credited": 2}
    assert follow_up(house) == {}
    with house.app.app_context(), transaction() as session:
        mended = update(PaymentOrder).where(PaymentOrder.id == 1)
        session.execute(mended.values(payer_openid=phones[0].wechat.openid))
    house.at(STARTS_AT + timedelta(minutes=7))
    assert follow_up(house) == {"credited": 1}


def damage(house: House, statement: str) -> None:
    with house.app.app_context(), transaction() as session:
        session.execute(text(statement))


def test_a_payment_made_in_time_and_heard_of_after_closing_is_credited(house: House) -> None:
    phone, _ = a_phone(house)
    ordered = phone.order(AMOUNT)
    deposit_id = ordered["deposit"]["deposit_id"]
    phone.wechat.pay(ordered["payment_parameters"], notify=False)
    damage(house, "UPDATE payment_order SET state = 'closed', closed_at = created_at")

    assert tell(house, house.out_trade_no()) == 204

    assert deposit(phone, deposit_id)["state"] == "credited"
    assert credited(house) == 1


def test_an_order_nobody_pays_is_closed_at_wechat_first(house: House) -> None:
    phone, _ = a_phone(house)
    ordered = phone.order(AMOUNT)
    house.at(STARTS_AT + timedelta(minutes=31))

    assert follow_up(house) == {"closed": 1}

    assert [order["trade_state"] for order in house.books()["orders"]] == ["CLOSED"]
    with pytest.raises(Problem, match="409"):
        phone.wechat.pay(ordered["payment_parameters"])
    assert deposit(phone, ordered["deposit"]["deposit_id"])["state"] == "closed"


def test_a_payment_between_the_question_and_the_closing_is_not_lost(house: House) -> None:
    """The order is overdue here and paid there: WeChat refuses to close it, and is asked again."""
    phone, _ = a_phone(house)
    deposit_id = paid_quietly(phone)
    house.at(STARTS_AT + timedelta(minutes=31))

    assert follow_up(house) == {"credited": 1}
    assert deposit(phone, deposit_id)["state"] == "credited"
    with pytest.raises(Problem) as refused:
        phone.post(f"/v1/me/deposits/{deposit_id}/cancel")
    assert refused.value.kind == "deposit-already-paid"


# --- ordering when WeChat fails (P8, F21) ---


def test_wechat_down_is_503_and_the_same_key_gets_the_order_once_it_is_back(house: House) -> None:
    phone, _ = a_phone(house)
    key = uuid.uuid4().hex
    house.faults(fail_prepay=1)

    refused = order_raw(house, phone, key)
    assert refused.status_code == 503
    assert int(refused.headers["Retry-After"]) > 0
    assert states(house) == [("created", None)]
    house.at(STARTS_AT + seconds(int(refused.headers["Retry-After"])))
    again = order_raw(house, phone, key)

    assert again.status_code == 201
    phone.wechat.pay(again.json()["payment_parameters"], notify=False)
    assert phone.settle(again.json()["deposit"]["deposit_id"])["state"] == "credited"
    assert len(house.books()["orders"]) == len(states(house)) == 1


def test_a_prepay_that_answers_too_late_is_paid_under_the_same_order(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WeChat has the order, we never heard: the key gives another prepay id of the same order."""
    monkeypatch.setattr(wire, "TIMEOUT_S", (2.0, 0.3))
    phone, _ = a_phone(house)
    key = uuid.uuid4().hex
    house.faults(timeout_prepay_after_effect=1, timeout_s=1)

    assert order_raw(house, phone, key).status_code == 503
    assert len(house.books()["orders"]) == 1
    house.at(STARTS_AT + seconds(5))
    again = order_raw(house, phone, key)

    assert again.status_code == 201
    phone.wechat.pay(again.json()["payment_parameters"], notify=False)
    assert phone.settle(again.json()["deposit"]["deposit_id"])["state"] == "credited"
    assert len(house.books()["orders"]) == 1


def test_an_order_whose_caller_died_is_not_closed_while_wechat_may_still_get_it(
    house: House,
) -> None:
    phone, _ = a_phone(house)
    house.faults(fail_prepay=1)
    order_raw(house, phone, uuid.uuid4().hex)
    (order,) = phone.get("/v1/me/deposits")

    waiting = phone.post(f"/v1/me/deposits/{order['deposit_id']}/cancel")
    house.at(STARTS_AT + timedelta(minutes=2))
    closed = phone.post(f"/v1/me/deposits/{order['deposit_id']}/cancel")

    assert (waiting["state"], closed["state"]) == ("pending", "closed")


def test_a_key_belongs_to_one_body_for_ever(house: House) -> None:
    phone, _ = a_phone(house)
    key = uuid.uuid4().hex
    first = phone.order(AMOUNT, key=key)

    same = phone.order(AMOUNT, key=key)
    with pytest.raises(Problem) as other:
        phone.order(AMOUNT + 1, key=key)

    assert same["deposit"] == first["deposit"]
    assert same["payment_parameters"]["paySign"] != first["payment_parameters"]["paySign"]
    assert (other.value.status, other.value.kind) == (422, "idempotency-key-reused")
    assert len(states(house)) == 1


def test_a_key_of_another_person_is_another_key(house: House) -> None:
    key = uuid.uuid4().hex
    first, second = a_phone(house)[0], a_phone(house)[0]

    orders = [phone.order(AMOUNT, key=key)["deposit"]["deposit_id"] for phone in (first, second)]

    assert len(set(orders)) == 2


def order_raw(house: House, phone: Phone, key: str) -> Any:
    return phone._http.post(
        f"{house.api}/v1/me/deposits",
        json={"amount_fen": AMOUNT},
        headers={"Idempotency-Key": key},
        timeout=30,
    )


def states(house: House) -> list[tuple[str, str | None]]:
    return [
        (state, prepay_id)
        for state, prepay_id in house.rows(select(PaymentOrder.state, PaymentOrder.prepay_id))
    ]


# --- late and early (F5, F6) ---


def test_a_notice_a_day_late_counts_from_the_day_of_payment(house: House) -> None:
    phone, _ = a_phone(house)
    house.at("2026-03-02T23:50:00")
    phone.deposit(AMOUNT, notify=False, success_time="2026-03-02T23:59:59+08:00")
    number = house.out_trade_no()
    house.at("2026-03-03T23:00:00")
    house.run_job("day-close")

    assert tell(house, number) == 204

    assert house.rows(select(Journal.value_on, Journal.booked_on)) == [
        (date(2026, 3, 2), date(2026, 3, 3))
    ]
    (shown,) = phone.get("/v1/me/deposits")
    assert shown["value_on"] == "2026-03-02"


# --- jobs ---


def test_every_run_of_a_job_is_on_record(house: House) -> None:
    phone, _ = a_phone(house)
    paid_quietly(phone)
    house.at(STARTS_AT + seconds(61))
    follow_up(house)
    broken = runner.Job("breaks", lambda at: {"never": 1 // 0}, timedelta(hours=1))

    with house.app.app_context(), pytest.raises(ZeroDivisionError):
        runner.run(broken, at=clock.now())

    rows = house.rows(select(JobRun.job, JobRun.outcome, JobRun.counts).order_by(JobRun.id))
    assert rows == [("follow-up-payments", "done", {"credited": 1}), ("breaks", "failed", {})]
    finished = house.rows(select(JobRun.finished_at >= JobRun.started_at))
    assert finished == [(True,), (True,)]


def test_the_job_loop_runs_what_is_due_and_stops_when_told(house: House) -> None:
    """Stopping does not wait for the next due time."""
    phone, _ = a_phone(house)
    paid_quietly(phone)
    house.at(STARTS_AT + seconds(61))
    stop = threading.Event()

    def loop() -> None:
        with house.app.app_context():
            runner.loop(stop=stop)

    thread = threading.Thread(target=loop)
    thread.start()
    for _ in range(200):
        if len(house.rows(select(JobRun.id).where(JobRun.outcome == "done"))) >= 2:
            break
        stop.wait(0.02)
    stop.set()
    thread.join(timeout=5)

    assert not thread.is_alive()
    assert credited(house) == 1
    names = {name for (name,) in house.rows(select(JobRun.job))}
    assert names >= {"follow-up-payments", "day-close"}
