"""`flask install`: what it adds, and what it says when it cannot."""

import pytest
from sqlalchemy import update

from app.db import transaction
from app.models import Deployment
from tests.house import House


def test_installing_again_changes_nothing(house: House) -> None:
    answer = house.app.test_cli_runner().invoke(args=["install"])

    assert (answer.exit_code, answer.output) == (0, "nothing to add: everything was installed\n")


# On PostgreSQL the app role cannot rewrite where a database came from, not even for a test.
@pytest.mark.parametrize("standing_house", ["sqlite"], indirect=True)
def test_a_database_of_the_other_environment_is_refused_in_one_line(house_to_break: House) -> None:
    house = house_to_break
    with house.app.app_context(), transaction() as session:
        session.execute(update(Deployment).values(environment="production"))

    answer = house.app.test_cli_runner().invoke(args=["install"])

    assert answer.exit_code == 1
    assert answer.output == (
        "Error: the database was made by production; sandbox must not use it\n"
    )
