"""Money going back: what people at the centre decide, and what becomes of it at WeChat."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from app.models import PaymentCase, PayoutLeg
from tests.sim.paying_in import NOTHING, Done
from tests.sim.world import Sim

OUTCOMES = ("SUCCESS", "SUCCESS", "SUCCESS", "ABNORMAL", "CLOSED")
PATHS = (
    ["WAIT_USER_CONFIRM"],
    ["WAIT_USER_CONFIRM", "TRANSFERING"],
    ["WAIT_USER_CONFIRM", "TRANSFERING", "SUCCESS"],
    ["PROCESSING", "WAIT_USER_CONFIRM"],
    ["ACCEPTED", "PROCESSING", "WAIT_USER_CONFIRM", "TRANSFERING", "FAIL"],
    ["ACCEPTED", "PROCESSING"],
    ["PROCESSING", "FAIL"],
    ["PROCESSING", "SUCCESS"],
)
ABOUT_OTHER_MONEY: dict[str, tuple[dict[str, Any], ...]] = {
    "refund": (
        {"amount.refund": 7},
        {"amount.total": 7},
        {"transaction_id": "4200000000000000000000000000"},
        {"mchid": "1900000999"},
        {"refund_status": "WHATEVER"},
    ),
    "transfer": ({"transfer_amount": 7}, {"mch_id": "1900000999"}, {"state": "WHATEVER"}),
}


def withdraw(sim: Sim) -> Done:
    """A clerk proposes what a worker came to the counter for."""
    # The first comers have money older than a refund may be: it leaves by transfer.
    payer = sim.rng.choice(sim.payers[:12]) if sim.chance(0.5) else sim.recent(sim.payers)
    assert payer is not None
    amount_fen = sim.rng.choice((5_000, 20_000, 45_000, 130_000))
    clerk = sim.desk("counter-clerk")
    said = {"person_id": payer.person_id, "amount_fen": amount_fen}
    proposal = clerk.propose("counter-withdrawal", "本人申请提取", **said)
    return (payer.index, amount_fen), _perhaps_at_once(sim, proposal)


def give_back(sim: Sim) -> Done:
    """An accountant proposes to send suspended money back to its payer."""
    case = _open_case(sim, "suspended")
    if case is None:
        return NOTHING
    place, case_id = case
    proposal = sim.desk("accountant").propose("suspense-return", "非缴存款", case_id=case_id)
    return (place,), _perhaps_at_once(sim, proposal)


def explain(sim: Sim) -> Done:
    """Two people close the case of a payment that WeChat never knew."""
    known = {each.transaction_id for each in sim.paid}
    query = select(PaymentCase.public_id, PaymentCase.transaction_id).where(
        PaymentCase.kind == "unconfirmed", PaymentCase.resolved_at.is_(None)
    )
    found = [case for case, no in sim.house.rows(query.order_by(PaymentCase.id)) if no not in known]
    if not found:
        return NOTHING
    place = sim.rng.randrange(len(found))
    said = {"case_id": found[place]}
    proposal = sim.desk("accountant").propose("payment-case-explanation", "微信无此交易", **said)
    return (place,), _perhaps_at_once(sim, proposal)


def decide(sim: Sim) -> Done:
    """The reviewer decides what has waited for him."""
    if not sim.waiting:
        return NOTHING
    proposal = sim.waiting.pop(sim.rng.randrange(len(sim.waiting)))
    return (), _decided(sim, proposal)


def _perhaps_at_once(sim: Sim, proposal: dict[str, Any]) -> str:
    if sim.chance(0.3):
        sim.waiting.append(proposal)
        return "proposed"
    return _decided(sim, proposal)


def _decided(sim: Sim, proposal: dict[str, Any]) -> str:
    how = "approve" if sim.chance(0.9) else "reject"
    return str(sim.desk("reviewer").decide(proposal, how, "已核对")["state"])


def _open_case(sim: Sim, kind: str) -> tuple[int, str] | None:
    query = select(PaymentCase.public_id).where(
        PaymentCase.kind == kind, PaymentCase.resolved_at.is_(None)
    )
    found = sim.house.rows(query.order_by(PaymentCase.id.desc()).limit(20))
    if not found:
        return None
    place = sim.rng.randrange(len(found))
    return place, found[place][0]


# --- at WeChat ---


def plan_refunds(sim: Sim) -> Done:
    """Coming refunds end like that, after so long."""
    outcome, takes_s = sim.rng.choice(OUTCOMES), sim.rng.choice((0, 2, 600, 90_000))
    sim.arrange("refunds/plan", outcome=outcome, takes_s=takes_s)
    return (outcome, takes_s), "planned"


def finish_refund(sim: Sim) -> Done:
    """A refund on its way, or one nobody could take, ends after all."""
    leg = _leg(sim, "refund", ("processing", "abnormal", "unknown"))
    if leg is None:
        return NOTHING
    outcome = sim.rng.choice(OUTCOMES)
    sim.play(f"refunds/{leg[1]}/finish", {"outcome": outcome})
    return (leg[0], outcome), outcome


def plan_transfers(sim: Sim) -> Done:
    """Coming transfers go that way."""
    path = sim.rng.choice(PATHS)
    sim.arrange("transfers/plan", path=path)
    return tuple(path), "planned"


def confirm(sim: Sim) -> Done:
    """A payee looks at his payouts, and confirms the first that waits for him."""
    payer = sim.rng.choice(sim.payers[:12])
    legs = [leg for each in payer.phone.get("/v1/me/payouts") for leg in each["legs"]]
    to_confirm = [leg["confirmation"]["package"] for leg in legs if leg["confirmation"]]
    if not to_confirm:
        return (payer.index,), "nothing to confirm"
    query = select(PayoutLeg.provider_no, PayoutLeg.package_info).where(
        PayoutLeg.state == "waiting-for-payee"
    )
    numbers = {info: number for number, info in sim.house.rows(query)}
    path = f"users/{payer.phone.wechat.user_id}/transfers/{numbers[to_confirm[-1]]}/confirm"
    return (payer.index,), str(sim.play(path, {"package_info": to_confirm[-1]})["state"])


def finish_transfer(sim: Sim) -> Done:
    """A transfer on its way ends after all."""
    leg = _leg(sim, "transfer", ("processing", "unknown", "waiting-for-payee"))
    if leg is None:
        return NOTHING
    state = sim.rng.choice(("SUCCESS", "FAIL", "CANCELLED"))
    sim.play(f"transfers/{leg[1]}/finish", {"state": state})
    return (leg[0], state), state


def payout_notice(sim: Sim) -> Done:
    """WeChat tells how a refund or transfer ended: in time, again, or long after."""
    kind = sim.rng.choice(("refund", "transfer"))
    leg = _leg(sim, kind, None)
    if leg is None:
        return NOTHING
    same_id = sim.chance(0.6)
    told = sim.tell(sim.play(f"notices/{kind}/{leg[1]}", {"same_id": same_id}))
    return (kind, leg[0], same_id), told


def wrong_payout_notice(sim: Sim) -> Done:
    """A notice, rightly signed, tells of other money than what was sent."""
    kind = sim.rng.choice(("refund", "transfer"))
    leg = _leg(sim, kind, None)
    if leg is None:
        return NOTHING
    wrong = sim.deal(f"wrong {kind} notice", ABOUT_OTHER_MONEY[kind])
    how = {"overrides": wrong, "same_id": sim.chance(0.5)}
    told = sim.tell(sim.play(f"notices/{kind}/{leg[1]}", how))
    sim.happened.faults[f"{kind} notice: wrong {next(iter(wrong))}"] += 1
    return (kind, leg[0], *wrong), told


def top_up(sim: Sim) -> Done:
    """The centre pays money into one of its accounts at WeChat."""
    account = sim.rng.choice(("BASIC", "OPERATION", "OPERATION"))
    amount_fen = sim.rng.choice((10_000, 50_000, 300_000))
    sim.play("balances/top-up", {"account": account, "amount": amount_fen})
    return (account, amount_fen), "topped up"


def _leg(sim: Sim, channel: str, states: tuple[str, ...] | None) -> tuple[int, str] | None:
    query = select(PayoutLeg.provider_no).where(
        PayoutLeg.channel == channel, PayoutLeg.first_called_at.is_not(None)
    )
    if states is not None:
        query = query.where(PayoutLeg.state.in_(states))
    found = sim.house.rows(query.order_by(PayoutLeg.id.desc()).limit(15))
    if not found:
        return None
    place = sim.rng.randrange(len(found))
    return place, found[place][0]
