"""Seed §2 and §8: the agreement that is read, signed, kept for ever, and what it states."""

import hashlib
import random
import re
from typing import Any

import pytest

from app.documents.agreement import agreement_pdf
from sandbox.phone import Phone
from tests.documents.papers import a_paper, printed_text, squeezed
from tests.house import House, somebody
from tests.scenarios.building import (
    NOTE_OF_PLACEHOLDERS,
    a_proved,
    published,
    refused,
)

FLIPS = 1_000


def an_admitted(house: House, **named: Any) -> Phone:
    """The phone of somebody who may join and has signed nothing yet."""
    phone = a_proved(house, somebody(**named))
    phone.enrol()
    return phone


def clauses_in(text: str) -> dict[str, str]:
    """The agreement's articles, heading to wording."""
    parts = re.split(r"^(第[一二三四五六七八九十]+条 .+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def words_on(pdf: bytes, *, title: str) -> str:
    """What a reader can copy out of the paper, without what is repeated on every page."""
    repeated = rf"正文校验值（前16位）[0-9a-f]{{16}}第\d+页共\d+页({re.escape(title)})?"
    return re.sub(repeated, "", printed_text(pdf))


def verdict_on(house: House, pdf: bytes) -> dict[str, Any]:
    """What the public check says to anybody who uploads the file."""
    answer = house.app.test_client().post("/v1/public/agreements/verify", data=pdf)
    assert answer.status_code == 200, answer.text
    assert answer.json is not None
    return dict(answer.json)


@pytest.mark.clause("2.1", "6.1")
def test_the_agreement_is_read_in_full_and_signed_as_the_text_of_that_hash(house: House) -> None:
    worker = an_admitted(house)
    draft = worker.get("/v1/me/agreement-draft")
    before_signing = refused(worker.order, 100_000)

    another_text = refused(worker.post, "/v1/me/agreements", {"text_sha256": "0" * 64})
    unsigned = worker.get("/v1/me/agreements")
    signed = worker.sign_agreement()
    again = worker.sign_agreement()

    assert hashlib.sha256(draft["text"].encode()).hexdigest() == draft["text_sha256"]
    assert (before_signing.status, before_signing.details["step"]) == (409, "agreement")
    assert (another_text.status, another_text.kind) == (409, "agreement-text-changed")
    assert unsigned == []
    assert signed["text_sha256"] == draft["text_sha256"]
    assert signed["signed_at"].startswith("2026-03-02T01:0")
    assert again == signed
    assert worker.get("/v1/me/agreements") == [signed]
    assert worker.order(100_000)["payment_parameters"]


@pytest.mark.clause("2.2", "8.1")
def test_the_agreement_states_rights_duties_and_the_measures_against_breach(house: House) -> None:
    worker = an_admitted(house)
    draft = worker.get("/v1/me/agreement-draft")
    articles = clauses_in(draft["text"])
    rules = published(worker)

    measures = articles["第十五条 违约处置措施"]
    assert "销户" in measures
    assert "上浮贷款利率" in measures
    assert "提前收回贷款" in measures
    breaches = articles["第十四条 违约行为"]
    assert "虚假承诺" in breaches
    assert "贷款违约" in breaches
    assert "陈述和申辩" in articles["第十六条 违约处置程序"]
    assert "应当" in articles["第十条 甲方的权利和义务"]
    assert "有权" in articles["第十一条 乙方的权利和义务"]
    limits = articles["第四条 缴存方式和限额"]
    assert f"{rules['deposit.min_per_order_fen'] / 100:,.2f}元" in limits
    assert f"{rules['deposit.max_per_calendar_month_fen'] / 100:,.2f}元" in limits
    assert draft["policy_code"] in articles["第一条 协议目的和业务规则版本"]
    assert NOTE_OF_PLACEHOLDERS in articles["第一条 协议目的和业务规则版本"]
    assert NOTE_OF_PLACEHOLDERS in draft["policy_note"]
    assert len(articles) == 20


@pytest.mark.clause("2.2")
def test_the_signed_paper_carries_parties_terms_policy_and_evidence(house: House) -> None:
    worker = an_admitted(house, name="𠮷野·阿宝")
    draft = worker.get("/v1/me/agreement-draft")
    signed = worker.sign_agreement()
    pdf = worker.agreement_pdf(signed["agreement_id"])
    policy = worker.get("/v1/public/policy")
    consents = worker.get("/v1/me/consents")

    paper = words_on(pdf, title=signed["title"])

    assert squeezed(draft["text"]) in paper
    for fact in (
        "甲方湖州市住房公积金管理中心",
        "乙方〔U+20BB7〕野·阿宝",  # a character that no free font holds, by its number
        f"乙方身份证号码{worker.owner.id_number}",
        f"乙方手机号码{worker.owner.phone}",
        f"{policy['code']}（{policy['sha256']}）",
        f"协议正文SHA-256{draft['text_sha256']}",
        "签署时间2026年3月2日09:0",
        "微信人脸核身通过",
        *(f"单独同意：{each['title']}2026-03-0209:0" for each in consents),
    ):
        assert fact in paper
    assert paper.startswith(squeezed(signed["title"] + policy["note"]))
    assert hashlib.sha256(pdf).hexdigest() == signed["pdf_sha256"]
    assert worker.get("/v1/me")["name_masked"] == "****宝"


@pytest.mark.clause("2.2")
def test_only_the_signer_fetches_the_paper_and_anybody_may_check_it(house: House) -> None:
    worker, stranger = house.worker(), house.worker()
    signed = worker.get("/v1/me/agreements")[0]
    pdf = worker.agreement_pdf(signed["agreement_id"])

    path = f"/v1/me/agreements/{signed['agreement_id']}/pdf"
    problem = refused(stranger.get, path)
    verdict = verdict_on(house, pdf)
    of_a_paper_of_nobodys = verdict_on(house, agreement_pdf(a_paper()))

    assert (problem.status, problem.kind) == (404, "no-such-agreement")
    assert verdict["valid"] is True
    assert verdict["template_code"] == "huzhou-flexible-1"
    assert verdict["signed_at"] == signed["signed_at"]
    assert of_a_paper_of_nobodys["valid"] is False


@pytest.mark.parametrize("standing_house", ["sqlite"], indirect=True)
@pytest.mark.clause("2.2")
def test_no_changed_bit_of_a_signed_paper_goes_unnoticed(house: House) -> None:
    worker = house.worker()
    pdf = worker.agreement_pdf(worker.get("/v1/me/agreements")[0]["agreement_id"])
    luck = random.Random(20260302)

    verdicts = []
    for bit in luck.sample(range(len(pdf) * 8), FLIPS):
        changed = bytearray(pdf)
        changed[bit // 8] ^= 1 << (bit % 8)
        verdicts.append(verdict_on(house, bytes(changed)))

    assert [each["valid"] for each in verdicts] == [False] * FLIPS
    assert all(each["reason"] for each in verdicts)
    assert verdict_on(house, pdf)["valid"] is True
