"""The agreement on paper."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import BytesIO

import pytest
from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject

from app.documents.agreement import agreement_pdf
from app.documents.errors import AgreementTextChanged, MomentWithoutZone
from tests.documents.papers import SIGNED_AT, TEXT, a_paper, printed_text, squeezed

ACTIVE_KEYS = {"/JS", "/JavaScript", "/OpenAction", "/AA", "/URI", "/Launch", "/EmbeddedFiles"}

HOSTILE_NAMES = (
    '#eval("1")',
    '#read("/etc/passwd")',
    '#import "@preview/cetz:0.1.0"',
    "<script>alert(1)</script>",
    "{{7*7}}",
    "\\",
    "\\u{41}",
    "*a* _b_ `c`",
    "$x$ = heading",
    "// comment /* more */",
    "https://example.org/a",
    "'); DROP TABLE person;--",
    '","title":"x',
    "/JS /OpenAction",
    "赵" * 60,
    "W" * 60,
)


def keys_in(pdf: bytes) -> set[str]:
    """Every dictionary key of every object of the file."""
    reader, found = PdfReader(BytesIO(pdf)), set[str]()
    waiting = [reader.get_object(number) for number in range(1, len(reader.xref[0]) + 1)]
    while waiting:
        item = waiting.pop()
        if isinstance(item, DictionaryObject):
            found |= set(item)
            waiting.extend(item.values())
        elif isinstance(item, ArrayObject):
            waiting.extend(item)
    return found


def test_the_exact_text_the_worker_saw_is_printed() -> None:
    paper = a_paper(name="李四")

    page = printed_text(agreement_pdf(paper))

    assert squeezed(paper.text) in page
    assert paper.text_sha256 in page
    assert squeezed("签署时间2026年11月23日 14:03:05（北京时间）") in page
    assert squeezed("示意数据") in page


def test_every_page_says_which_of_how_many_it_is() -> None:
    paper = a_paper(text="\n".join([TEXT.format(name="张三")] * 12))

    pages = PdfReader(BytesIO(agreement_pdf(paper))).pages

    assert len(pages) > 2
    for number, page in enumerate(pages, start=1):
        assert squeezed(f"第 {number} 页 共 {len(pages)} 页") in squeezed(page.extract_text())
        assert [round(side) for side in page.mediabox[2:]] == [595, 842]


def test_a_rare_character_is_printed_as_itself_or_as_a_marked_substitute() -> None:
    page = printed_text(agreement_pdf(a_paper(name="𠮷㼆龘")))

    assert page.count("〔U+20BB7〕㼆龘") == 2
    assert "按其统一码（Unicode）编号标示" in page


def test_nothing_is_said_about_substitutes_when_there_are_none() -> None:
    assert "统一码" not in printed_text(agreement_pdf(a_paper(name="㼆龘")))


def test_a_hostile_name_comes_out_literally() -> None:
    rows = tuple((f"第{number}行", name) for number, name in enumerate(HOSTILE_NAMES))
    text = "\n".join(f"第{number}行{name}终" for number, name in enumerate(HOSTILE_NAMES))
    paper = replace(a_paper(text=text), parties=rows, evidence=rows)

    page = printed_text(agreement_pdf(paper))

    for number, name in enumerate(HOSTILE_NAMES):
        assert page.count(squeezed(f"第{number}行{name}")) == 3


def test_text_that_would_turn_the_reading_direction_is_made_visible() -> None:
    page = printed_text(agreement_pdf(a_paper(name="\u202eשלום\ud800")))

    assert "〔U+202E〕〔U+05E9〕〔U+05DC〕〔U+05D5〕〔U+05DD〕〔U+D800〕" in page


def test_a_paper_carries_no_script_and_no_link() -> None:
    pdf = agreement_pdf(a_paper(name="https://example.org /JS /OpenAction"))

    assert not keys_in(pdf) & ACTIVE_KEYS
    for word in (b"/JavaScript", b"/OpenAction", b"/URI", b"/Launch"):
        assert word not in pdf


def test_a_paper_is_archival_and_brings_its_font() -> None:
    pdf = agreement_pdf(a_paper())

    assert b'pdfaid:part="2"' in pdf or b"<pdfaid:part>2</pdfaid:part>" in pdf
    assert {"/FontFile2", "/FontFile3"} & keys_in(pdf)
    assert b"NotoSansSC" in pdf


def test_equal_papers_are_equal_bytes_dated_by_the_signing() -> None:
    first, second = agreement_pdf(a_paper()), agreement_pdf(a_paper())

    assert first == second
    information = PdfReader(BytesIO(first)).metadata
    assert information is not None
    assert information.creation_date == SIGNED_AT


def test_two_threads_set_papers_at_once() -> None:
    papers = [a_paper(name=f"张{number}") for number in range(8)]
    alone = [agreement_pdf(paper) for paper in papers]

    with ThreadPoolExecutor(max_workers=2) as pool:
        together = list(pool.map(agreement_pdf, papers))

    assert together == alone


def test_a_text_that_is_not_the_signed_one_is_not_printed() -> None:
    paper = replace(a_paper(), text="另一份协议")

    with pytest.raises(AgreementTextChanged) as refused:
        agreement_pdf(paper)

    assert refused.value.stated == paper.text_sha256


def test_a_signing_time_without_zone_is_refused() -> None:
    with pytest.raises(MomentWithoutZone):
        agreement_pdf(replace(a_paper(), signed_at=SIGNED_AT.replace(tzinfo=None)))
