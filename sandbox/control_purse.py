"""/sandbox: the merchant's money, as the merchant's accountant and the bank see it."""

import secrets
import sqlite3
from dataclasses import asdict

from flask import Blueprint
from flask.typing import ResponseReturnValue

from sandbox.asked import Refused, asked_body
from sandbox.books_platform import read_setting, write_setting
from sandbox.catching_up import catch_up
from sandbox.clock import rfc3339
from sandbox.prepay_form import TOTAL_MAX_FEN
from sandbox.purse import (
    BASIC,
    BP,
    FEE_RATE_BP,
    OPERATION,
    RETAINED_FEN,
    TOPPED_UP,
    Reason,
    balances,
    put,
    settlements,
)
from sandbox.world import this_world

control_purse = Blueprint("control_purse", __name__, url_prefix="/sandbox")

_MOST = {FEE_RATE_BP: BP, RETAINED_FEN: TOTAL_MAX_FEN}


@control_purse.get("/balances")
def read_balances() -> ResponseReturnValue:
    """What lies where is answered."""
    world = this_world()
    with world.books.open() as db:
        catch_up(db, world)
        return dict(balances(db, at_s=world.clock.now_s()))


@control_purse.get("/settlements")
def read_settlements() -> ResponseReturnValue:
    """What every past day brought to the bank is answered."""
    world = this_world()
    with world.books.open() as db:
        catch_up(db, world)
        found = settlements(db, at_s=world.clock.now_s())
    return {"settlements": [asdict(each) | {"at": rfc3339(each.at_s)} for each in found]}


@control_purse.post("/balances/top-up")
def top_up() -> ResponseReturnValue:
    """The merchant has paid so much into the account; what lies where now is answered."""
    asked = asked_body(required={"account": str, "amount": int}, optional={})
    if asked["account"] not in (BASIC, OPERATION):
        raise Refused(400, "field-wrong", f"'account' must be {BASIC} or {OPERATION}")
    if not 1 <= asked["amount"] <= TOTAL_MAX_FEN:
        raise Refused(400, "field-wrong", f"'amount' must be 1 to {TOTAL_MAX_FEN} fen")
    world = this_world()
    number = f"8{secrets.randbelow(10**21):021d}"
    with world.books.open() as db:
        catch_up(db, world)
        put(
            db, asked["account"], fen=asked["amount"], at_s=world.clock.now_s(),
            reason=Reason(number, TOPPED_UP, TOPPED_UP, number),
        )  # fmt: skip
    return read_balances()


@control_purse.put("/merchant")
def set_merchant() -> ResponseReturnValue:
    """Coming payments bear that fee, in basis points; coming settlements leave that much."""
    asked = asked_body(required={}, optional={FEE_RATE_BP: int, RETAINED_FEN: int})
    for name, value in asked.items():
        if not 0 <= value <= _MOST[name]:
            raise Refused(400, "field-wrong", f"'{name}' must be 0 to {_MOST[name]}")
    world = this_world()
    with world.books.open() as db:
        # Nights gone by are settled as the merchant had it then.
        catch_up(db, world)
        for name, value in asked.items():
            write_setting(db, name, value)
        return dict(_merchant(db))


def _merchant(db: sqlite3.Connection) -> dict[str, int]:
    return {name: read_setting(db, name) or 0 for name in (FEE_RATE_BP, RETAINED_FEN)}
