"""Seed §2: a newer text of the agreement, approved by two, and who has to sign it again."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from app.models import AgreementTemplate
from sandbox.desk import Desk
from sandbox.phone import Phone
from tests.house import House, somebody
from tests.office import back, refusal, seated
from tests.proposals import a_newer_text
from tests.scenarios.building import a_proved, cancel, come_back, refused


class Rulemakers:
    """Whoever proposes a text, and whoever decides about it."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.officer = seated(house, "policy-officer")
        self.secretary = seated(house, "committee-secretary")

    def adopt(self, **about: Any) -> dict[str, Any]:
        """The text is proposed and approved."""
        proposal = self.propose(**about)
        return self.secretary.approve(proposal, "管委会决议")

    def propose(self, **about: Any) -> dict[str, Any]:
        """The text waits."""
        return self.officer.propose("agreement-template", "修订", text=a_newer_text(**about))

    def problems(self, text: str) -> list[str]:
        """Everything for which the text is refused."""
        problem = refused(self.officer.propose, "agreement-template", "修订", text=text)
        assert (problem.status, list(problem.details["errors"])) == (422, ["text"])
        return list(problem.details["errors"]["text"])

    def awake(self) -> tuple[Desk, Desk]:
        """Both have signed in again."""
        return back(self.house, self.officer), back(self.house, self.secretary)


@pytest.fixture
def rulemakers(house: House) -> Rulemakers:
    """A policy officer and the committee's secretary."""
    return Rulemakers(house)


def an_admitted(house: House) -> Phone:
    """The phone of somebody who may join and has signed nothing yet."""
    phone = a_proved(house, somebody())
    phone.enrol()
    return phone


def verdict_on(house: House, pdf: bytes) -> bool:
    """What the public check says of the file."""
    answer = house.app.test_client().post("/v1/public/agreements/verify", data=pdf)
    assert answer.json is not None
    return bool(answer.json["valid"])


@pytest.mark.clause("2.1")
def test_a_text_that_changed_while_it_was_read_is_not_signed(
    house: House, rulemakers: Rulemakers
) -> None:
    rulemakers.adopt(number=2, effective_on="2026-03-03")
    house.at("2026-03-02T23:55:00")
    worker = an_admitted(house)
    read = worker.get("/v1/me/agreement-draft")
    house.at("2026-03-03T00:05:00")

    body = {"text_sha256": read["text_sha256"]}
    problem = refused(worker.post, "/v1/me/agreements", body)
    signed = worker.sign_agreement()

    assert read["template_code"] == "huzhou-flexible-1"
    assert (problem.status, problem.kind) == (409, "agreement-text-changed")
    assert problem.details["step"] == "agreement"
    assert signed["template_code"] == "huzhou-flexible-2"


@pytest.mark.clause("2.2", "2.1")
def test_a_new_mandatory_version_is_signed_before_the_next_deposit(
    house: House, rulemakers: Rulemakers
) -> None:
    worker = house.depositor(100_000)
    first = worker.get("/v1/me/agreements")[0]

    done = rulemakers.adopt(number=2, effective_on="2026-04-01")
    come_back(house, worker, "2026-03-31")
    cancel(worker, worker.order(100_000))
    come_back(house, worker, "2026-04-01")
    problem = refused(worker.order, 100_000)
    account_meanwhile = worker.get("/v1/me/account")
    quota_meanwhile = worker.get("/v1/me/quota")
    next_step = worker.get("/v1/me")["next_step"]
    superseded = {"text_sha256": first["text_sha256"]}
    signed_again = refused(worker.post, "/v1/me/agreements", superseded)
    second = worker.sign_agreement()
    house.deposit(worker, 100_000)

    assert done["result"]["agreement_template_code"] == "huzhou-flexible-2"
    assert (problem.status, problem.details["step"]) == (409, "agreement")
    assert account_meanwhile["flexible_fen"] == quota_meanwhile["balance_fen"] == 100_000
    assert next_step == "agreement"
    assert signed_again.kind == "agreement-text-changed"
    assert second["template_code"] == "huzhou-flexible-2"
    assert worker.get("/v1/me/account")["flexible_fen"] == 200_000
    assert worker.get("/v1/me/agreements") == [second, first]


@pytest.mark.clause("2.2")
def test_a_version_that_binds_nobody_is_signed_by_newcomers_alone(
    house: House, rulemakers: Rulemakers
) -> None:
    worker = house.depositor(100_000)
    done = rulemakers.adopt(number=2, effective_on="2026-04-01", mandatory=False)

    come_back(house, worker, "2026-04-02")
    newcomer = an_admitted(house)

    assert any("无须重新签署" in each for each in done["in_words"])
    assert worker.order(100_000)["payment_parameters"]
    assert newcomer.sign_agreement()["template_code"] == "huzhou-flexible-2"


@pytest.mark.clause("2.2")
def test_what_was_signed_is_provable_long_after_the_text_has_changed(
    house: House, rulemakers: Rulemakers
) -> None:
    worker = house.depositor(100_000)
    signed = worker.get("/v1/me/agreements")[0]
    pdf = worker.agreement_pdf(signed["agreement_id"])
    for number in (2, 3):
        rulemakers.adopt(number=number, effective_on="2026-04-01", mandatory=False)

    older = rulemakers.problems(a_newer_text(number=2, effective_on="2026-05-01"))
    come_back(house, worker, "2050-03-02")
    draft = worker.get("/v1/me/agreement-draft")

    assert any("应为现有最新编号的下一个，即 4" in each for each in older)
    assert draft["template_code"] == "huzhou-flexible-3"
    assert worker.agreement_pdf(signed["agreement_id"]) == pdf
    assert verdict_on(house, pdf)
    assert worker.order(100_000)["payment_parameters"]  # a text that binds nobody waits for nobody


def test_a_proposed_text_binds_nobody_until_it_is_approved_and_its_day_comes(
    house: House, rulemakers: Rulemakers
) -> None:
    worker = house.depositor(100_000)
    left_lying = rulemakers.propose(number=2, effective_on="2026-03-10")
    rejected = rulemakers.propose(number=2, effective_on="2026-03-10", mandatory=False)
    rulemakers.secretary.decide(rejected, "reject", "再议")

    come_back(house, worker, "2026-03-10")
    rulemakers.awake()
    cancel(worker, worker.order(100_000))
    too_late = refused(rulemakers.secretary.approve, left_lying)

    assert too_late.status == 422
    assert "effective_on" in too_late.details["errors"]["text"][0]
    assert house.rows(select(AgreementTemplate.number)) == [(1,)]


def test_a_decider_reads_in_words_what_changes_line_by_line(rulemakers: Rulemakers) -> None:
    proposal = rulemakers.propose(number=2, effective_on="2026-04-01")

    seen = rulemakers.secretary.get(f"/approvals/{proposal['approval_id']}")

    head, *lines = seen["in_words"]
    assert "自2026-04-01起" in head
    assert "须重新签署" in head
    assert [each[0] for each in lines] == ["－", "＋"]
    assert "（第2版）每个缴存人只能设立一个" in lines[1]
    assert seen["payload"]["text"] == a_newer_text(number=2, effective_on="2026-04-01")


def test_a_text_that_cannot_stand_is_refused_with_every_problem(rulemakers: Rulemakers) -> None:
    sound = a_newer_text(number=2, effective_on="2026-04-01")
    wrong = (
        (sound.replace("number = 2", "number = 1"), ["number"]),
        (sound.replace("2026-04-01", "2026-03-02"), ["effective_on"]),
        (sound.replace("huzhou-flexible-2", "huzhou-flexible-1"), ["code"]),
        (
            sound.replace("number = 2", "number = 0").replace("2026-04-01", "2020-01-01"),
            ["number", "effective_on"],
        ),
        (sound.replace("{centre_name}", "{bank_card}"), ["body"]),
        (sound.replace("mandatory = true", 'mandatory = "yes"\nowner = 1'), ["head", "head"]),
        ("没有表头", ["the text begins"]),
        # What once ended as a 500, or took seconds:
        (sound.replace("number = 2", f"number = {'9' * 5000}"), ["the head"]),
        (sound.replace("number = 2", f"number = {10**30}"), ["head"]),
        (sound.replace("number = 2", f"number = 2\nx = {'[' * 3000}"), ["the head"]),
        (sound.replace("number = 2", f"number = 2\n{'.'.join('a' * 1500)} = 1"), ["the head"]),
        (sound.replace('code = "', 'code = "\\u0000'), ["head"]),
        (sound.replace('title = "', 'title = "\\u0000'), ["head"]),
        (sound.replace('title = "', f'title = "{"长" * 300}'), ["head"]),
        (sound + "条\n" * 2000, ["body"]),
    )

    for text, fields in wrong:
        problems = rulemakers.problems(text)
        assert [any(each.startswith(start) for each in problems) for start in fields] == [
            True
        ] * len(fields), problems
        assert len(problems) == len(fields)


def test_only_policy_officers_propose_a_text_and_only_the_secretary_decides(
    house: House, rulemakers: Rulemakers
) -> None:
    text = a_newer_text(number=2, effective_on="2026-04-01")
    proposal = rulemakers.propose(number=2, effective_on="2026-04-01")

    for role in ("counter-clerk", "reviewer", "accountant", "security-administrator", "auditor"):
        desk = seated(house, role)
        met = refusal(lambda: desk.propose("agreement-template", "修订", text=text))  # noqa: B023
        assert met == (403, "role-not-allowed")
        assert refusal(lambda: desk.approve(proposal))[0] in (403, 404)  # noqa: B023
    assert refusal(lambda: rulemakers.officer.approve(proposal)) == (403, "role-not-allowed")
