"""On PostgreSQL the app has a role of its own, which may do what it needs and nothing more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import ProgrammingError

import app.models  # noqa: F401 - the tables
from app import cli
from app.db import db
from sandbox.postgres import EmbeddedPostgres
from tests.databases import GivenPostgres
from tests.deployments import bare_app, migrate_and_install, new_database
from tests.schema import engine_of, grants_of, the_rows

ADDED_TO = {"INSERT", "SELECT"}
CHANGED = {"INSERT", "SELECT", "UPDATE"}
# What the application may do on PostgreSQL, table by table, and nothing besides.
GRANTS: dict[str, set[str]] = {
    "agreement": CHANGED,
    "agreement_template": ADDED_TO,
    "alembic_version": {"SELECT"},
    "approval": CHANGED,
    "audit_answer": ADDED_TO,
    "audit_entry": ADDED_TO,
    "bank_batch": ADDED_TO,
    "bank_batch_result": ADDED_TO,
    "book_day": CHANGED,
    "book_day_total": ADDED_TO,
    "consent": CHANGED,
    "daily_balance_snapshot": CHANGED,
    "deployment": ADDED_TO,
    "deposit_limit_override": ADDED_TO,
    "enrolment": CHANGED,
    "erasure": CHANGED,
    "fund_account": CHANGED,
    "house_account": ADDED_TO,
    "idempotency_key": CHANGED,
    "identity_check": CHANGED,
    "identity_segment": CHANGED,
    "job_run": CHANGED,
    "journal": ADDED_TO,
    "manual_journal": CHANGED,
    "member_session": CHANGED,
    "message_delivery": CHANGED,
    "message_permission": CHANGED,
    "notice": CHANGED,
    "notification": CHANGED,
    "payment_case": CHANGED,
    "payment_order": CHANGED,
    "payout": CHANGED,
    "payout_leg": CHANGED,
    "person": CHANGED,
    "platform_certificate": CHANGED,
    "policy_version": ADDED_TO,
    "posting": ADDED_TO,
    "pushed_message": CHANGED,
    "staff_account": CHANGED,
    "staff_activation": CHANGED,
    "staff_assignment": CHANGED,
    "staff_person": ADDED_TO,
    "staff_session": CHANGED,
    "sub_account": CHANGED,
    "usage_window": {"DELETE", "INSERT", "SELECT", "UPDATE"},
    "used_login_code": {"DELETE", "INSERT", "SELECT"},
    "wechat_account": CHANGED,
    "wechat_bill_case": ADDED_TO,
    "wechat_bill_day": CHANGED,
    "wechat_bill_line": ADDED_TO,
    "wechat_payment": CHANGED,
    "work_item": CHANGED,
}

FORBIDDEN = [
    "CREATE TABLE mine (id int)",
    "CREATE TEMPORARY TABLE mine (id int)",
    "CREATE VIEW mine AS SELECT 1",
    "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE SCHEMA mine",
    "DROP TABLE job_run",
    "ALTER TABLE journal ADD COLUMN mine int",
    "ALTER TABLE journal DISABLE TRIGGER ALL",
    "DROP TRIGGER journal_refuses_change ON journal",
    "TRUNCATE journal CASCADE",
    "TRUNCATE job_run",
    "UPDATE journal SET reason = 'x'",
    "UPDATE posting SET amount_fen = 1",
    "DELETE FROM journal",
    "DELETE FROM posting",
    "DELETE FROM wechat_payment",
    "UPDATE deployment SET environment = 'production'",
    "UPDATE policy_version SET has_placeholders = false",
    "UPDATE audit_entry SET verdict = 'allowed'",
    "UPDATE audit_answer SET status = 200",
    "DELETE FROM audit_entry",
    "TRUNCATE audit_entry CASCADE",
    "ALTER TABLE audit_entry DISABLE TRIGGER ALL",
    "DELETE FROM approval",
    "DROP TRIGGER approval_stays_as_decided ON approval",
    "ALTER FUNCTION approval_is_frozen() RENAME TO approval_is_free",
    "UPDATE deposit_limit_override SET limit_fen = limit_fen + 1",
    "DELETE FROM deposit_limit_override",
    "UPDATE staff_person SET name = id_number",
    "DELETE FROM staff_assignment",
    "DELETE FROM staff_session",
    "DELETE FROM work_item",
    "DELETE FROM manual_journal",
    "UPDATE alembic_version SET version_num = '0001'",
    "SELECT * FROM journal FOR UPDATE",
    "SET ROLE lingcun_owner",
]


@pytest.fixture
def installed(postgres_server: EmbeddedPostgres | GivenPostgres) -> tuple[str, str]:
    """The app's and the owner's address of an installed database on PostgreSQL."""
    app_url, owner_url = new_database(postgres_server, "schema_installed")
    migrate_and_install(app_url, owner_url, environment="sandbox")
    return app_url, owner_url


def test_the_app_may_do_this_and_nothing_besides(installed: tuple[str, str]) -> None:
    _, owner_url = installed

    with engine_of(owner_url) as engine:
        found = grants_of(engine)
        public = the_rows(
            engine,
            "SELECT * FROM information_schema.role_table_grants WHERE grantee = 'PUBLIC'"
            " AND table_schema = 'public'",
        )

    tables = {name: rights for name, rights in found.items() if name in GRANTS}
    assert tables == {name: " ".join(sorted(rights)) for name, rights in GRANTS.items()}
    others = {name: rights for name, rights in found.items() if name not in GRANTS}
    assert {rights for name, rights in others.items() if name.endswith("_id_seq")} == {
        "SELECT USAGE"
    }
    assert sorted(name for name in others if not name.endswith("_id_seq")) == [
        "default rights on relations",
        "default rights on sequences",
        "schema public",
    ]
    assert public == []


def test_a_table_of_tomorrow_can_be_added_to_but_not_deleted_from(
    installed: tuple[str, str],
) -> None:
    _, owner_url = installed

    with engine_of(owner_url) as engine, engine.begin() as connection:
        connection.execute(text("CREATE TABLE tomorrow (id bigserial)"))

    with engine_of(owner_url) as engine:
        assert grants_of(engine)["tomorrow"] == "INSERT SELECT UPDATE"
        assert grants_of(engine)["tomorrow_id_seq"] == "SELECT USAGE"


def test_the_database_refuses_the_app_whatever_it_has_no_right_to(
    installed: tuple[str, str],
) -> None:
    allowed = []
    with _as_app(installed) as connection:
        for statement in FORBIDDEN:
            try:
                connection.execute(statement)
                allowed.append(statement)
            except psycopg.errors.InsufficientPrivilege:
                pass

    assert allowed == []


def test_the_app_is_neither_superuser_nor_owner_of_anything(installed: tuple[str, str]) -> None:
    with _as_app(installed) as connection:
        powers = connection.execute(
            "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls"
            " FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
        owned = connection.execute(
            "SELECT relname FROM pg_class WHERE relowner = current_user::regrole"
        ).fetchall()
        member_of = connection.execute(
            "SELECT roleid::regrole FROM pg_auth_members WHERE member = current_user::regrole"
        ).fetchall()

    assert powers == (False,) * 5
    assert (owned, member_of) == ([], [])


def test_even_the_owner_cannot_change_what_was_posted(installed: tuple[str, str]) -> None:
    _, owner_url = installed

    with engine_of(owner_url) as engine:
        for statement in (
            "UPDATE journal SET reason = 'x'",
            "DELETE FROM posting",
            "TRUNCATE posting",
            "UPDATE audit_entry SET verdict = 'allowed'",
            "DELETE FROM audit_answer",
            "TRUNCATE audit_entry CASCADE",
            "DELETE FROM approval",
            "TRUNCATE approval CASCADE",
        ):
            with (
                pytest.raises(ProgrammingError, match="is append-only"),
                engine.begin() as connection,
            ):
                connection.execute(text(statement))


@pytest.mark.parametrize("which", ["sqlite", "postgres"])
def test_installing_again_changes_nothing(
    which: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if which == "sqlite":
        app_url, owner_url = f"sqlite:///{tmp_path / 'installed.sqlite'}", ""
        migrate_and_install(app_url, environment="sandbox")
    else:
        app_url, owner_url = request.getfixturevalue("installed")

    with bare_app(app_url, owner_url) as app:
        cli.install(app)
        app.extensions["lingcun-settings"] = SimpleNamespace(environment="sandbox")
        before = everything_in(db.engine)
        said = app.test_cli_runner().invoke(args=["install"])

        assert (said.exit_code, said.output) == (0, "nothing to add: everything was installed\n")
        assert everything_in(db.engine) == before
    assert before["deployment"][0][1] == "sandbox"


def everything_in(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    return {
        table.name: sorted(the_rows(engine, f"SELECT * FROM {table.name}"), key=repr)  # noqa: S608
        for table in db.metadata.sorted_tables
    }


@contextmanager
def _as_app(installed: tuple[str, str]) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    url = make_url(installed[0]).set(drivername="postgresql")
    address = url.render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        yield connection
