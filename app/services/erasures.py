"""Somebody takes his leave of us at WeChat: what we may delete goes, what we must keep stays.

At once, with the event: his sessions end, his consents are withdrawn, and the WeChat account is
nobody's and no account of WeChat's any more, so that he may come back like anybody new. Within
fifteen days a job empties the rest (Personal Information Law Art. 47), unless it is part of the
records of a fund account, which other laws have us keep.
"""

import hashlib
from collections import Counter
from datetime import datetime, timedelta

from sqlalchemy import exists, literal, select, update

from app import clock, ids, log, vault
from app.db import db, reading, retried, transaction
from app.models import (
    Agreement,
    Approval,
    Consent,
    Enrolment,
    Erasure,
    FundAccount,
    IdentityCheck,
    Notification,
    PaymentOrder,
    Person,
    WechatAccount,
    WechatPayment,
)
from app.services.members import locked_person
from app.services.notifications import INBOX_ONLY, PARKED, READY
from app.services.sessions import end_sessions

EVENTS = {
    "user_authorization_revoke": "authorisation-revoked",
    "user_authorization_cancellation": "wechat-account-cancelled",
}
"""Event of WeChat's -> why the sessions ended."""
BEGUN, NOBODY = "erasure-due", "nobody"
ERASED, FUND_RECORD, IN_APPROVAL, CAME_BACK, NOT_YET = (
    "erased",
    "kept-as-fund-record",
    "kept-in-approval",
    "came-back",
    "not-yet",
)
_WITHIN = timedelta(days=15)
# A request that was under way when the event came has ended by then, and so has a face check.
_UNDER_WAY = timedelta(hours=1)
_GONE = "erased"


def begin(*, openid_index: bytes, event: str, at: datetime) -> str:
    """The WeChat account is out of use and its erasure due, in the caller's transaction.

    Answers `nobody` for an account that never came here, or left before.
    """
    session = db.session()
    account = session.scalars(
        select(WechatAccount).where(WechatAccount.openid_index == openid_index).with_for_update()
    ).one_or_none()
    if account is None:
        return NOBODY
    session.add(
        Erasure(
            openid_index=openid_index,
            wechat_account_id=account.id,
            person_id=account.person_id,
            event=event,
            received_at=at,
            due_on=clock.day_of(at + _WITHIN),
        )
    )
    end_sessions(wechat_account_id=account.id, reason=EVENTS[event], at=at)
    session.execute(
        update(Consent)
        .where(Consent.wechat_account_id == account.id, Consent.withdrawn_at.is_(None))
        .values(withdrawn_at=at)
    )
    account.person_id = account.bound_at = None
    account.openid = _made_up()
    account.openid_index = vault.blind_index(account.openid, purpose="openid")
    session.flush()
    return BEGUN


def erase_due(*, at: datetime) -> dict[str, int]:
    """Every erasure that may be done now is done, each for itself; answers counts by outcome."""
    counts: Counter[str] = Counter()
    with reading() as session:
        due = session.scalars(
            select(Erasure.id)
            .where(Erasure.done_at.is_(None), Erasure.received_at <= at - _UNDER_WAY)
            .order_by(Erasure.id)
        ).all()
    for erasure_id in due:
        try:
            outcome = _erase(erasure_id, at)
        except Exception as error:  # noqa: BLE001 - one that fails must not keep the others waiting
            log.get().error("erasure-failed", erasure=erasure_id, exc_info=error)
            outcome = "failed"
        counts[outcome] += 1
    return dict(counts)


@retried
def _erase(erasure_id: int, at: datetime) -> str:
    with transaction() as session:
        erasure = session.get_one(Erasure, erasure_id)
        person_id = erasure.person_id
        person = None if person_id is None else locked_person(person_id)
        outcome = ERASED if person is None else _standing(person)
        if outcome == NOT_YET:
            return outcome
        _empty_checks(erasure, with_passed=outcome != FUND_RECORD)
        if person is not None and outcome in (ERASED, IN_APPROVAL):
            _empty_person(person, at)
        erasure.done_at, erasure.outcome = at, outcome
    return outcome


def _standing(person: Person) -> str:
    """How much of the person may go."""
    session, orders = db.session(), PaymentOrder.person_id == person.id

    def is_there(*conditions: object) -> bool:
        return bool(session.scalar(select(exists().where(*conditions))))  # type: ignore[arg-type]

    if is_there(FundAccount.person_id == person.id):
        return FUND_RECORD
    if is_there(orders, PaymentOrder.id == WechatPayment.order_id):
        return FUND_RECORD  # money of his stands in the books, although no account does
    if is_there(WechatAccount.person_id == person.id):
        return CAME_BACK  # proved again since, and bound to another account of WeChat's
    if is_there(orders, PaymentOrder.state.in_(("created", "prepaid"))):
        return NOT_YET  # it may still be paid: closed within the hour, or the account opens
    if is_there((literal(" ") + Approval.depositors + " ").contains(f" {person.id} ")):
        return IN_APPROVAL
    return ERASED


def _empty_checks(erasure: Erasure, *, with_passed: bool) -> None:
    """Name, number, phone and WeChat's number of the identity checks; passed ones may be proof."""
    mine = IdentityCheck.wechat_account_id == erasure.wechat_account_id
    query = update(IdentityCheck).where(mine)
    if not with_passed:
        query = query.where(IdentityCheck.state != "passed")
    db.session().execute(query.values(name="", id_number="", phone="", verify_id=None))


def _empty_person(person: Person, at: datetime) -> None:
    """The rows stay, for others point at them; nothing in them says who he was."""
    session = db.session()
    person.name = person.phone = ""
    person.id_number = _made_up()
    person.id_number_index = vault.blind_index(person.id_number, purpose="id-number")
    person.phone_index = vault.blind_index("", purpose="phone")
    person.masked_keys_index, person.erased_at = None, at
    session.execute(
        update(IdentityCheck)
        .where(IdentityCheck.person_id == person.id)
        .values(name="", id_number="", phone="", verify_id=None)
    )
    session.execute(
        update(Enrolment)
        .where(Enrolment.person_id == person.id)
        .values(
            work_kind=_GONE,
            district=_GONE,
            retirement_category=_GONE,
            works_in_city=False,
            own_labour_income=False,
            draws_pension=False,
            reasons=[],
        )
    )
    session.execute(
        update(Notification)
        .where(Notification.person_id == person.id, Notification.state.in_((READY, PARKED)))
        .values(state=INBOX_ONLY)
    )
    _empty_papers(person.id, at)
    session.flush()


def _empty_papers(person_id: int, at: datetime) -> None:
    """Agreements and orders that never came to anything."""
    session = db.session()
    for agreement in session.scalars(select(Agreement).where(Agreement.person_id == person_id)):
        agreement.text = _made_up()
        agreement.pdf = agreement.text.encode()
        digest = hashlib.sha256(agreement.pdf).hexdigest()
        agreement.text_sha256 = agreement.pdf_sha256 = digest
        agreement.ended_at = agreement.ended_at or at
    for order in session.scalars(select(PaymentOrder).where(PaymentOrder.person_id == person_id)):
        order.payer_openid = _made_up()
        order.payer_index = vault.blind_index(order.payer_openid, purpose="openid")


def _made_up() -> str:
    """A text that stands where a datum was: nobody's, and no two alike."""
    return ids.new_public_id("era")
