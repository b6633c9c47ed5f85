"""Everything one running sandbox holds, within reach of its views."""

import threading
from dataclasses import dataclass, field

from flask import Flask, current_app

from sandbox.books import Books
from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.identity import Identity
from sandbox.notices import Courier
from sandbox.pusher import Pusher

_KEY = "sandbox-world"


@dataclass(frozen=True)
class World:
    """One sandbox: who it is, what it remembers, what time it is and what is broken."""

    identity: Identity
    books: Books
    clock: Clock
    faults: Faults
    courier: Courier
    pusher: Pusher
    notify_default: str
    stopping: threading.Event = field(default_factory=threading.Event)

    def close(self) -> None:
        """Nothing of this sandbox runs any more and its books are closed."""
        self.stopping.set()
        self.courier.close()
        self.pusher.close()
        self.books.close()


def attach(app: Flask, world: World) -> None:
    """The views of `app` find `world`."""
    app.extensions[_KEY] = world


def world_of(app: Flask) -> World:
    """The world of `app` is returned."""
    found = app.extensions[_KEY]
    if not isinstance(found, World):
        raise TypeError("not a sandbox")
    return found


def this_world() -> World:
    """The world of the request being served is returned."""
    return world_of(current_app)
