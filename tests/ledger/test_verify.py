"""The checker is checked: whatever the database's owner does to the books is found and named."""

import sqlite3

import psycopg
import pytest

from tests.house import House
from tests.ledger.corruption import Corruption
from tests.ledger.corruptions_of_approvals import APPROVALS, REFUSED_ABOUT_APPROVALS
from tests.ledger.corruptions_of_books import DAYS, LEDGER
from tests.ledger.corruptions_of_people import PAYMENTS, PEOPLE, REFUSED
from tests.ledger.ruined import back_to_good, build, dialect, owner_of, ruin

CORRUPTIONS = (*LEDGER, *DAYS, *PAYMENTS, *PEOPLE, *APPROVALS)
INVARIANTS = (
    *("D1", "D2", "D3", "D4", "D7"),
    *("L1", "L2", "L3", "L4", "L5", "L7", "L8", "L10", "L11"),
    *("P1", "P3", "P4", "P5", "P6", "P8"),
    *("W1", "W2", "W3", "W5", "W8"),
)
# In towns of their own: `test_verify_payouts.py`, `test_verify_bills.py`.
SHOWN_BESIDE = {"P5", "P6"}


@pytest.fixture(scope="session")
def small_town(standing_house: House) -> House:
    """The house with a little of everything in its books, built once."""
    build(standing_house)
    return standing_house


@pytest.fixture
def town(small_town: House) -> House:
    """The small town as it was built."""
    back_to_good(small_town)
    return small_town


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=lambda each: each.what)
def test_a_corruption_is_found_and_named(town: House, corruption: Corruption) -> None:
    if corruption.only_on not in ("", dialect(town)):
        return  # the other database has nothing like it

    ruin(town, corruption)

    assert set(corruption.breaks) <= town.broken_invariants().keys()


def test_the_town_is_clean_before_anybody_touches_it(town: House) -> None:
    result = verify_on_the_terminal(town)

    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert lines[-1] == "clean"
    assert tuple(line.split()[0] for line in lines[:-1]) == INVARIANTS
    assert all(line.split()[1] == "ok" for line in lines[:-1])


def test_every_invariant_has_a_corruption_that_breaks_it() -> None:
    named = {name for corruption in CORRUPTIONS for name in corruption.breaks}
    assert named | SHOWN_BESIDE == set(INVARIANTS)
    assert len(CORRUPTIONS) >= 210
    assert len({corruption.what for corruption in CORRUPTIONS}) == len(CORRUPTIONS)


def test_what_constraints_forbid_is_refused_even_to_the_owner(town: House) -> None:
    refusals = (sqlite3.IntegrityError, psycopg.IntegrityError)
    with owner_of(town) as owner, owner.triggers_aside():
        for corruption in (*REFUSED, *REFUSED_ABOUT_APPROVALS):
            with pytest.raises(refusals):
                owner.run(corruption.sql())
    assert town.broken_invariants() == {}


def test_verify_names_the_invariant_and_the_first_five_offenders(town: House) -> None:
    with owner_of(town) as owner:
        one = "INSERT INTO house_account VALUES ('90#', 'x', 'debit', NULL, false)"
        owner.run([one.replace("#", str(n)) for n in range(7)])

    result = verify_on_the_terminal(town)

    assert result.exit_code == 1
    lines = result.output.splitlines()
    at = next(n for n, line in enumerate(lines) if "BROKEN" in line)
    assert lines[at].startswith("L1   BROKEN (7)")
    assert lines[at + 1 : at + 6] == [
        f"       account 90{n} is not as the chart has it" for n in range(5)
    ]
    assert lines[at + 6].startswith("L2")
    assert lines[-1] == "broken: L1"


def test_books_that_cannot_be_read_are_not_called_clean(town: House) -> None:
    with owner_of(town) as owner:
        owner.run(["ALTER TABLE posting RENAME TO posting_away"])

    result = verify_on_the_terminal(town)

    assert result.exit_code == 2
    assert "could not check" in result.output
    assert "clean" not in result.output


def test_what_no_key_opens_is_named_and_the_other_checks_go_on(town: House) -> None:
    with owner_of(town) as owner:
        owner.run(["UPDATE person SET id_number = id_number_index"])

    result = verify_on_the_terminal(town)

    assert result.exit_code == 1
    lines = result.output.splitlines()
    assert lines[-1] == "broken: W1, W3"
    assert tuple(line.split()[0] for line in lines[:-1] if line[0] != " ") == INVARIANTS
    unreadable = "       could not be checked: VaultCannotOpen person.id_number"
    assert lines[lines.index(unreadable) - 1].startswith("W1   BROKEN (1)")
    assert lines.count(unreadable) == 2


def test_what_cannot_be_read_is_not_quoted(town: House) -> None:
    with owner_of(town) as owner:
        owner.run(["UPDATE policy_version SET document = '{\"13812341234\"'"])

    result = verify_on_the_terminal(town)

    assert result.exit_code == 1
    assert "       could not be checked: PolicyInvalid\n" in result.output
    assert "13812341234" not in result.output


def verify_on_the_terminal(house: House):  # type: ignore[no-untyped-def] # click's Result
    """`flask verify`, as somebody at the terminal gets it."""
    return house.app.test_cli_runner().invoke(args=["verify"])
