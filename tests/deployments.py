"""Deployments to start: their settings, their database, and real servers on them."""

from __future__ import annotations

import base64
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import flask_migrate
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from flask import Flask

from app import db as database
from app.cli import FIRST_AGREEMENT, FIRST_POLICY
from app.db import db
from app.services import installation
from sandbox.keys import ensure_keys
from sandbox.postgres import APP_ROLE, EmbeddedPostgres
from tests.databases import GivenPostgres
from tests.documents.seals import a_seal

ROOT = Path(__file__).resolve().parents[1]
START_WITHIN_S = 60


@cache
def a_key(label: str = "one") -> RSAPrivateKey:
    """The RSA key of that label."""
    return generate_private_key(65537, 2048)


def private_pem(key: RSAPrivateKey) -> bytes:
    """The key as a file holds it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_pem(key: RSAPrivateKey) -> bytes:
    """Its public half as a file holds it."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def random_key() -> str:
    """32 random bytes, as settings spell them."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def sound_settings(folder: Path, database_url: str = "") -> dict[str, str]:
    """Everything production asks for, with its files in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    seal = a_seal()
    files = {
        "merchant.pem": private_pem(a_key("merchant")),
        "wechat.pem": public_pem(a_key("wechat")),
        "seal-key.pem": seal.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        "seal.pem": seal.certificate.public_bytes(Encoding.PEM),
        "ca.pem": seal.ca.public_bytes(Encoding.PEM),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return {
        "APP_ENV": "production",
        "DATABASE_URL": database_url or "postgresql+psycopg://web@/lingcun?host=/run/postgresql",
        "WECHAT_APPID": "wx8f3a2c9d4e5b6071",
        "WECHAT_APP_SECRET": "9d0c4b7e2f6a81359e3d7c5b0a4f8261",
        "WECHAT_PUSH_TOKEN": "T7fQ2xLm9Rk4Vb1N",
        "WECHAT_PUSH_AES_KEY": "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C",
        "WECHAT_PAY_MCHID": "1604892735",
        "WECHAT_PAY_MERCHANT_SERIAL": "5B7A3C91D04E68F2A1B5C7D93E60F8A42C1D7B9E",
        "WECHAT_PAY_MERCHANT_KEY_FILE": str(folder / "merchant.pem"),
        "WECHAT_PAY_PUBLIC_KEY_ID": "PUB_KEY_ID_0116048927352025030400381964002",
        "WECHAT_PAY_PUBLIC_KEY_FILE": str(folder / "wechat.pem"),
        "WECHAT_PAY_APIV3_KEY": "q7Rk2mX9vB4nZ8tL1wY6pJ3hD5gF0sCa",
        "WECHAT_PAY_NOTIFY_URL": "https://fund.huzhou.gov.cn/v1/notices/wechat-pay",
        "FIELD_KEYS": f"1:{random_key()}",
        "BLIND_INDEX_KEY": random_key(),
        "SEAL_KEY_FILE": str(folder / "seal-key.pem"),
        "SEAL_CERT_FILE": str(folder / "seal.pem"),
        "SEAL_CA_FILE": str(folder / "ca.pem"),
    }


def decided_policy() -> str:
    """The first policy as if every figure of it had been decided."""
    return FIRST_POLICY.read_text("utf-8").replace('"placeholder"', '"official"')


@contextmanager
def bare_app(url: str, owner_url: str = "") -> Iterator[Flask]:
    """An application with a database and nothing else, at work inside the block."""
    app = Flask("bare", static_folder=None)
    app.extensions["lingcun-settings"] = SimpleNamespace(
        database_url=url, database_owner_url=owner_url
    )
    database.install(app, url)
    with app.app_context():
        try:
            yield app
        finally:
            db.session.remove()
            db.engine.dispose()


def migrate_and_install(
    url: str, owner_url: str = "", *, environment: str, policy_toml: str = ""
) -> None:
    """The database at `url` is ready for the environment."""
    with bare_app(url, owner_url):
        flask_migrate.upgrade()
        installation.install(
            environment=environment,
            policy_toml=policy_toml or FIRST_POLICY.read_text("utf-8"),
            template=FIRST_AGREEMENT.read_text("utf-8"),
            at=datetime(2024, 1, 1, tzinfo=UTC),
        )


def new_database(server: EmbeddedPostgres | GivenPostgres, name: str) -> tuple[str, str]:
    """An empty database of the server: the app's and the owner's address."""
    server.drop_database(name)
    owner_url = server.create_database(name)
    return server.url(name, user=APP_ROLE), owner_url


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Settings production takes, of a database nobody has."""
    return sound_settings(tmp_path_factory.mktemp("production"))


@pytest.fixture(scope="session")
def sandbox_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The keys of a sandbox."""
    folder = tmp_path_factory.mktemp("sandbox") / "keys"
    ensure_keys(folder)
    return folder


NewDatabase = Callable[..., tuple[str, str]]


@pytest.fixture
def given_database(postgres_server: EmbeddedPostgres | GivenPostgres) -> NewDatabase:
    """A new database of PostgreSQL, installed as asked: the app's and the owner's address."""
    if not isinstance(postgres_server, EmbeddedPostgres):
        pytest.skip("production asks for TLS or a socket, which only our own server surely has")

    def installed(name: str, **asked: str) -> tuple[str, str]:
        app_url, owner_url = new_database(postgres_server, name)
        if asked:
            migrate_and_install(app_url, owner_url, **asked)
        return app_url, owner_url

    return installed


def plain_environment(home: Path, **given: str) -> dict[str, str]:
    """What a machine that knows nothing of us hands to a process."""
    home.mkdir(parents=True, exist_ok=True)
    return {"PATH": os.environ["PATH"], "HOME": str(home), **given}


def python(
    *arguments: str, environment: Mapping[str, str], cwd: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    """What a Python process with these arguments printed, and how it ended."""
    return subprocess.run(
        [sys.executable, *arguments],
        env=dict(environment),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=START_WITHIN_S,
        check=False,
    )


def import_wsgi(environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """What a WSGI server would meet when it loads the application."""
    return python("-c", "import wsgi", environment=environment)


@dataclass
class Server:
    """A gunicorn at work."""

    process: subprocess.Popen[str]
    log_file: Path
    base: str = ""

    @property
    def log(self) -> str:
        """Everything it has written so far."""
        return self.log_file.read_text("utf-8")

    @property
    def workers(self) -> list[int]:
        """The process ids of its workers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text("ascii").split()]

    def get(self, path: str) -> requests.Response:
        """The answer to a request on a connection of its own."""
        return requests.get(
            f"{self.base}{path}", timeout=START_WITHIN_S, headers={"Connection": "close"}
        )

    def stop(self) -> float:
        """It was asked to end and has ended; answers after how many seconds."""
        asked_at = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=30)
        return time.monotonic() - asked_at


@contextmanager
def serving(
    environment: Mapping[str, str], log_file: Path, *, cwd: Path = ROOT, workers: int = 2
) -> Iterator[Server]:
    """`gunicorn wsgi:app` answers while the block runs, on a port the machine chose."""
    command = [sys.executable, "-m", "gunicorn", "wsgi:app", "--bind", "127.0.0.1:0"]
    with log_file.open("w") as log:
        process = subprocess.Popen(
            [*command, "--workers", str(workers)],
            env=dict(environment),
            cwd=cwd,
            stdout=log,
            stderr=log,
            text=True,
        )
    server = Server(process, log_file)
    try:
        _wait_until_ready(server)
        yield server
    finally:
        if process.poll() is None:
            process.kill() if server.base == "" else server.stop()
            process.wait()


def _wait_until_ready(server: Server) -> None:
    deadline = time.monotonic() + START_WITHIN_S
    while server.process.poll() is None and time.monotonic() < deadline:
        found = re.search(r"Listening at: (http://127\.0\.0\.1:\d+)", server.log)
        if found:
            server.base = found[1]
            assert server.get("/readyz").status_code == 200, server.log
            return
        time.sleep(0.05)
    raise AssertionError(f"the server did not start:\n{server.log}")
