"""Who may do what: roles, what they may call, and who decides which action (`duties.toml`).

Deny by default: what the file does not allow is refused. A member of staff belongs to one district
or to the centre, and sees his own; the centre sees every district (O.1).
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CENTRE = "centre"
_FILE = Path(__file__).with_name("duties.toml")


@dataclass(frozen=True, slots=True)
class Route:
    """Which roles may call a route, and whether they must have just proved who they are."""

    roles: frozenset[str]
    fresh: bool


@dataclass(frozen=True, slots=True)
class Action:
    """An act that two people do: its name, who may propose it and who may decide it."""

    name: str
    makers: frozenset[str]
    checkers: frozenset[str]


def sees(district: str, other: str) -> bool:
    """Whether staff of a district sees what belongs to another: his own, or all at the centre."""
    return district in (CENTRE, other)


def submit_route(action: str) -> str:
    """The route over which an action is proposed."""
    return f"POST /v1/staff/approvals/{action}"


def _roles_of(entry: Mapping[str, Any], where: str) -> frozenset[str]:
    named = frozenset(ROLES) if entry["roles"] == "all" else frozenset(entry["roles"])
    unknown = named - ROLES.keys()
    if unknown or not named:
        raise ValueError(f"{_FILE.name}: {where}: unknown roles {sorted(unknown)}")
    return named


_raw = tomllib.loads(_FILE.read_text("utf-8"))
ROLES: Mapping[str, str] = _raw["roles"]
"""Role -> its Chinese name."""
ROUTES: Mapping[str, Route] = {
    route: Route(_roles_of(entry, route), entry.get("fresh", False))
    for route, entry in _raw["routes"].items()
}
"""`METHOD /path/<argument>` -> who may call it."""
ACTIONS: Mapping[str, Action] = {
    name: Action(
        name=entry["name"],
        makers=ROUTES[submit_route(name)].roles,
        checkers=_roles_of({"roles": entry["checkers"]}, name),
    )
    for name, entry in _raw["actions"].items()
}
"""Action -> who proposes and who decides."""


def may_call(role: str, route: str) -> bool:
    """Whether the role may call the route; nobody may call one that is not in the file."""
    return route in ROUTES and role in ROUTES[route].roles


def actions_seen_by(role: str) -> frozenset[str]:
    """The actions whose approvals a role may read: those it takes part in; an auditor all."""
    if role == "auditor":
        return frozenset(ACTIONS)
    return frozenset(
        name for name, each in ACTIONS.items() if role in each.makers or role in each.checkers
    )
