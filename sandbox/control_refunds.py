"""/sandbox: what becomes of refunds, and their notices once more."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from sandbox.asked import Refused, asked_body
from sandbox.books_platform import write_setting
from sandbox.catching_up import catch_up
from sandbox.notices import REFUND, notice_of
from sandbox.refund_facts import refund_facts, tell
from sandbox.refunds import (
    OUTCOME,
    OUTCOMES,
    TAKES_S,
    finish,
    planned_outcome,
    planned_takes_s,
    refund_by_no,
)
from sandbox.world import this_world

control_refunds = Blueprint("control_refunds", __name__, url_prefix="/sandbox/refunds")

COPIES_MAX = 1000
TAKES_S_MAX = 30 * 86400


@control_refunds.put("/plan")
def set_plan() -> ResponseReturnValue:
    """Coming refunds end like that, so many seconds after they were accepted."""
    asked = asked_body(required={}, optional={"outcome": str, "takes_s": int})
    if not 0 <= asked.get("takes_s", 0) <= TAKES_S_MAX:
        raise Refused(400, "field-wrong", f"'takes_s' must be 0 to {TAKES_S_MAX}")
    with this_world().books.open() as db:
        if "outcome" in asked:
            write_setting(db, OUTCOME, _known_outcome(asked["outcome"]))
        if "takes_s" in asked:
            write_setting(db, TAKES_S, asked["takes_s"])
        return {"outcome": planned_outcome(db), "takes_s": planned_takes_s(db)}


@control_refunds.post("/<out_refund_no>/finish")
def finish_now(out_refund_no: str) -> ResponseReturnValue:
    """The refund has ended like that now, and its notice is on its way."""
    asked = asked_body(required={"outcome": str}, optional={})
    outcome = _known_outcome(asked["outcome"])
    world = this_world()
    at_s = world.clock.now_s()
    send = not world.faults.is_on("no_notice")
    with world.books.open() as db:
        catch_up(db, world)
        refund = refund_by_no(db, out_refund_no)
        if refund is None:
            raise Refused(404, "refund-unknown", "the merchant never asked for this refund")
        # An abnormal refund may still arrive or be given up.
        if refund.status not in {"PROCESSING", "ABNORMAL"} or refund.status == outcome:
            raise Refused(409, "refund-finished", f"it is {refund.status}")
        finish(db, refund, outcome=outcome, at_s=at_s)
        tell(db, out_refund_no, identity=world.identity, at_s=at_s, send=send)
        found = refund_by_no(db, out_refund_no) or refund
        facts = refund_facts(db, found)
    world.courier.wake()
    return facts


@control_refunds.post("/<out_refund_no>/resend")
def resend(out_refund_no: str) -> ResponseReturnValue:
    """The refund's last notice has been sent `copies` times, one after another, freshly signed."""
    copies = asked_body(required={}, optional={"copies": int}).get("copies", 1)
    if not 1 <= copies <= COPIES_MAX:
        raise Refused(400, "field-wrong", f"'copies' must be 1 to {COPIES_MAX}")
    world = this_world()
    with world.books.open() as db:
        catch_up(db, world)
        notice = notice_of(db, REFUND, out_refund_no)
    if notice is None:
        raise Refused(409, "no-notice", "this refund has no notice, or not yet")
    return {"statuses": [world.courier.send(notice["id"]) for _ in range(copies)]}


def _known_outcome(outcome: str) -> str:
    if outcome not in OUTCOMES:
        raise Refused(400, "field-wrong", f"'outcome' must be one of {sorted(OUTCOMES)}")
    return outcome
