"""The embedded PostgreSQL starts for anyone, keeps its roles apart and leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from sandbox.keeper import Account, Ending, KeptProcess, run_as
from sandbox.postgres import APP_ROLE, OWNER_ROLE, EmbeddedPostgres
from sandbox.postgres_host import PostgresDidNotStart, account_without_rights

ROOT = Path(__file__).resolve().parents[2]

OWNER_SCRIPT = """
import sys, time
from sandbox.postgres import EmbeddedPostgres
with EmbeddedPostgres(durable=False) as server:
    print(server.keeper_pid, server.url("postgres"), flush=True)
    time.sleep(float(sys.argv[1]))
"""


def dsn(server: EmbeddedPostgres, database: str, user: str) -> str:
    return server.url(database, user=user).replace("+psycopg", "")


def until(question: Callable[[], bool], seconds: float = 15.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if question():
            return True
        time.sleep(0.05)
    return question()


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and ") Z " in status.read_text(encoding="utf-8")


def children_of(pid: int) -> list[int]:
    listing = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(word) for word in listing.read_text(encoding="utf-8").split()]


def test_it_starts_for_whoever_runs_it_and_never_as_root() -> None:
    with EmbeddedPostgres(durable=False) as server:
        server.create_database("books")
        (postgres_pid,) = children_of(server.keeper_pid)

        with psycopg.connect(dsn(server, "books", OWNER_ROLE)) as connection:
            row = connection.execute("SELECT current_user, getdatabaseencoding()").fetchone()

        assert row == (OWNER_ROLE, "UTF8")
        assert Path(f"/proc/{postgres_pid}").stat().st_uid != 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_it_starts_for_an_account_without_rights() -> None:
    account = account_without_rights()
    command = [sys.executable, "-c", OWNER_SCRIPT, "0"]
    try:
        run_as(account, ["test", "-r", str(ROOT / "sandbox" / "postgres.py")])
        run_as(account, ["test", "-x", sys.executable])
    except subprocess.CalledProcessError:
        pytest.skip("the project lies in a folder closed to other accounts")

    done = subprocess.run(
        command,
        cwd=ROOT,
        user=account.uid,
        group=account.gid,
        extra_groups=[],
        env={"PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr


def test_the_app_role_cannot_create_tables() -> None:
    with EmbeddedPostgres(durable=False) as server:
        server.create_database("books")

        with psycopg.connect(dsn(server, "books", APP_ROLE), autocommit=True) as connection:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("CREATE TABLE mine (id int)")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("CREATE TEMPORARY TABLE mine (id int)")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("CREATE DATABASE other")


def test_a_database_can_be_copied_from_a_template() -> None:
    with EmbeddedPostgres(durable=False) as server:
        server.create_database("pattern")
        with psycopg.connect(dsn(server, "pattern", OWNER_ROLE)) as connection:
            connection.execute("CREATE TABLE fact (id int)")
        server.create_database("copy", template="pattern")

        with psycopg.connect(dsn(server, "copy", OWNER_ROLE)) as connection:
            row = connection.execute("SELECT count(*) FROM fact").fetchone()

        assert row == (0,)
        server.drop_database("copy")
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(dsn(server, "copy", OWNER_ROLE))


def test_two_servers_run_at_once() -> None:
    with EmbeddedPostgres(durable=False) as one, EmbeddedPostgres(durable=False) as two:
        one.create_database("only_here")

        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(dsn(two, "only_here", OWNER_ROLE))


def test_kept_data_are_found_again_and_others_are_not(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path, keep=True) as server:
        server.create_database("books")
    with EmbeddedPostgres(tmp_path, keep=True) as server:
        psycopg.connect(dsn(server, "books", APP_ROLE)).close()

    with (
        EmbeddedPostgres(tmp_path, durable=False) as server,
        pytest.raises(psycopg.OperationalError),
    ):
        psycopg.connect(dsn(server, "books", APP_ROLE))
    with pytest.raises(PostgresDidNotStart):
        server.url("books")


def test_a_second_run_on_the_same_folder_is_refused_with_a_reason(tmp_path: Path) -> None:
    with (
        EmbeddedPostgres(tmp_path, durable=False),
        pytest.raises(PostgresDidNotStart, match=r"postmaster\.pid[\s\S]*What to do"),
    ):
        EmbeddedPostgres(tmp_path, keep=True, durable=False).start()


@pytest.mark.parametrize("victim", ["owner", "keeper"])
def test_it_ends_when_its_owner_or_its_keeper_is_killed(victim: str) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER_SCRIPT, "60"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    keeper_text, url = owner.stdout.readline().split()
    keeper = int(keeper_text)
    home = Path(url.split("host=")[1])
    (postgres,) = children_of(keeper)

    os.kill(owner.pid if victim == "owner" else keeper, signal.SIGKILL)

    assert until(lambda: gone(postgres))
    owner.kill()
    owner.wait()
    owner.stdout.close()
    if victim == "owner":
        assert until(lambda: gone(keeper))
        assert until(lambda: not home.exists())
    shutil.rmtree(home, ignore_errors=True)


def test_what_a_program_left_behind_is_ended_as_well(tmp_path: Path) -> None:
    script = "sleep 60 & echo $! > child; trap '' TERM; while true; do sleep 0.1; done"
    kept = KeptProcess(
        ["sh", "-c", script], log=tmp_path / "log", cwd=tmp_path, ending=Ending(grace_s=0.3)
    )
    child_file = tmp_path / "child"
    assert until(lambda: child_file.exists() and child_file.read_text(encoding="utf-8") != "")

    kept.stop()

    assert not kept.running
    assert until(lambda: gone(int(child_file.read_text(encoding="utf-8"))))


def test_a_program_that_ends_by_itself_leaves_its_code_and_its_last_words(tmp_path: Path) -> None:
    kept = KeptProcess(["sh", "-c", "echo out of order; exit 3"], log=tmp_path / "log")

    assert until(lambda: not kept.running)
    assert kept.exit_code == 3
    assert kept.last_lines() == "out of order"
    kept.stop()


def test_a_machine_without_an_unprivileged_account_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.postgres_host._UNPRIVILEGED", ("no-such-account",))

    with pytest.raises(PostgresDidNotStart, match="no user no-such-account"):
        account_without_rights()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_closed_home_is_not_opened_for_the_data(tmp_path: Path) -> None:
    closed = tmp_path / "home"
    closed.mkdir(mode=0o700)

    with EmbeddedPostgres(closed / "var", durable=False) as server:
        server.create_database("books")
        data = Path((closed / "var" / "data-lies-in.txt").read_text(encoding="utf-8").strip())
        assert data.exists()

    assert closed.stat().st_mode & 0o777 == 0o700
    assert until(lambda: not data.exists())


def test_an_account_of_nobody_has_no_group_of_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    account: Account = account_without_rights()

    words = run_as(account, ["id", "-G"]).split()

    assert "0" not in words
