"""No request may cost more than it is worth (S34): sizes, pages and files have their ends."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator
from typing import Any

import requests

from tests.api.asking import ask, json_routes, on_sqlite_alone, problem_of, routes, token_of
from tests.api.callers import LISTS, Callers
from tests.house import House

LARGEST_BODY, LARGEST_PDF = 256 * 1024, 4 * 1024 * 1024
VERIFY = "/v1/public/agreements/verify"
OWN_PAGES = ("/v1/me/deposits", "/v1/me/account/postings")
PAGES = {
    *("deposits.my_deposits", "account.my_postings", "notifications.my_notifications"),
    *("people.postings", *LISTS),
}


def test_a_page_has_one_to_a_hundred_rows(house: House) -> None:
    member = house.depositor()
    odd = ("0", "101", "-1", "abc", "", str(10**30), "1.0", "1e1", "１", "1_0", "+1", " 1", "0x1")

    callers = Callers(house, member)
    lists = [each for each in routes(house) if each.endpoint in PAGES]

    wrong = {}
    for route in lists:
        for limit in odd:
            sent: dict[str, Any] = {"by": callers.of(route), "query_string": {"limit": limit}}
            answer = ask(house, "GET", route.path(), **sent)
            if answer.status_code != 422 or list(problem_of(answer)["errors"]) != ["limit"]:
                wrong[str(route), limit] = answer.data

    assert wrong == {}
    assert {each.endpoint for each in lists} == PAGES
    assert all(len(member.get(page, limit=100)) == 1 for page in OWN_PAGES)


def test_a_page_begins_where_the_member_himself_has_been(house: House) -> None:
    member = house.depositor()

    unknown = ask(house, "GET", f"/v1/me/deposits?before=dep_{'0' * 26}", by=member)
    nul = ask(house, "GET", "/v1/me/deposits?before=%00", by=member)
    far = ask(house, "GET", "/v1/me/account/postings?before_seq=999999999", by=member)
    beyond = {
        value: ask(house, "GET", f"/v1/me/account/postings?before_seq={value}", by=member)
        for value in ("0", "-1", str(2**63), str(10**40), "x")
    }

    assert unknown.status_code == 404
    assert (nul.status_code, list(problem_of(nul)["errors"])) == (422, ["before"])
    assert len(far.get_json()) == 1
    assert {value: each.status_code for value, each in beyond.items()} == dict.fromkeys(beyond, 422)


def test_days_are_shown_within_reason(house: House) -> None:
    member = house.depositor()
    path = "/v1/me/account/daily-balances"
    odd = {
        ("0001-01-01", "0001-02-01"): {"from", "to"},
        ("1899-12-31", "1900-01-01"): {"from"},
        ("2026-03-02", "9999-12-31"): {"to"},
        ("9999-12-31", "9999-12-31"): {"from", "to"},
        ("2026-03-02", "2026-03-01"): {"from", "to"},
        ("2026-03-02", "2026-03-03"): {"from", "to"},  # tomorrow
        ("2025-03-01", "2026-03-02"): {"from", "to"},  # 367 days
        ("2025-02-29", "2026-03-02"): {"from"},
        ("20260302", "2026-03-02"): {"from"},
        ("2026-W10-1", "2026-03-02"): {"from"},
        ("2026-3-2", "2026-03-02"): {"from"},
        ("２０２６-03-02", "2026-03-02"): {"from"},
        ("2026-03-02T00:00", "2026-03-02"): {"from"},
        ("", "2026-03-02"): {"from"},
    }

    answers = {
        days: ask(house, "GET", path, by=member, query_string={"from": days[0], "to": days[1]})
        for days in odd
    }
    year = member.get(path, **{"from": "2025-03-02", "to": "2026-03-02"})

    assert {days: set(problem_of(each)["errors"]) for days, each in answers.items()} == odd
    assert {each.status_code for each in answers.values()} == {422}
    assert len(year) == 366


def test_a_quota_is_asked_for_days_there_are(house: House) -> None:
    member = house.depositor()
    path = "/v1/me/quota"

    answers = {
        on: ask(house, "GET", path, by=member, query_string={"on": on}).status_code
        for on in ("0001-01-01", "1900-01-01", "2026-03-03", "9999-12-31", "today", "2026-02-30")
    }

    assert answers == {
        "0001-01-01": 422,
        "1900-01-01": 409,  # no policy was in force
        "2026-03-03": 422,
        "9999-12-31": 422,
        "today": 422,
        "2026-02-30": 422,
    }
    for plan in ({"kind": "lump-sum", "on": "9999-12-31"}, {"kind": "monthly", "from_on": "1-1-1"}):
        answer = ask(
            house, "POST", f"{path}/what-if", by=member, json={**plan, "amount_fen": 100_000}
        )
        assert answer.status_code == 422


@on_sqlite_alone
def test_no_json_route_reads_more_than_its_limit(house: House) -> None:
    callers = Callers(house, house.depositor())
    large = b'{"code": "' + b"x" * LARGEST_BODY + b'"}'

    answers = {
        str(route): ask(house, route.method, route.path(), by=callers.of(route), data=large)
        for route in json_routes(house)
    }

    assert {name: each.status_code for name, each in answers.items()} == dict.fromkeys(answers, 413)
    assert {problem_of(each)["detail"] for each in answers.values()} == {"请求内容过大。"}


@on_sqlite_alone
def test_a_body_of_unsaid_length_is_cut_off_as_well(house: House) -> None:
    """Chunked: there is no Content-Length to refuse it by."""
    phone = house.phone()
    phone.log_in()

    def chunked(path: str, kilobytes: int, first: bytes = b"") -> int:
        def chunks() -> Iterator[bytes]:
            yield first
            for _ in range(kilobytes):
                yield b" " * 1024

        headers = {"Authorization": f"Bearer {token_of(phone)}", "Content-Type": "application/json"}
        url = f"{house.api}{path}"
        return requests.post(url, data=chunks(), headers=headers, timeout=30).status_code

    signed = b'{"text_sha256": "' + b"a" * 64 + b'"}'

    assert chunked("/v1/me/agreements", 300, signed) == 413
    assert chunked("/v1/me/agreements", 100, signed) == 409  # read, and its step is too early
    assert chunked("/v1/notices/wechat-pay", 300) == 413
    assert chunked("/v1/notices/wechat-messages", 300) == 413
    assert chunked(VERIFY, 300) == 200
    assert chunked(VERIFY, 4 * 1024) == 413


@on_sqlite_alone
def test_only_files_up_to_four_megabytes_are_looked_at(house: House) -> None:
    largest = b"%PDF-1.7\n" + b"\0" * (LARGEST_PDF - 9)

    fits = ask(house, "POST", VERIFY, data=largest)
    too_large = ask(house, "POST", VERIFY, data=largest + b"\0")
    nothing = ask(house, "POST", VERIFY, data=b"")

    assert fits.get_json()["valid"] is False
    assert too_large.status_code == 413
    assert list(problem_of(nothing)["errors"]) == ["body"]


def test_whatever_is_no_paper_of_ours_is_not_valid(house: House) -> None:
    phone = house.worker()
    agreement = phone.get("/v1/me/agreements")[0]["agreement_id"]
    paper = phone.agreement_pdf(agreement)
    strange = {
        "a text": b"This is an agreement.",
        "a page": b"<html><script>alert(1)</script></html>",
        "a head": b"%PDF-1.7",
        "brackets": b"%PDF-1.7\n" + b"(" * 200_000,
        "dictionaries": b"%PDF-1.7\n" + b"<<" * 200_000 + b"\nstartxref\n9\n%%EOF",
        "arrays": b"%PDF-1.7\n1 0 obj\n" + b"[" * 200_000 + b"\nendobj\nstartxref\n9\n%%EOF",
        "a bomb": bomb(),
        "half of ours": paper[: len(paper) // 2],
        "ours with a space": paper + b" ",
        "ours twice": paper + paper,
        "ours with another byte": paper[:-1_000] + b"\0" + paper[-999:],
    }

    verdicts, took_s = {}, {}
    for name, file in strange.items():
        begun = time.monotonic()
        answer = ask(house, "POST", VERIFY, data=file)
        took_s[name] = time.monotonic() - begun
        verdicts[name] = (answer.status_code, answer.get_json()["valid"])

    assert verdicts == dict.fromkeys(strange, (200, False))
    assert {name: s for name, s in took_s.items() if s > 2} == {}
    assert ask(house, "POST", VERIFY, data=paper).get_json()["valid"] is True


def bomb() -> bytes:
    """A PDF whose cross-reference stream unpacks to a thousand times its size."""
    packed = zlib.compress(b"\0" * 256 * 1024 * 1024, 9)
    head = (
        b"<< /Type /XRef /Size 9999999 /W [1 4 2] /Root 1 0 R "
        b"/Filter /FlateDecode /Length %d >>\nstream\n" % len(packed)
    )
    stream = b"7 0 obj\n" + head + packed + b"\nendstream\nendobj\n"
    return b"%PDF-1.7\n" + stream + b"startxref\n9\n%%EOF\n"
