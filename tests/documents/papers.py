"""Builders: a paper to print, and what a reader finds on the printed pages."""

import hashlib
from datetime import UTC, datetime
from io import BytesIO

from pypdf import PdfReader

from app.documents.agreement import AgreementPaper

SIGNED_AT = datetime(2026, 11, 23, 6, 3, 5, tzinfo=UTC)

TEXT = """本协议由示例中心（以下称甲方）与{name}（以下称乙方）订立。

第一条 协议目的
本协议用于明确双方的权利和义务。

第二条 自愿缴存和自愿退出
乙方可以随时申请退出。"""


def a_paper(
    *, name: str = "张三", text: str | None = None, title: str = "缴存使用协议"
) -> AgreementPaper:
    """A small agreement with the name in its text and among its parties."""
    printed = TEXT.format(name=name) if text is None else text
    return AgreementPaper(
        title=title,
        text=printed,
        text_sha256=hashlib.sha256(printed.encode("utf-8", "surrogatepass")).hexdigest(),
        parties=(("甲方", "示例中心"), ("乙方", name)),
        policy_code="huzhou-2024-1",
        policy_note="示意数据",
        evidence=(("协议版本", "huzhou-flexible-1"),),
        signed_at=SIGNED_AT,
    )


def squeezed(text: str) -> str:
    """The text without white space: lines are broken where the page is full."""
    return "".join(text.split())


def printed_text(pdf: bytes) -> str:
    """All text a reader can copy out of the pages, squeezed."""
    return squeezed("".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages))
