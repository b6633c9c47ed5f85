"""How the stories read a refusal, and how a worker comes by a past."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from sandbox.phone import Owner, Phone, Problem
from tests.house import House, somebody

MIN_FEN, MONTH_MAX_FEN = 44_820, 724_464
NOTE_OF_PLACEHOLDERS = "示意数据"


def refused(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Problem:
    """The problem that the call was answered with."""
    with pytest.raises(Problem) as found:
        call(*args, **kwargs)
    return found.value


def reasons_of(problem: Problem) -> list[tuple[str, str]]:
    """(clause, code) of every reason of a refusal."""
    return [(each["clause"], each["code"]) for each in problem.details["reasons"]]


def a_proved(house: House, owner: Owner | None = None) -> Phone:
    """The phone of somebody whose real name is proved, and no more."""
    phone = house.phone(owner)
    phone.log_in()
    phone.consent()
    phone.prove_identity()
    return phone


def a_saver(house: House, *deposits: tuple[str, int]) -> Phone:
    """The phone of a worker who joined on the first of these days and deposited on each."""
    (first_on, first_fen), *later = deposits
    house.at(first_on)
    phone = house.worker()
    house.deposit(phone, first_fen)
    for day, amount_fen in later:
        come_back(house, phone, day)
        house.deposit(phone, amount_fen)
    return phone


def come_back(house: House, phone: Phone, moment: str) -> None:
    """It is that moment, and the worker has opened the mini-program: a session lives 30 days."""
    house.at(moment)
    phone.log_in()


def cancel(phone: Phone, ordered: dict[str, Any]) -> dict[str, Any]:
    """The order was cancelled; answers its deposit."""
    return dict(phone.post(f"/v1/me/deposits/{ordered['deposit']['deposit_id']}/cancel"))


def id_of(ordered: dict[str, Any]) -> str:
    """The id of an order's deposit."""
    return str(ordered["deposit"]["deposit_id"])


def pay(phone: Phone, ordered: dict[str, Any], **how: Any) -> None:
    """The order is paid in WeChat's dialog, and WeChat tells nobody of it unless asked to."""
    phone.wechat.pay(ordered["payment_parameters"], **{"notify": False, **how})


def balance_of(phone: Phone) -> int:
    """What the account shows."""
    return int(phone.get("/v1/me/account")["flexible_fen"])


def second_phone(house: House, phone: Phone) -> Phone:
    """Another phone on which the same person has logged in with the same WeChat."""
    other = Phone(house.api, house.sandbox, phone.owner)
    other.wechat = phone.wechat
    other.log_in()
    return other


def somebody_ending_in_x() -> Owner:
    """A person whose ID number ends in X."""
    return next(owner for _ in count() if (owner := somebody()).id_number.endswith("X"))


def typing(owner: Owner, **typed: str) -> Owner:
    """The same person, who types something else than what stands on his card."""
    return replace(owner, **typed)


def published(phone: Phone) -> dict[str, Any]:
    """The figures of the published rules, path to value; nobody has to log in for them."""
    figures = phone.get("/v1/public/policy")["figures"]
    return {each["path"]: each["value"] for each in figures}
