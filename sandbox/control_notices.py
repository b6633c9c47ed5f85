"""/sandbox: notices of refunds and transfers in any state of repair, and none on its way."""

import json
import threading
import time
from dataclasses import replace
from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue

from sandbox.asked import Refused, asked_body
from sandbox.catching_up import catch_up
from sandbox.notices import (
    REFUND,
    TRANSFER,
    Told,
    new_notice_id,
    notice_headers,
    notice_of,
    sealed_notice,
)
from sandbox.world import this_world

control_notices = Blueprint("control_notices", __name__, url_prefix="/sandbox/notices")

_SETTLE_WITHIN_S = 20.0
_LOOK_EVERY_S = 0.02


@control_notices.post("/settle")
def settle() -> ResponseReturnValue:
    """Every notice that was due has been sent once and answered, or 20 s have passed."""
    world = this_world()
    until = time.monotonic() + _SETTLE_WITHIN_S
    nobody = threading.Event()
    while True:
        with world.books.open() as db:
            catch_up(db, world)
            row = db.execute(
                "SELECT count(*) AS n FROM notice WHERE is_in_flight = 1 OR due_s <= ?",
                (world.clock.now_s(),),
            ).fetchone()
        if not row["n"] or time.monotonic() > until:
            return {"on_their_way": row["n"]}
        world.courier.wake()
        nobody.wait(_LOOK_EVERY_S)


@control_notices.post("/<kind>/<number>")
def ready_notice(kind: str, number: str) -> ResponseReturnValue:
    """The last notice about a refund or transfer, rightly signed, is answered and not sent.

    `overrides` change what it tells, by dotted name; without `same_id` it is another notice.
    """
    asked = asked_body(required={}, optional={"overrides": dict, "same_id": bool})
    if kind not in (REFUND, TRANSFER):
        raise Refused(404, "kind-unknown", f"it is {REFUND} or {TRANSFER}")
    world = this_world()
    at_s = world.clock.now_s()
    with world.books.open() as db:
        catch_up(db, world)
        notice = notice_of(db, kind, number)
    if notice is None:
        raise Refused(409, "no-notice", "it has not ended, or no address was named")
    told = _told(kind, number, json.loads(notice["body"]))
    told = replace(told, facts=_overridden(told.facts, asked.get("overrides", {})))
    notice_id = notice["id"] if asked.get("same_id", True) else new_notice_id()
    body = sealed_notice(world.identity, told, notice_id=notice_id, at_s=at_s)
    headers = notice_headers(world.identity, body, at_s=at_s)
    return {"headers": headers, "body": body.decode()}


def _told(kind: str, number: str, outer: dict[str, Any]) -> Told:
    resource = outer["resource"]
    facts = this_world().identity.decrypt(
        resource["ciphertext"],
        nonce=resource["nonce"],
        associated_data=resource["associated_data"],
    )
    return Told(
        about_kind=kind,
        about_no=number,
        event_type=outer["event_type"],
        original_type=resource["original_type"],
        summary=outer["summary"],
        facts=json.loads(facts),
        url="",
    )


def _overridden(facts: dict[str, Any], overrides: dict[str, Any]) -> dict[str, Any]:
    for name, value in overrides.items():
        *above, last = name.split(".")
        place = facts[above[0]] if above else facts
        if last not in place:
            raise Refused(400, "override-unknown", f"{name!r} is nothing it tells")
        place[last] = value
    return facts
