"""Workers and deposits written straight into the tables, as the way in leaves them.

A phone needs half a second to join; a test that wants fifty depositors, or a thousand deposits,
begins here. Crediting still goes through the service, and `verify` holds for all of it.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock, ids, vault
from app.db import transaction
from app.ledger import posting
from app.models import (
    Agreement,
    AgreementTemplate,
    Enrolment,
    IdempotencyKey,
    IdentityCheck,
    Journal,
    MemberSession,
    PaymentOrder,
    Person,
    PolicyVersion,
    Posting,
    SubAccount,
    WechatAccount,
    WechatPayment,
)
from app.services import deposits, payments
from app.services.accounts import open_flexible
from app.wechat.transaction import Transaction
from sandbox.phone import Owner, Phone
from tests.house import STARTS_AT, House, somebody

_numbers = itertools.count(1)
JOINED_AT = datetime(2024, 1, 2, 10, tzinfo=clock.SHANGHAI)


@dataclass(frozen=True)
class Worker:
    """Somebody who has done everything before the first deposit."""

    person_id: int
    wechat_account_id: int
    openid: str
    agreement_id: int
    policy_version_id: int


def noon(day: date) -> datetime:
    """Twelve o'clock in Shanghai."""
    return datetime.combine(day, time(12), clock.SHANGHAI)


@contextmanager
def writing(house: House) -> Iterator[Session]:
    """One transaction of the service's, opened from a test."""
    with house.app.app_context(), transaction() as session:
        yield session


def a_worker(house: House, *, openid: str = "", owner: Owner | None = None) -> Worker:
    """A person as the way in leaves him: proved, admitted, with a signed agreement."""
    owner = owner or somebody()
    openid = openid or f"openid-{next(_numbers)}"
    with writing(house) as session:
        person, account = _person(owner), _wechat_account(openid)
        session.add(person)
        session.flush()
        account.person_id = person.id
        session.add(account)
        session.flush()
        agreement = _agreement(session, person, account, owner)
        return Worker(person.id, account.id, openid, agreement.id, agreement.policy_version_id)


def a_phone(house: House) -> tuple[Phone, Worker]:
    """The phone of such a worker, logged in."""
    owner = somebody()
    phone = Phone(house.api, house.sandbox, owner)
    worker = a_worker(house, openid=phone.wechat.openid, owner=owner)
    token = ids.new_token()
    with writing(house) as session:
        session.add(
            MemberSession(
                token_hash=ids.token_hash(token),
                wechat_account_id=worker.wechat_account_id,
                created_at=STARTS_AT,
                expires_at=STARTS_AT + timedelta(days=3000),
            )
        )
    phone._http.headers["Authorization"] = f"Bearer {token}"
    return phone, worker


def an_order(house: House, worker: Worker, amount_fen: int, *, at: datetime) -> str:
    """An order of his that can be paid; answers its `out_trade_no`."""
    gateway = house.app.extensions["lingcun-pay"]
    with writing(house) as session:
        order = PaymentOrder(
            public_id=ids.new_public_id("dep"),
            person_id=worker.person_id,
            agreement_id=worker.agreement_id,
            policy_version_id=worker.policy_version_id,
            out_trade_no=ids.new_out_trade_no(),
            amount_fen=amount_fen,
            appid=gateway.appid,
            mchid=gateway.mchid,
            payer_openid=worker.openid,
            payer_index=vault.blind_index(worker.openid, purpose="openid"),
            state="prepaid",
            prepay_id="wx-short-cut",
            prepay_called_at=at,
            ordered_on=clock.day_of(at),
            created_at=at,
            expires_at=at + timedelta(minutes=30),
            next_query_at=at,
            queries=0,
        )
        session.add(order)
        session.flush()
        session.add(
            IdempotencyKey(
                person_id=worker.person_id,
                route=deposits.ROUTE,
                key=f"short-cut-{order.id}",
                body_sha256="0" * 64,
                order_id=order.id,
                created_at=at,
            )
        )
        return order.out_trade_no


def paid(house: House, worker: Worker, out_trade_no: str, amount_fen: int, at: datetime) -> Any:
    """What WeChat answers about an order that was paid at this moment."""
    gateway = house.app.extensions["lingcun-pay"]
    return Transaction(
        appid=gateway.appid,
        mchid=gateway.mchid,
        out_trade_no=out_trade_no,
        trade_state="SUCCESS",
        trade_type="JSAPI",
        transaction_id=f"4200{next(_numbers):024d}",
        success_time=at,
        payer_openid=worker.openid,
        amount_total=amount_fen,
        currency="CNY",
    )


def credit(
    house: House,
    worker: Worker,
    amount_fen: int,
    *,
    paid_at: datetime,
    heard_at: datetime | None = None,
) -> int:
    """A deposit paid at one moment and credited when the service heard of it; its journal's id."""
    heard_at = heard_at or paid_at
    out_trade_no = an_order(house, worker, amount_fen, at=paid_at)
    answer = paid(house, worker, out_trade_no, amount_fen, paid_at)
    with house.app.app_context():
        assert payments.take_answer(paid=answer, at=heard_at) == payments.CREDITED
    with writing(house) as session:
        journal_id = session.scalars(
            select(WechatPayment.journal_id).where(
                WechatPayment.transaction_id == answer.transaction_id
            )
        ).one()
        assert journal_id is not None
        return journal_id


def reverse(house: House, journal_id: int, *, value_on: date, at: datetime) -> int:
    """The journal's mirror image is posted, as a correction would be; its id."""
    with writing(house) as session:
        wrong = session.get_one(Journal, journal_id)
        lines = session.scalars(
            select(Posting).where(Posting.journal_id == journal_id).order_by(Posting.line)
        ).all()
        event = posting.Event(
            kind=f"{wrong.kind}-reversed",
            reason="冲正",
            actor="staff:1",
            source_kind=wrong.source_kind,
            source_id=wrong.source_id,
            value_on=value_on,
            at=at,
            reverses_id=wrong.id,
        )
        mirrored = [
            posting.Line(each.credit_code, each.debit_code, each.amount_fen, each.sub_account_id)
            for each in lines
        ]
        return posting.post(event, mirrored).id


def flexible(house: House, worker: Worker) -> SubAccount:
    """The worker's flexible sub-account as it stands now."""
    with writing(house):
        found = open_flexible(worker.person_id)
        assert found is not None
        return found


def _person(owner: Owner) -> Person:
    return Person(
        public_id=ids.new_public_id("per"),
        name=owner.name,
        id_number=owner.id_number,
        id_number_index=vault.blind_index(owner.id_number, purpose="id-number"),
        phone=owner.phone,
        phone_index=vault.blind_index(owner.phone, purpose="phone"),
        real_name_passed_at=JOINED_AT,
        created_at=JOINED_AT,
    )


def _wechat_account(openid: str) -> WechatAccount:
    return WechatAccount(
        openid=openid,
        openid_index=vault.blind_index(openid, purpose="openid"),
        bound_at=JOINED_AT,
        created_at=JOINED_AT,
    )


def _agreement(session: Session, person: Person, account: WechatAccount, owner: Owner) -> Agreement:
    policy_version_id = session.scalars(select(PolicyVersion.id)).one()
    check = IdentityCheck(
        public_id=ids.new_public_id("chk"),
        wechat_account_id=account.id,
        person_id=person.id,
        name=owner.name,
        id_number=owner.id_number,
        phone=owner.phone,
        out_seq_no=ids.new_out_seq_no(),
        verify_id="short-cut",
        state="passed",
        verify_ret=10000,
        started_at=JOINED_AT,
        finished_at=JOINED_AT,
    )
    enrolment = Enrolment(
        public_id=ids.new_public_id("enr"),
        person_id=person.id,
        policy_version_id=policy_version_id,
        work_kind="new-form",
        district="wuxing",
        works_in_city=True,
        own_labour_income=True,
        draws_pension=False,
        retirement_category="M",
        state="accepted",
        reasons=[],
        decided_on=clock.day_of(JOINED_AT),
        decided_at=JOINED_AT,
    )
    session.add_all([check, enrolment])
    session.flush()
    text = f"agreement of {person.public_id}"
    pdf = f"%PDF- {person.public_id}".encode()
    agreement = Agreement(
        public_id=ids.new_public_id("agr"),
        person_id=person.id,
        template_id=session.scalars(select(AgreementTemplate.id)).one(),
        policy_version_id=policy_version_id,
        enrolment_id=enrolment.id,
        identity_check_id=check.id,
        text=text,
        text_sha256=hashlib.sha256(text.encode()).hexdigest(),
        pdf=pdf,
        pdf_sha256=hashlib.sha256(pdf).hexdigest(),
        signed_at=JOINED_AT,
    )
    session.add(agreement)
    session.flush()
    return agreement
