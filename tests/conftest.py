"""A house on each database for every test that asks for one; `verify` is clean after each."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from sandbox.postgres import EmbeddedPostgres
from tests.databases import GivenPostgres, Postgres, Sqlite
from tests.house import House, open_house

pytest_plugins = ["tests.clauses.plugin", "tests.deployments"]

# How long an example takes says more about the machine's other work than about the code.
settings.register_profile("house", deadline=None, print_blob=True)
settings.load_profile("house")

DATABASES = ("sqlite", "postgres")
_MEMORY_NEEDED = 4 * 2**30


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[EmbeddedPostgres | GivenPostgres]:
    """The server of this run. One that cannot start is a failure of every test that needs it."""
    url = os.environ.get("TEST_POSTGRES_URL")
    if url:
        yield GivenPostgres(url)
        return
    folder = _folder_in_memory()
    with EmbeddedPostgres(folder, durable=False) as server:
        yield server
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


def _folder_in_memory() -> Path | None:
    """Where the machine has memory to spare, resetting a database takes a sixth of the time."""
    memory = Path("/dev/shm")  # noqa: S108 - a fresh folder of our own is made in it
    if not os.access(memory, os.W_OK) or shutil.disk_usage(memory).free < _MEMORY_NEEDED:
        return None
    folder = Path(tempfile.mkdtemp(prefix="lingcun-tests-", dir=memory))
    folder.chmod(0o711)  # the account that runs the server must get through to its data
    return folder


@pytest.fixture(scope="session", params=DATABASES)
def standing_house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    """The house of this process on one database."""
    folder: Path = tmp_path_factory.mktemp(f"house-{request.param}")
    if request.param == "postgres":
        database = Postgres(request.getfixturevalue("postgres_server"))
    else:
        database = Sqlite(folder)
    with open_house(folder, database) as house:
        yield house


@pytest.fixture
def house(standing_house: House) -> Iterator[House]:
    """A house as new. After the test its books must be clean: every test that moves money."""
    standing_house.reset()
    yield standing_house
    broken = standing_house.broken_invariants()
    assert broken == {}, f"verify: {broken}"


@pytest.fixture
def house_to_break(standing_house: House) -> House:
    """A house as new, for tests that damage it on purpose: nothing is verified after them."""
    standing_house.reset()
    return standing_house
