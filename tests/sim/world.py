"""The little world of a simulation: its people, what they hold in hand, and its one chance.

A plain generator of weighted operations, and not hypothesis: a run is meant to be as long as asked
for (its value grows with the length of one history, where hypothesis prefers many short ones), its
trace has to be the same wherever it runs, and a failure is not shrunk but walked to again by its
seed.

Everything that happens is drawn from one `random.Random(seed)`. The trace names people and things
by their place in a list, never by an id, and holds no time: its hash is the run's fingerprint.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

import requests
from sqlalchemy import select

from app.models import Notice, PaymentCase, PaymentOrder, PayoutLeg
from sandbox.desk import Desk
from sandbox.phone import Phone, Problem
from tests.house import STARTS_AT, House
from tests.office import back, seated
from tests.proposals import person_id_of
from tests.short_cuts import Worker, a_phone
from tests.sim.one_thread import Killed, OneThread

T = TypeVar("T")
Outcome = str | Mapping[str, int]
_STAYS_SIGNED_IN = timedelta(minutes=4)


@dataclass
class Payer:
    """A worker with his phone."""

    index: int
    phone: Phone
    worker: Worker
    person_id: str


@dataclass
class Ticket:
    """A deposit as its payer holds it: the key it was asked for with, and what came back."""

    index: int
    payer: Payer
    key: str
    amount_fen: int
    deposit_id: str = ""
    parameters: dict[str, str] | None = None


@dataclass
class Paid:
    """A payment WeChat took."""

    index: int
    out_trade_no: str
    transaction_id: str
    amount_fen: int
    is_stray: bool


@dataclass
class Happened:
    """What a run has seen so far."""

    histogram: Counter[tuple[str, str]] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    operations: int = 0
    checks: int = 0


class Sim:
    """One run: chance, the house in one thread, and the lists things are named by."""

    def __init__(self, house: House, seed: int) -> None:
        self.house, self.rng = house, random.Random(seed)
        self.inside = OneThread(house, STARTS_AT)
        self.payers: list[Payer] = []
        self.tickets: list[Ticket] = []
        self.paid: list[Paid] = []
        self.kept: list[tuple[int, dict[str, Any]]] = []
        self.waiting: list[dict[str, Any]] = []
        self.desks: dict[str, Desk] = {}
        self._decks: dict[str, list[int]] = {}
        self._since: dict[str, datetime] = {}
        self.happened = Happened()
        self.in_force: dict[str, int] = {}
        self.last: deque[str] = deque(maxlen=30)
        self._hash = hashlib.sha256()

    # --- chance ---

    def chance(self, share: float) -> bool:
        """True in this share of cases."""
        return self.rng.random() < share

    def recent(self, among: Sequence[T]) -> T | None:
        """Mostly one of the newest, sometimes any; None where there is none."""
        if not among:
            return None
        return self.rng.choice(among[-15:] if self.chance(0.8) else among)

    def deal(self, name: str, among: Sequence[T]) -> T:
        """One of them, and none a second time before each had its turn."""
        deck = self._decks.setdefault(name, [])
        if not deck:
            deck += self.rng.sample(range(len(among)), len(among))
        return among[deck.pop()]

    # --- people ---

    def new_payer(self) -> Payer:
        """Somebody who may deposit from now on."""
        phone, worker = a_phone(self.house)
        payer = Payer(len(self.payers), phone, worker, person_id_of(self.house, phone.owner))
        self.payers.append(payer)
        return payer

    def desk(self, role: str) -> Desk:
        """Somebody in this role, who has signed in just now."""
        now = self.inside.clock.at
        if role not in self.desks:
            self.desks[role] = seated(self.house, role)
        elif now - self._since[role] >= _STAYS_SIGNED_IN:
            back(self.house, self.desks[role])
        else:
            return self.desks[role]
        self._since[role] = now
        return self.desks[role]

    # --- WeChat ---

    def play(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """What WeChat's side does when asked; raises `requests.HTTPError`."""
        return self.inside.control("POST", path, body or {})

    def arrange(self, path: str, /, **how: Any) -> Any:
        """How WeChat's side is to behave from now on."""
        return self.inside.control("PUT", path, how)

    def tell(self, notice: dict[str, Any]) -> str:
        """A notice reached the service; its status and what the inbox says of it."""
        status = self.inside.send_notice(notice)
        if status != 204:
            return str(status)
        query = select(Notice.outcome).order_by(Notice.id.desc()).limit(1)
        return f"204 {self.house.rows(query)[0][0]}"

    # --- the trace ---

    def attempt(self, name: str, act: Any) -> None:
        """The operation happened, whatever came of it, and stands in the trace."""
        try:
            arguments, outcome = act(self)
        except Problem as problem:
            arguments, outcome = (), _words(problem.status, problem.kind, problem.details)
        except requests.HTTPError as error:
            arguments, outcome = (), _refusal(error.response)
        except Killed:
            arguments, outcome = (), "killed"
            self.happened.faults["a process dies"] += 1
        self.record(name, arguments, outcome)

    def record(self, name: str, arguments: Sequence[object], outcome: Outcome) -> None:
        """A line more in the trace, and its outcome in the histogram."""
        said = outcome if isinstance(outcome, str) else str(sorted(outcome.items()))
        line = f"{name} {[str(each) for each in arguments]} {said}\n"
        self._hash.update(line.encode())
        self.last.append(line)
        if isinstance(outcome, str):
            self.happened.histogram[name, outcome] += 1
        else:
            for word, count in (outcome or {"nothing to do": 1}).items():
                self.happened.histogram[name, word] += count

    @property
    def trace_hash(self) -> str:
        """The fingerprint of everything that happened so far."""
        return self._hash.hexdigest()

    # --- what was reached ---

    def look_around(self) -> None:
        """The states in which things stand now are among those reached."""
        open_legs = PayoutLeg.state.not_in(("succeeded", "failed"))
        for what, query in {
            "leg": select(PayoutLeg.channel, PayoutLeg.state).where(open_legs).distinct(),
            "order": select(PaymentOrder.state)
            .where(PaymentOrder.state.in_(("created", "prepaid")))
            .distinct(),
        }.items():
            for row in self.house.rows(query):
                self.happened.states[" ".join((what, *row))] += 1

    def look_back(self) -> None:
        """The ends at which things have arrived are among the states reached."""
        for what, columns in {
            "leg": (PayoutLeg.channel, PayoutLeg.state),
            "order": (PaymentOrder.state,),
            "case": (PaymentCase.kind, PaymentCase.resolution),
        }.items():
            for row in self.house.rows(select(*columns).distinct()):
                words = (str(each or "open") for each in row)
                self.happened.states[" ".join((what, *words))] += 1


def _refusal(response: Any) -> str:
    return _words(response.status_code, "", response.json())


def _words(status: int, kind: str, details: Mapping[str, Any]) -> str:
    fields = "+".join(sorted(details.get("errors", ())))
    reasons = "+".join(sorted(each.get("code", "") for each in details.get("reasons", ())))
    words = (str(status), kind or str(details.get("error", "")), fields, reasons)
    return " ".join(word for word in words if word)
