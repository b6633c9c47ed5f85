"""One set of keys for all tests; a world of its own for each."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.keys import ensure_keys
from sandbox.server import create_sandbox, serve_in_thread
from tests.sandbox.merchant import Merchant, Phone, Receiver, receiving


@pytest.fixture(scope="session")
def keys_made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys") / "sandbox"
    ensure_keys(folder)
    return folder


@pytest.fixture
def folder(keys_made_once: Path, tmp_path: Path) -> Path:
    """Keys, but nobody else's books and nobody else's clock."""
    own = tmp_path / "sandbox"
    shutil.copytree(keys_made_once, own)
    ensure_keys(own)
    return own


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
def merchant(folder: Path, receiver: Receiver) -> Iterator[Merchant]:
    app = create_sandbox(folder, database=":memory:", notify_default=receiver.notify_url)
    with serve_in_thread(app) as base:
        yield Merchant(folder, base)


@pytest.fixture
def phone(merchant: Merchant) -> Phone:
    return Phone(merchant)
