"""The signed agreement as a PDF: the exact text the worker saw, who signed, and the evidence."""

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Literal

import typst

from app.documents.errors import AgreementTextChanged, MomentWithoutZone
from app.documents.fonts import FONT_FAMILY, covered, font_folder, has_substitutes

_TEMPLATES = Path(__file__).parent / "templates"
_TEMPLATE = _TEMPLATES / "agreement.typ"

# PDF/A-2b: font embedded, no script, no outside resource, readable in thirty years.
_STANDARD: Literal["a-2b"] = "a-2b"

_SHANGHAI = timezone(timedelta(hours=8))

# A clause title stands alone on a short line; a longer line is a paragraph.
_CLAUSE_HEADING = re.compile("第[一二三四五六七八九十百]+条[ \u3000].{1,24}$")


@dataclass(frozen=True)
class AgreementPaper:
    """What is printed on one agreement. Values are shown as given: mask them before."""

    title: str
    text: str
    text_sha256: str
    parties: tuple[tuple[str, str], ...]
    policy_code: str
    policy_note: str
    evidence: tuple[tuple[str, str], ...]
    signed_at: datetime


@cache
def _fonts() -> typst.Fonts:
    """The project's font and no other, so that every machine sets the same page."""
    return typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=False,
        font_paths=[str(font_folder())],
    )


def agreement_pdf(paper: AgreementPaper) -> bytes:
    """The agreement is set on A4 as PDF/A-2b; equal papers give equal bytes, whatever the clock.

    No value is read as markup: everything travels as one JSON string and is printed literally,
    with a marked substitute where the font has no glyph. The rows for text hash, policy version
    and signing time are added here, before `paper.evidence`. Raises `AgreementTextChanged` and
    `MomentWithoutZone`.
    """
    if paper.signed_at.tzinfo is None:
        raise MomentWithoutZone(moment=paper.signed_at)
    actual = hashlib.sha256(paper.text.encode("utf-8", "surrogatepass")).hexdigest()
    if actual != paper.text_sha256:
        raise AgreementTextChanged(stated=paper.text_sha256, actual=actual)

    return typst.compile(
        str(_TEMPLATE),
        root=str(_TEMPLATES),
        font_paths=_fonts(),
        ignore_system_fonts=True,
        sys_inputs={"paper": json.dumps(_page_data(paper), ensure_ascii=False)},
        pdf_standards=[_STANDARD],
        timestamp=int(paper.signed_at.timestamp()),
    )


def _page_data(paper: AgreementPaper) -> dict[str, object]:
    """What the template reads; every text in it is covered."""
    evidence = (
        ("签署时间", _shanghai_words(paper.signed_at)),
        ("业务规则版本", paper.policy_code),
        ("协议正文 SHA-256", paper.text_sha256),
        *paper.evidence,
    )
    shown = (paper.title, paper.policy_note, *chain(*paper.parties, *evidence))
    lines = paper.text.split("\n")
    return {
        "font": FONT_FAMILY,
        "title": covered(paper.title),
        "policy_note": covered(paper.policy_note),
        "centre": covered(paper.parties[0][1]) if paper.parties else "",
        "parties": _rows(paper.parties),
        "lines": [_line(line) for line in lines],
        "evidence": _rows(evidence),
        "signed_on": _shanghai_words(paper.signed_at),
        "text_mark": covered(paper.text_sha256[:16]),
        "substituted": any(has_substitutes(text) for text in (*shown, *lines)),
    }


def _rows(rows: tuple[tuple[str, str], ...]) -> list[list[str]]:
    return [[covered(label), covered(value)] for label, value in rows]


def _line(line: str) -> dict[str, str]:
    """One line of the text: its kind says only how it is set, never what is printed."""
    if not line.strip():
        return {"kind": "gap", "text": ""}
    kind = "clause" if _CLAUSE_HEADING.match(line) else "plain"
    return {"kind": kind, "text": covered(line)}


def _shanghai_words(moment: datetime) -> str:
    there = moment.astimezone(_SHANGHAI)
    return f"{there.year}年{there.month}月{there.day}日 {there:%H:%M:%S}（北京时间）"
