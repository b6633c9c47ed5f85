"""What payers do, and what WeChat tells of it: rightly, twice, late, wrongly, or somebody else."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from app.models import PaymentOrder
from sandbox.forgery import KINDS
from tests.sim.world import Outcome, Paid, Sim, Ticket

_AMOUNTS = (44_820, 44_820, 50_000, 50_000, 60_000, 60_000, 100_000, 44_815, 800_000)

Done = tuple[tuple[object, ...], Outcome]
NOTHING: Done = ((), "nothing to do")

# Every notice WeChat never sent: name -> what is changed in a notice that is signed all the same.
WRONG: dict[str, dict[str, Any]] = {
    "amount": {"amount_total": 44_821},
    "payer": {"payer_openid": "o-somebody-else"},
    "mchid": {"mchid": "1600000001"},
    "appid": {"appid": "wx0000000000000001"},
    "currency": {"currency": "USD"},
    "order": {"out_trade_no": "LC0000000000000000000000"},
}
FORGED = tuple(sorted(KINDS))


def somebody_joins(sim: Sim) -> Done:
    """One more who may deposit."""
    return (sim.new_payer().index,), "joined"


def order(sim: Sim) -> Done:
    """A payer orders a deposit; some amounts are none he may choose."""
    payer = sim.recent(sim.payers)
    assert payer is not None
    amount_fen = sim.rng.choice(_AMOUNTS)
    key = f"{sim.rng.getrandbits(96):024x}"
    ticket = Ticket(len(sim.tickets), payer, key, amount_fen + sim.rng.randint(0, 9))
    sim.tickets.append(ticket)
    return _ordered(ticket)


def order_again(sim: Sim) -> Done:
    """A phone that got no answer, or did, asks once more with the same key."""
    ticket = sim.recent(sim.tickets)
    return NOTHING if ticket is None else _ordered(ticket)


def order_otherwise(sim: Sim) -> Done:
    """A known key comes with another amount."""
    ticket = sim.recent(sim.tickets)
    if ticket is None:
        return NOTHING
    other = Ticket(ticket.index, ticket.payer, ticket.key, ticket.amount_fen + 1)
    return _ordered(other) if ticket.deposit_id else NOTHING


def _ordered(ticket: Ticket) -> Done:
    answer = ticket.payer.phone.order(ticket.amount_fen, key=ticket.key)
    ticket.deposit_id = answer["deposit"]["deposit_id"]
    ticket.parameters = answer["payment_parameters"]
    return (ticket.index,), f"201 {answer['deposit']['state']}"


def pay(sim: Sim) -> Done:
    """The payer pays, in time or not, or closes the dialog."""
    ready = [each for each in sim.tickets[-60:] if each.parameters]
    ticket = sim.recent(ready[-3:])
    if ticket is None or ticket.parameters is None:
        return NOTHING
    if sim.chance(0.06):
        sim.play(f"users/{ticket.payer.phone.wechat.user_id}/cancel")
        return (ticket.index,), "dismissed"
    parameters, ticket.parameters = ticket.parameters, None
    paid = ticket.payer.phone.wechat.pay(parameters, notify=False)
    _came_in(sim, paid, ticket.amount_fen, is_stray=False)
    return (ticket.index,), "paid"


def cancel(sim: Sim) -> Done:
    """The payer cancels an order in the mini-program."""
    ticket = sim.recent([each for each in sim.tickets[-60:] if each.deposit_id])
    if ticket is None:
        return NOTHING
    done = ticket.payer.phone.post(f"/v1/me/deposits/{ticket.deposit_id}/cancel")
    return (ticket.index,), f"200 {done['state']}"


def settle(sim: Sim) -> Done:
    """The payer's phone asks how his deposit stands."""
    ticket = sim.recent([each for each in sim.tickets[-60:] if each.deposit_id])
    if ticket is None:
        return NOTHING
    return (ticket.index,), f"200 {ticket.payer.phone.settle(ticket.deposit_id)['state']}"


def stray(sim: Sim) -> Done:
    """Somebody pays what no order explains, or to the number of an order WeChat never got."""
    payer = sim.recent(sim.payers)
    assert payer is not None
    amount_fen = sim.rng.randint(1, 90_000)
    asked = {"openid": payer.phone.wechat.openid, "amount": amount_fen, "notify": False}
    if sim.chance(0.4):
        query = select(PaymentOrder.out_trade_no).where(PaymentOrder.state == "created")
        unplaced = [no for (no,) in sim.house.rows(query.order_by(PaymentOrder.id))]
        if unplaced:
            asked["out_trade_no"] = sim.rng.choice(unplaced)
    _came_in(sim, sim.play("stray-payments", asked), amount_fen, is_stray=True)
    return (payer.index, amount_fen), "to an order" if "out_trade_no" in asked else "to no order"


def _came_in(sim: Sim, paid: dict[str, Any], amount_fen: int, *, is_stray: bool) -> None:
    numbers = paid["out_trade_no"], paid["transaction_id"]
    sim.paid.append(Paid(len(sim.paid), *numbers, amount_fen, is_stray))


# --- notices ---


def notice(sim: Sim) -> Done:
    """WeChat tells of a payment: for the first time, again, long after, or out of order."""
    paid = sim.recent(sim.paid)
    if paid is None:
        return NOTHING
    same_id = sim.chance(0.7)
    return (paid.index, same_id), sim.tell(_notice(sim, paid, same_id=same_id))


def wrong_notice(sim: Sim) -> Done:
    """A notice, rightly signed, tells of another payment than the one that was made."""
    paid = sim.recent(sim.paid)
    if paid is None:
        return NOTHING
    wrong = sim.deal("wrong notice", sorted(WRONG))
    same_id = sim.chance(0.5)
    told = sim.tell(_notice(sim, paid, same_id=same_id, overrides=WRONG[wrong]))
    sim.happened.faults[f"notice: wrong {wrong}"] += 1
    return (paid.index, wrong, same_id), told


def unknown_notice(sim: Sim) -> Done:
    """A notice, rightly signed, tells of a payment that WeChat itself does not know."""
    paid = sim.recent(sim.paid)
    if paid is None:
        return NOTHING
    overrides = {"transaction_id": f"4200{sim.rng.getrandbits(64):024d}", "amount_total": 1}
    told = sim.tell(_notice(sim, paid, same_id=False, overrides=overrides))
    sim.happened.faults["notice: of a payment nobody made"] += 1
    return (paid.index,), told


def forged_notice(sim: Sim) -> Done:
    """Somebody else tells of a payment: made, or only ordered."""
    known = [each.out_trade_no for each in sim.paid[-20:]]
    if not known:
        return NOTHING
    place, kind = sim.rng.randrange(len(known)), sim.deal("forged notice", FORGED)
    forged = sim.play(f"orders/{known[place]}/forge?send=false", {"kind": kind})
    sim.happened.faults[f"notice: forged ({kind})"] += 1
    return (place, kind), str(sim.inside.send_notice(forged))


def keep_notice(sim: Sim) -> Done:
    """A notice leaves WeChat and is a while on its way."""
    paid = sim.recent(sim.paid)
    if paid is None:
        return NOTHING
    sim.kept.append((paid.index, _notice(sim, paid, same_id=True)))
    return (paid.index,), "on its way"


def late_notice(sim: Sim) -> Done:
    """A notice that was on its way arrives, perhaps too old to be believed."""
    if not sim.kept:
        return NOTHING
    index, kept = sim.kept.pop(sim.rng.randrange(len(sim.kept)))
    told = sim.tell(kept)
    sim.happened.faults["notice: stale" if told == "401" else "notice: out of order"] += 1
    return (index,), told


def _notice(sim: Sim, paid: Paid, **how: Any) -> dict[str, Any]:
    return dict(sim.play(f"orders/{paid.out_trade_no}/notice", how))
