"""A policy as a document: TOML in, every problem named at once, canonical JSON and hash out.

A figure is a table {value, unit, clause, provenance, source}. The canonical JSON is what is stored
and hashed; `policy_from_canonical` reads it back to the same `Policy`. No float passes: a
coefficient is written as text ("0.60"), an amount as whole fen.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NoReturn

from app.rules.clauses import CLAUSES
from app.rules.documents import DocumentUnreadable, is_storable, read_toml
from app.rules.policy import (
    DepositPolicy,
    EligibilityPolicy,
    Figure,
    Policy,
    PolicyInvalid,
    QuotaPolicy,
    ServicePolicy,
)
from app.rules.policy_values import SECTIONS, Unreadable, problems_between

_HEAD = ("code", "title", "effective_on")
_FIGURE_KEYS = ("value", "unit", "clause", "provenance", "source")
_PROVENANCES = ("official", "press", "placeholder")
_LONGEST_TEXT = 500
_NO_POLICY_TEXT = "the document cannot be read: {reason}"


@dataclass(frozen=True, slots=True)
class PolicyDocument:
    """One valid policy with the exact text that is stored and its hash."""

    code: str
    title: str
    effective_on: date
    canonical: str
    """Canonical JSON: sorted keys, no blanks, no floats, Chinese unescaped."""
    sha256: str
    """Of the canonical text in UTF-8, lower-case hex."""
    policy: Policy


def load_policy(toml_text: str) -> PolicyDocument:
    """The policy written in `toml_text`, valid and hashed; else `PolicyInvalid`."""
    try:
        raw = read_toml(toml_text)
    except DocumentUnreadable as error:
        raise PolicyInvalid((_NO_POLICY_TEXT.format(reason=error),)) from error
    policy = _policy_of(raw)
    canonical = _canonical_of(raw)
    return PolicyDocument(
        code=policy.code,
        title=policy.title,
        effective_on=policy.effective_on,
        canonical=canonical,
        sha256=hashlib.sha256(canonical.encode()).hexdigest(),
        policy=policy,
    )


def policy_from_canonical(canonical: str) -> Policy:
    """The policy stored as canonical JSON, validated again; else `PolicyInvalid`."""
    try:
        raw = json.loads(canonical, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise PolicyInvalid((_NO_POLICY_TEXT.format(reason=error),)) from error
    if not isinstance(raw, dict):
        raise PolicyInvalid(("the document is not an object",))
    if isinstance(raw.get("effective_on"), str):
        try:
            raw["effective_on"] = date.fromisoformat(raw["effective_on"])
        except ValueError:
            raise PolicyInvalid(("effective_on: not a day",)) from None
    return _policy_of(raw)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no figure")


def _canonical_of(raw: dict[str, Any]) -> str:
    document = raw | {"effective_on": raw["effective_on"].isoformat()}
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _policy_of(raw: dict[str, Any]) -> Policy:
    problems = _head_problems(raw)
    figures: list[Figure] = []
    read: dict[str, dict[str, Any]] = {}
    for section in SECTIONS:
        if section in raw:
            read[section] = _section_values(section, raw[section], figures, problems)
    if not read:
        problems.append("the document has no section")
    if not problems:
        problems += problems_between(read)
    if problems:
        raise PolicyInvalid(tuple(problems))
    return Policy(
        code=raw["code"],
        title=raw["title"],
        effective_on=raw["effective_on"],
        figures=tuple(figures),
        eligibility_section=(
            EligibilityPolicy(**read["eligibility"]) if "eligibility" in read else None
        ),
        deposit_section=DepositPolicy(**read["deposit"]) if "deposit" in read else None,
        quota_section=QuotaPolicy(**read["quota"]) if "quota" in read else None,
        service_section=ServicePolicy(**read["service"]) if "service" in read else None,
    )


def _head_problems(raw: dict[str, Any]) -> list[str]:
    problems = [f"{key}: unknown key" for key in raw if key not in _HEAD and key not in SECTIONS]
    for key in ("code", "title"):
        if not _is_text(raw.get(key)):
            problems.append(f"{key}: must be text")
    day = raw.get("effective_on")
    if not isinstance(day, date) or isinstance(day, datetime):
        problems.append("effective_on: must be a day")
    return problems


def _section_values(
    section: str, table: object, figures: list[Figure], problems: list[str]
) -> dict[str, Any]:
    """The typed values of a section; each figure and each problem is added to its list."""
    if not isinstance(table, dict):
        problems.append(f"{section}: must be a table")
        return {}
    specs = SECTIONS[section]
    problems += [f"{section}.{key}: unknown key" for key in table if key not in specs]
    values: dict[str, Any] = {}
    for name, (unit, read) in specs.items():
        path = f"{section}.{name}"
        found = _figure_problems(path, table.get(name), unit)
        problems += found
        if found:
            continue
        entry = table[name]
        try:
            values[name] = read(entry["value"])
        except Unreadable as error:
            problems.append(f"{path}: {error}")
            continue
        figures.append(Figure(path, values[name], *(entry[key] for key in _FIGURE_KEYS[1:])))
    return values


def _figure_problems(path: str, entry: object, unit: str) -> list[str]:
    if entry is None:
        return [f"{path}: missing"]
    if not isinstance(entry, dict):
        return [f"{path}: must be a table with {', '.join(_FIGURE_KEYS)}"]
    problems = [f"{path}.{key}: unknown key" for key in entry if key not in _FIGURE_KEYS]
    problems += [f"{path}.{key}: missing" for key in _FIGURE_KEYS if key not in entry]
    if "unit" in entry and entry["unit"] != unit:
        problems.append(f'{path}.unit: must be "{unit}"')
    if "clause" in entry and (not _is_text(entry["clause"]) or entry["clause"] not in CLAUSES):
        problems.append(f"{path}.clause: no such clause")
    if "provenance" in entry and entry["provenance"] not in _PROVENANCES:
        problems.append(f"{path}.provenance: must be one of {', '.join(_PROVENANCES)}")
    if "source" in entry and not _is_text(entry["source"]):
        problems.append(f"{path}.source: must be text")
    return problems


def _is_text(value: object) -> bool:
    return isinstance(value, str) and is_storable(value, longest=_LONGEST_TEXT)
