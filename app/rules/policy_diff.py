"""Two policies compared sentence by sentence, and what of one policy nobody has decided yet.

What a second person approves is read here: every figure whose value, clause, provenance or source
is another, so that nothing in a policy changes unseen.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from app.rules.policy import Figure, Policy
from app.rules.policy_values import SECTIONS
from app.rules.policy_words import (
    NAMES,
    PROVENANCES,
    clause_in_words,
    difference,
    plain,
    value_in_words,
)

HEAD = "head"
"""The path of the change of code, title or effective day."""
_HEAD_NAME = "政策版本"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is another in the later policy, ready to be read."""

    path: str
    """Section and field, "quota.cap_fen"; `HEAD` for code, title and effective day."""
    name: str
    clause: str | None
    """The clause it rests on in the later policy; None for the head."""
    before: str | None
    """The value in words, None if it was not there; the same as `after` if the value stays."""
    after: str | None
    """The value in words, None if it is there no longer."""
    sentence: str
    """The whole change in Chinese."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """One figure nobody has decided: what it is, what stands in for it, and why that."""

    path: str
    name: str
    clause: str
    value: str
    """In words, with its unit."""
    source: str


def changes(before: Policy, after: Policy) -> tuple[Change, ...]:
    """Everything that differs, the head first, then figures in the order of the sections.

    A coefficient written with more zeros is the same coefficient.
    """
    return (*_head_changes(before, after), *_figure_changes(before, after))


def unknowns(policy: Policy) -> tuple[Unknown, ...]:
    """The figures of the policy that are placeholders, in the order of the sections."""
    return tuple(
        Unknown(
            path=figure.path,
            name=NAMES[figure.path],
            clause=figure.clause,
            value=value_in_words(figure),
            source=plain(figure.source),
        )
        for figure in policy.figures
        if figure.provenance == "placeholder"
    )


def _head_changes(before: Policy, after: Policy) -> Iterator[Change]:
    old, new = _titled(before), _titled(after)
    if (old, before.effective_on) == (new, after.effective_on):
        return
    if old == new:
        sentence = f"{new}的施行日期由 {before.effective_on} 改为 {after.effective_on}。"
    else:
        sentence = f"自{after.effective_on}起，{new}取代{old}。"
    yield Change(
        path=HEAD,
        name=_HEAD_NAME,
        clause=None,
        before=f"{old}，自{before.effective_on}起",
        after=f"{new}，自{after.effective_on}起",
        sentence=sentence,
    )


def _titled(policy: Policy) -> str:
    return f"《{plain(policy.title)}》（{plain(policy.code)}）"


def _figure_changes(before: Policy, after: Policy) -> Iterator[Change]:
    old = {figure.path: figure for figure in before.figures}
    new = {figure.path: figure for figure in after.figures}
    for path in (f"{section}.{name}" for section, specs in SECTIONS.items() for name in specs):
        was, becomes = old.get(path), new.get(path)
        if was and becomes:
            if was != becomes:
                yield _change(becomes, was, becomes, "；".join(_differences(was, becomes)))
        elif becomes:
            yield _change(becomes, None, becomes, _added(becomes))
        elif was:
            yield _change(was, was, None, f"取消，原为 {value_in_words(was)}")


def _change(standing: Figure, was: Figure | None, becomes: Figure | None, said: str) -> Change:
    name = NAMES[standing.path]
    return Change(
        path=standing.path,
        name=name,
        clause=standing.clause,
        before=value_in_words(was) if was else None,
        after=value_in_words(becomes) if becomes else None,
        sentence=f"{clause_in_words(standing.clause)} {name}：{said}。",
    )


def _added(figure: Figure) -> str:
    return (
        f"新增，为 {value_in_words(figure)}"
        f"（出处等级：{PROVENANCES[figure.provenance]}；出处：{plain(figure.source)}）"
    )


def _differences(was: Figure, becomes: Figure) -> Iterator[str]:
    if was.value != becomes.value:
        more = difference(was, becomes)
        moved = f"由 {value_in_words(was)} 调整为 {value_in_words(becomes)}"
        yield f"{moved}（{more}）" if more else moved
    if was.clause != becomes.clause:
        yield (f"依据条款由 {clause_in_words(was.clause)} 变为 {clause_in_words(becomes.clause)}")
    if was.provenance != becomes.provenance:
        yield f"出处等级由 {PROVENANCES[was.provenance]} 变为 {PROVENANCES[becomes.provenance]}"
    if was.source != becomes.source:
        yield f"出处由“{plain(was.source)}”变为“{plain(becomes.source)}”"
