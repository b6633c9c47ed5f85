"""How a member of staff comes in: two halves of a code, a day's time, credentials of his own."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import func, select

from app import ids
from app.models import StaffAccount, StaffActivation
from sandbox.desk import Desk
from tests.house import STARTS_AT, House, somebody
from tests.office import Office, activation_code, invited_administrator, refusal

REFUSED = (401, "activation-refused")
DAY = timedelta(days=1)


class Newcomer:
    """An invited account, and both administrators."""

    def __init__(self, house: House) -> None:
        self.house, self.office = house, Office(house)
        owner = somebody(name="新人")
        self.desk = Desk(house.api, house.sandbox, "new.comer")
        proposal = self.office.first.propose(
            "staff-account",
            "新到岗",
            login=self.desk.login,
            name=owner.name,
            id_number=owner.id_number,
            role="accountant",
            district="centre",
        )
        self.account_id = self.office.second.approve(proposal)["result"]["account_id"]

    def half_of(self, administrator: Desk) -> str:
        """What this administrator hands over."""
        path = f"/accounts/{self.account_id}/activation-code"
        return str(administrator.post(path)["code"])

    def both(self) -> str:
        """What both hand over."""
        return activation_code(self.office.first, self.office.second, self.account_id)

    def state(self) -> str:
        """How the account stands."""
        query = select(StaffAccount.state).where(StaffAccount.login == self.desk.login)
        return str(self.house.rows(query)[0][0])


@pytest.fixture
def newcomer(house: House) -> Newcomer:
    """Somebody approved by two who has not come in yet."""
    return Newcomer(house)


def test_two_halves_open_the_account_and_the_first_sign_in_makes_it_active(
    newcomer: Newcomer,
) -> None:
    newcomer.desk.activate(newcomer.both())
    invited = newcomer.state()
    newcomer.desk.sign_in()

    assert (invited, newcomer.state()) == ("invited", "active")
    assert newcomer.desk.get("/me")["account"]["role"] == "accountant"


def test_halves_of_one_administrator_alone_open_nothing(newcomer: Newcomer) -> None:
    first, again = newcomer.half_of(newcomer.office.first), newcomer.half_of(newcomer.office.first)
    others = newcomer.half_of(newcomer.office.second)

    wrong = (first, again, others, f"{again}-{again}", f"{first}-{again}", f"{first}-{others}")
    for hours, code in enumerate(wrong, 1):
        newcomer.house.at(STARTS_AT + timedelta(hours=hours))  # five guesses a quarter of an hour
        assert refusal(partial(newcomer.desk.activate, code)) == REFUSED, code
    newcomer.desk.activate(f"{again}-{others}")


def test_a_half_is_good_for_a_day(newcomer: Newcomer) -> None:
    code = newcomer.both()

    newcomer.house.at(STARTS_AT + DAY + timedelta(minutes=1))

    assert refusal(lambda: newcomer.desk.activate(code)) == REFUSED


def test_until_the_first_sign_in_the_owner_may_begin_again_and_then_never(
    newcomer: Newcomer,
) -> None:
    """A telephone breaks before the secret is in it: the same code gives another one."""
    code = newcomer.both()
    newcomer.desk.activate(code)
    lost = newcomer.desk.secret
    newcomer.desk.activate(code)
    kept = newcomer.desk.secret
    newcomer.desk.sign_in()

    assert lost != kept
    assert refusal(lambda: newcomer.desk.activate(code)) == REFUSED


def test_after_a_reset_old_credentials_are_nothing_and_two_halves_are_needed_anew(
    newcomer: Newcomer,
) -> None:
    before = newcomer.both()
    newcomer.desk.activate(before)
    newcomer.desk.sign_in()
    first, second = newcomer.office.first, newcomer.office.second
    second.approve(first.propose("staff-reset", "手机丢失", account_id=newcomer.account_id))

    assert refusal(lambda: newcomer.desk.get("/me")) == (401, "session-ended")
    assert refusal(newcomer.desk.sign_in) == (401, "sign-in-refused")
    assert refusal(lambda: newcomer.desk.activate(before)) == REFUSED
    newcomer.desk.activate(newcomer.both())
    newcomer.desk.sign_in()
    assert newcomer.state() == "active"


def test_nobody_hands_a_code_to_himself_or_for_an_account_that_is_in_use(
    newcomer: Newcomer,
) -> None:
    first, second = newcomer.office.first, newcomer.office.second
    own = first.get("/me")["account"]["account_id"]

    assert refusal(lambda: first.post(f"/accounts/{own}/activation-code")) == (403, "same-person")
    assert refusal(lambda: second.post(f"/accounts/{own}/activation-code")) == (
        409,
        "account-not-waiting",
    )


def test_there_is_no_account_before_the_terminal_makes_two_and_it_makes_no_third(
    house: House,
) -> None:
    nobody = house.rows(select(func.count()).select_from(StaffAccount))
    Office(house)

    with pytest.raises(AssertionError, match="两名在岗"):
        invited_administrator(house, "admin.three")
    accounts = select(StaffAccount.login).order_by(StaffAccount.id)
    assert nobody == [(0,)]
    assert house.rows(accounts) == [("admin.one",), ("admin.two",)]


def test_of_a_code_only_its_hash_is_kept(newcomer: Newcomer) -> None:
    first, second = newcomer.both().split("-")

    kept = {bytes(each) for (each,) in newcomer.house.rows(select(StaffActivation.code_hash))}

    assert {ids.token_hash(first), ids.token_hash(second)} <= kept
    assert not {first.encode(), second.encode()} & kept
