"""A depositor, the people at the counter, and the job that carries out what they decided."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from app.models import PayoutLeg
from sandbox.desk import Desk
from tests.house import House
from tests.office import seated
from tests.proposals import a_saver_here, suspend
from tests.scenarios.building import balance_of, refused

CARD, BANK = "6222020200112233446", "中国工商银行湖州分行"


class Till:
    """The counter of one house, with one depositor."""

    def __init__(self, house: House, *deposits_fen: int) -> None:
        self.house = house
        first, *others = deposits_fen or (100_000,)
        self.phone, self.person_id, self.account_no = a_saver_here(house, first)
        for amount_fen in others:
            house.deposit(self.phone, amount_fen)
        self.sit_down()

    def sit_down(self) -> None:
        """The clerk, the accountant and the reviewer have just signed in."""
        self.clerk: Desk = seated(self.house, "counter-clerk")
        self.accountant: Desk = seated(self.house, "accountant")
        self.reviewer: Desk = seated(self.house, "reviewer")

    def withdraw(self, amount_fen: int, **card: str) -> str:
        """Two people decided that so much goes to the depositor; the payout's id."""
        said = {"person_id": self.person_id, "amount_fen": amount_fen, **card}
        proposal = self.clerk.propose("counter-withdrawal", "本人申请提取", **said)
        return str(self.reviewer.approve(proposal)["result"]["payout_id"])

    def errors(self, amount_fen: int, **card: str) -> list[str]:
        """The fields for which such a withdrawal is refused."""
        said = {"person_id": self.person_id, "amount_fen": amount_fen, **card}
        problem = refused(self.clerk.propose, "counter-withdrawal", "本人申请提取", **said)
        assert (problem.status, problem.kind) == (422, "unacceptable"), problem
        return sorted(problem.details["errors"])

    def give_back(self, amount_fen: int = 30_000) -> tuple[str, str]:
        """A payment no order explains was decided to go back; its case and the payout's id."""
        case_id = suspend(self.house, self.phone, amount_fen)
        proposal = self.accountant.propose("suspense-return", "非缴存款", case_id=case_id)
        return case_id, str(self.reviewer.approve(proposal)["result"]["payout_id"])

    def run(self) -> dict[str, int]:
        """The job ran; what it counted."""
        return self.house.run_job("follow-up-payouts")

    def carry_out(self, times: int = 1) -> None:
        """The job ran, and WeChat told what came of it, so many times."""
        for _ in range(times):
            self.run()
            self.house.quiet()

    def payout(self, payout_id: str) -> dict[str, Any]:
        """The payout as the reviewer sees it."""
        return dict(self.reviewer.get(f"/payouts/{payout_id}"))

    def stands(self, payout_id: str) -> tuple[str, int, list[tuple[str, int, str]]]:
        """State, what was paid, and (channel, amount, state) of each leg."""
        seen = self.payout(payout_id)
        legs = [(each["channel"], each["amount_fen"], each["state"]) for each in seen["legs"]]
        return seen["state"], seen["paid_fen"], legs

    def balance(self) -> int:
        """What the depositor's phone shows."""
        return balance_of(self.phone)

    def numbers(self) -> list[str]:
        """Our numbers of all legs, oldest first."""
        return [
            no for (no,) in self.house.rows(select(PayoutLeg.provider_no).order_by(PayoutLeg.id))
        ]

    def refunds(self) -> list[tuple[int, str]]:
        """WeChat's truth: (amount, status) of every refund, oldest first."""
        return [(each["amount"], each["status"]) for each in self.house.books()["refunds"]]
