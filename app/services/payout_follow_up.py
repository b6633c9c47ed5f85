"""Payouts are sent, and asked after until WeChat says how they ended: always by the same number.

Three paragraphs each: what will be said is on record, WeChat is called with nothing locked, the
answer is on record. A crash anywhere between leaves `unknown`, which is asked after.
"""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from app import log, wechat
from app.db import db, reading, retried, transaction
from app.errors import Conflict
from app.models import PayoutLeg
from app.services import payment_cases, payout_views, payouts
from app.services.payment_cases import Difference
from app.services.payout_channels import CHANNELS
from app.services.payout_views import PayoutView
from app.services.payouts import Word
from app.services.staff import Staff
from app.wechat.faults import WechatRefused, WechatUnavailable

BATCH = 100
_GIVE_UP_AFTER = 5
_LONGEST_PAUSE = timedelta(minutes=10)
_WAIT_FOR_MONEY = timedelta(minutes=10)
_ASK_PEOPLES_WORK_EVERY = timedelta(hours=1)
_ONE_AFTER_ANOTHER = timedelta(minutes=1)  # partial refunds of one order, as WeChat wants them
# A call whose answer was lost may still take effect; after this long it has or never will.
_LOST_CALL_LASTS = timedelta(days=1)
# From here on people look at it, and it is asked after as before.
_PEOPLE_LOOK_AFTER = {
    "unknown": timedelta(hours=2),
    "processing": timedelta(days=3),
    "abnormal": timedelta(0),
    "waiting-for-money": timedelta(days=1),
}
_UNDER_WAY = ("unknown", "processing", "abnormal")
_TOO_POOR = "NOT_ENOUGH"


class NothingToCancel(Conflict):
    """No part of the payout waits for its payee: what is on its way cannot be called back."""

    sentence = "没有等待收款人确认的部分，不能撤销。"


@dataclass(frozen=True)
class _Step:
    """What is to be said about one leg, as it stands on record."""

    provider_no: str
    channel: str
    parameters: dict[str, Any]
    is_first: bool
    lacks_package: bool
    may_conclude: bool
    """Whether WeChat's not knowing the number, after its refusal, proves that nothing will come."""


def follow_up_payouts(*, at: datetime) -> dict[str, int]:
    """Every leg that was due was sent or asked about; answers counts by outcome.

    One that fails does not stop the others. Running it twice at once is safe: a number is one
    payment, however often it is sent.
    """
    counts: Counter[str] = Counter()
    in_vain = 0
    for number in _due(at):
        outcome = advance(number, at=at)
        counts[outcome] += 1
        in_vain = in_vain + 1 if outcome == WechatUnavailable().slug else 0
        if in_vain == _GIVE_UP_AFTER:
            break  # WeChat is away: waiting for each time-out would hold up the other jobs
    return dict(counts)


def cancel(*, staff: Staff, payout_id: str, at: datetime) -> PayoutView:
    """WeChat was asked to cancel what the payee has not confirmed; its own word ends the leg.

    Nothing leaves by it: what was not paid is the depositor's again. Raises `Absent`,
    `NothingToCancel`, `WechatUnavailable`, `WechatRefused`.
    """
    view = payout_views.payout(staff=staff, payout_id=payout_id)
    waiting = [leg.provider_no for leg in view.legs if leg.state == "waiting-for-payee"]
    if not waiting:
        raise NothingToCancel()

    for provider_no in waiting:
        wechat.pay().transfers.cancel(provider_no)
        advance(provider_no, at=at)

    return payout_views.payout(staff=staff, payout_id=payout_id)


def advance(provider_no: str, *, at: datetime) -> str:
    """The leg went one step on; answers its state, or why it could not."""
    try:
        step = _next_step(provider_no, at)
        if step is None:
            return "not-yet"

        word, refused = _say(step)

        return _save(step, word, refused, at)
    except WechatUnavailable as error:
        return error.slug
    except WechatRefused as error:
        log.get().error("payout-refused", code=error.facts["code"], provider_no=provider_no)
        return error.slug
    except Exception as error:  # noqa: BLE001 - one bad row must not keep the others from payment
        log.get().error("payout-not-advanced", provider_no=provider_no, exc_info=error)
        return "failed-here"


def _say(step: _Step) -> tuple[Word | None, str]:
    """The provider's word about the number; or none, and the code with which it refuses to begin.

    A refusal alone proves nothing: an earlier call may have had its effect.
    """
    channel = CHANNELS[step.channel]
    if not step.is_first:
        found = channel.ask(step.provider_no, step.parameters)
        # Only the answer to sending tells what the payee's phone needs to confirm.
        waits_in_vain = (
            step.lacks_package and found is not None and (found.state == "waiting-for-payee")
        )
        if found is not None and not waits_in_vain:
            return found, ""
    try:
        return channel.send(step.parameters), ""
    except WechatRefused as refused:
        code = str(refused.facts["code"])
        if code == _TOO_POOR:
            return None, code
        return channel.ask(step.provider_no, step.parameters), code


@retried
def _next_step(provider_no: str, at: datetime) -> _Step | None:
    with transaction():
        leg = payouts.locked_leg(provider_no)
        if leg is None or leg.state in payouts.ENDED or leg.channel not in CHANNELS:
            return None
        patience = _PEOPLE_LOOK_AFTER.get(leg.state)
        if patience is not None and at - leg.opened_at >= patience:
            _to_people(leg, [Difference("state", "ended", leg.state)], at)
        is_new = leg.state in ("ready", "waiting-for-money")
        if is_new and _other_is_under_way(leg, at):
            leg.next_at = at + _ONE_AFTER_ANOTHER
            return None
        is_first = leg.first_called_at is None
        leg.first_called_at = leg.first_called_at or at
        leg.calls += 1
        leg.next_at = at + _pause(leg)
        step = _Step(
            provider_no=leg.provider_no,
            channel=leg.channel,
            parameters=json.loads(leg.parameters),
            is_first=is_first,
            lacks_package=leg.package_info is None,
            may_conclude=is_first or at - leg.first_called_at > _LOST_CALL_LASTS,
        )
        if is_new:
            leg.state = "unknown"
        return step


@retried
def _save(step: _Step, word: Word | None, refused: str, at: datetime) -> str:
    with transaction():
        leg = payouts.locked_leg(step.provider_no)
        if leg is None:
            return "gone"
        if word is not None and word.differing:
            log.get().error("payout-answer-differs", fields=word.differing)
            _to_people(leg, [Difference(each, "as asked", "other") for each in word.differing], at)
            return "differs"
        if word is not None:
            payouts.record(leg, word, at=at)
        elif refused == _TOO_POOR and leg.state == "unknown":
            leg.state, leg.next_at = "waiting-for-money", at + _WAIT_FOR_MONEY
        elif refused and step.may_conclude and leg.state == "unknown":
            payouts.record(leg, Word("failed", fail_code=refused), at=at)
        return leg.state


def _to_people(leg: PayoutLeg, found: list[Difference], at: datetime) -> None:
    """Somebody sees to it, by our number; it is closed when the leg ends."""
    payment_cases.open_case(payouts.UNSETTLED, leg.provider_no, leg.provider_id or "", found, at=at)


def _due(at: datetime) -> list[str]:
    with reading() as session:
        return list(
            session.scalars(
                select(PayoutLeg.provider_no)
                .where(
                    PayoutLeg.state.not_in(payouts.ENDED),
                    PayoutLeg.channel.in_(CHANNELS),
                    PayoutLeg.next_at <= at,
                )
                .order_by(PayoutLeg.next_at, PayoutLeg.id)
                .limit(BATCH)
            )
        )


def _other_is_under_way(leg: PayoutLeg, at: datetime) -> bool:
    """Whether another refund of the same order is on its way, or was sent within a minute."""
    if leg.payment_id is None:
        return False
    found = db.session().scalar(
        select(PayoutLeg.id)
        .where(
            PayoutLeg.payment_id == leg.payment_id,
            PayoutLeg.id != leg.id,
            PayoutLeg.state.in_(_UNDER_WAY) | (PayoutLeg.first_called_at > at - _ONE_AFTER_ANOTHER),
        )
        .limit(1)
    )
    return found is not None


def _pause(leg: PayoutLeg) -> timedelta:
    if leg.state == "abnormal":
        return _ASK_PEOPLES_WORK_EVERY
    return min(timedelta(seconds=15 * 2 ** min(leg.calls, 8)), _LONGEST_PAUSE)
