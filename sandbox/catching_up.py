"""What fell due since somebody last looked is brought about before anything is read."""

import sqlite3

from sandbox.purse import settle_due
from sandbox.refund_facts import finish_due
from sandbox.transfers import Look, end_due
from sandbox.world import World


def catch_up(db: sqlite3.Connection, world: World) -> None:
    """What was due on its own is brought about and past days settled, in that order.

    Money of a closed refund came back before the night's settlement, which has to find it.
    """
    at_s = world.clock.now_s()
    send = not world.faults.is_on("no_notice")
    bring_about(db, Look(world.identity, at_s, send))
    settle_due(db, at_s=at_s)


def bring_about(db: sqlite3.Connection, look: Look) -> None:
    """Refunds that were due are finished, and transfers nobody confirmed or wants are ended."""
    finish_due(db, identity=look.identity, at_s=look.at_s, send=look.send)
    end_due(db, look)
