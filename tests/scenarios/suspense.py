"""Money in suspense, whose it is, and the two people who put it where it belongs."""

from __future__ import annotations

from typing import Any

from tests.house import House
from tests.office import seated
from tests.proposals import (
    FLEXIBLE,
    SUSPENSE,
    a_journal,
    a_line,
    a_saver_here,
    suspend,
)
from tests.scenarios.building import refused

SUSPENDED = 30_000


class Story:
    """A depositor whose payment no order explains, an accountant and a reviewer."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.phone, self.person_id, self.account_no = a_saver_here(house, 100_000)
        self.case_id = suspend(house, self.phone, SUSPENDED)
        self.accountant, self.reviewer = seated(house, "accountant"), seated(house, "reviewer")

    def journal(self, **more: Any) -> dict[str, Any]:
        """The suspended money goes to the depositor."""
        line = a_line(SUSPENSE, FLEXIBLE, SUSPENDED, account_no=self.account_no)
        return {**a_journal(line, case_id=self.case_id), **more}

    def put_in_place(self, **more: Any) -> dict[str, Any]:
        """It went there; the approval's result."""
        proposal = self.accountant.propose("manual-journal", "客户补登", **self.journal(**more))
        return dict(self.reviewer.approve(proposal)["result"])

    def reverse(self, journal_id: str, document_no: str) -> dict[str, Any]:
        """The journal was reversed; the approval's result."""
        payload = {"manual_journal_id": journal_id, "document_no": document_no}
        proposal = self.accountant.propose("manual-journal-reversal", "入错户", **payload)
        return dict(self.reviewer.approve(proposal)["result"])

    def case(self) -> dict[str, Any]:
        """The payment case as the reviewer sees it."""
        return dict(self.reviewer.get(f"/payment-cases/{self.case_id}"))

    def waiting(self) -> list[str]:
        """What waits in the reviewer's list, by target."""
        return [each["target_id"] for each in self.reviewer.get("/work-items")["items"]]

    def errors(self, action: str, **payload: Any) -> list[str]:
        """The fields that a proposal is refused for."""
        problem = refused(self.accountant.propose, action, "试试", **payload)
        assert (problem.status, problem.kind) == (422, "unacceptable"), problem
        return sorted(problem.details["errors"])
