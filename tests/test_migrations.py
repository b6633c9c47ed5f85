"""Migrations make the schema of the models, on both databases, and give the app what it needs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import flask_migrate
import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import ProgrammingError

import app.models  # noqa: F401 - the tables
from app import cli
from app.db import db
from sandbox.postgres import APP_ROLE, EmbeddedPostgres
from tests.databases import GivenPostgres
from tests.deployments import ROOT, bare_app, migrate_and_install
from tests.schema import dump

MIGRATIONS = ROOT / "migrations"
FILES = sorted((MIGRATIONS / "versions").glob("*.py"))
BIT_BY_BIT = [path.name[:4] for path in FILES]

ADDED_TO = {"INSERT", "SELECT"}
CHANGED = {"INSERT", "SELECT", "UPDATE"}
# What the application may do on PostgreSQL, table by table, and nothing besides.
GRANTS: dict[str, set[str]] = {
    "agreement": CHANGED,
    "agreement_template": ADDED_TO,
    "alembic_version": {"SELECT"},
    "book_day": CHANGED,
    "book_day_total": ADDED_TO,
    "consent": CHANGED,
    "daily_balance_snapshot": CHANGED,
    "deployment": ADDED_TO,
    "enrolment": CHANGED,
    "fund_account": CHANGED,
    "house_account": ADDED_TO,
    "idempotency_key": CHANGED,
    "identity_check": CHANGED,
    "identity_segment": CHANGED,
    "job_run": CHANGED,
    "journal": ADDED_TO,
    "member_session": CHANGED,
    "notice": CHANGED,
    "payment_case": CHANGED,
    "payment_order": CHANGED,
    "person": CHANGED,
    "policy_version": ADDED_TO,
    "posting": ADDED_TO,
    "sub_account": CHANGED,
    "used_login_code": {"DELETE", "INSERT", "SELECT"},
    "wechat_account": CHANGED,
    "wechat_payment": CHANGED,
}

TAMPERING = {
    "sqlite": [
        "DROP TRIGGER journal_refuses_update",
        "DROP INDEX uq_wechat_payment_credited_order",
        "ALTER TABLE journal ADD COLUMN mine VARCHAR",
        "CREATE INDEX mine ON journal (kind)",
        "CREATE VIEW my_view AS SELECT 1",
    ],
    "postgresql": [
        "DROP TRIGGER payment_order_moves_forward ON payment_order",
        "DROP INDEX uq_wechat_payment_credited_order",
        "ALTER TABLE journal ADD COLUMN mine VARCHAR",
        "CREATE INDEX mine ON journal (kind)",
        "CREATE VIEW my_view AS SELECT 1",
        "ALTER TABLE posting DROP CONSTRAINT ck_posting_two_accounts",
        "ALTER TABLE posting DROP CONSTRAINT fk_posting_journal_id",
        "ALTER TABLE person DROP CONSTRAINT uq_person_id_number_index",
        "ALTER TABLE journal ALTER COLUMN reason DROP NOT NULL",
        "ALTER TABLE journal ALTER COLUMN reason SET DEFAULT ''",
        "ALTER TABLE posting ALTER COLUMN line TYPE int",
        "ALTER TABLE journal DISABLE TRIGGER journal_refuses_change",
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN RETURN NULL; END'",
    ],
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
    "UPDATE alembic_version SET version_num = '0001'",
    "SELECT * FROM journal FOR UPDATE",
    "SET ROLE lingcun_owner",
]


class Place:
    """Two empty databases of one kind: one to migrate, one for `create_all`."""

    def __init__(self, urls: dict[str, tuple[str, str]]) -> None:
        self.urls = urls

    @contextmanager
    def migrating(self) -> Iterator[Engine]:
        app_url, owner_url = self.urls["migrated"]
        with bare_app(app_url, owner_url), _engine(owner_url or app_url) as engine:
            yield engine

    def created(self) -> dict[str, str]:
        app_url, owner_url = self.urls["created"]
        with _engine(owner_url or app_url) as engine:
            db.metadata.create_all(engine)
            return schema_of(engine)


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "sqlite":
        names = ("migrated", "created")
        return Place({name: (f"sqlite:///{tmp_path / name}.sqlite", "") for name in names})
    server = request.getfixturevalue("postgres_server")
    return Place({name: new_database(server, f"schema_{name}") for name in ("migrated", "created")})


@pytest.fixture
def installed(postgres_server: EmbeddedPostgres | GivenPostgres) -> tuple[str, str]:
    """The app's and the owner's address of an installed database on PostgreSQL."""
    app_url, owner_url = new_database(postgres_server, "schema_installed")
    migrate_and_install(app_url, owner_url, environment="sandbox")
    return app_url, owner_url


def new_database(server: EmbeddedPostgres | GivenPostgres, name: str) -> tuple[str, str]:
    server.drop_database(name)
    owner_url = server.create_database(name)
    return server.url(name, user=APP_ROLE), owner_url


@contextmanager
def _engine(url: str) -> Iterator[Engine]:
    engine = create_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


def schema_of(engine: Engine) -> dict[str, str]:
    with engine.connect() as connection:
        return dump(connection)


# --- the same schema both ways ---


def test_migrating_from_nothing_makes_exactly_the_schema_of_the_models(place: Place) -> None:
    with place.migrating() as engine:
        flask_migrate.upgrade()
        migrated = schema_of(engine)

    assert migrated == place.created()
    assert len(migrated) > 200


def test_down_to_nothing_and_up_again_is_the_same_schema(place: Place) -> None:
    with place.migrating() as engine:
        flask_migrate.upgrade()
        before = schema_of(engine) | grants_of(engine)

        flask_migrate.downgrade(revision="base")
        nothing = schema_of(engine) | grants_of(engine)
        flask_migrate.upgrade()

        assert nothing == {}
        assert schema_of(engine) | grants_of(engine) == before


def test_every_single_step_can_be_taken_back(place: Place) -> None:
    with place.migrating() as engine:
        for revision in BIT_BY_BIT:
            before = schema_of(engine)
            flask_migrate.upgrade(revision=revision)
            after = schema_of(engine)

            flask_migrate.downgrade(revision="-1")
            assert schema_of(engine) == before, revision
            flask_migrate.upgrade(revision=revision)
            assert schema_of(engine) == after, revision


def test_the_comparison_sees_what_is_different(place: Place) -> None:
    with place.migrating() as engine:
        flask_migrate.upgrade()
        unseen = []
        for tampering in TAMPERING[engine.dialect.name]:
            before = schema_of(engine)
            with engine.begin() as connection:
                connection.execute(text(tampering))
            if schema_of(engine) == before:
                unseen.append(tampering)

        assert unseen == []


# --- the files ---


def test_there_is_one_head_and_the_file_names_it() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))

    heads = ScriptDirectory.from_config(config).get_heads()

    assert heads == [(MIGRATIONS / ".current-head").read_text("ascii").strip()]


def test_migrations_are_numbered_without_gaps_and_follow_each_other() -> None:
    found = [_constants(path) for path in FILES]

    wanted = [f"{number:04d}" for number in range(1, len(FILES) + 1)]
    assert BIT_BY_BIT == wanted
    assert [each["revision"] for each in found] == wanted
    assert [each["down_revision"] for each in found] == [None, *wanted[:-1]]


def test_every_migration_is_a_sentence() -> None:
    for path in FILES:
        assert re.fullmatch(r"\d{4}(_[a-z]+)+\.py", path.name), path.name
        said = ast.get_docstring(ast.parse(path.read_text("utf-8")))
        assert said is not None, path.name
        assert re.match(r"[A-Z].{10,}\.$", said.splitlines()[0]), path.name


def _constants(path: Path) -> dict[str, Any]:
    return {
        target.id: ast.literal_eval(node.value)
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name) and target.id in ("revision", "down_revision")
    }


# --- the app's role ---


def test_the_app_may_do_this_and_nothing_besides(installed: tuple[str, str]) -> None:
    _, owner_url = installed

    with _engine(owner_url) as engine:
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

    with _engine(owner_url) as engine, engine.begin() as connection:
        connection.execute(text("CREATE TABLE tomorrow (id bigserial)"))

    with _engine(owner_url) as engine:
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

    with _engine(owner_url) as engine:
        for statement in (
            "UPDATE journal SET reason = 'x'",
            "DELETE FROM posting",
            "TRUNCATE posting",
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


def the_rows(engine: Engine, query: str) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def grants_of(engine: Engine) -> dict[str, str]:
    """What the app's role may do, by name of relation; nothing on SQLite, which has no roles."""
    if engine.dialect.name == "sqlite":
        return {}
    rights = """
        SELECT name, string_agg(privilege_type, ' ' ORDER BY privilege_type) FROM (
            SELECT relname AS name, (aclexplode(relacl)).* FROM pg_class
            WHERE relnamespace = 'public'::regnamespace
            UNION ALL
            SELECT 'schema ' || nspname, (aclexplode(nspacl)).* FROM pg_namespace
            WHERE nspname = 'public'
            UNION ALL
            SELECT 'default rights on ' || CASE defaclobjtype WHEN 'r' THEN 'relations'
                WHEN 'S' THEN 'sequences' ELSE defaclobjtype::text END,
                (aclexplode(defaclacl)).* FROM pg_default_acl
        ) AS every WHERE grantee = :role::regrole GROUP BY name
    """.replace(":role::regrole", f"'{APP_ROLE}'::regrole")
    return dict(the_rows(engine, rights))  # type: ignore[arg-type]


@contextmanager
def _as_app(installed: tuple[str, str]) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    url = make_url(installed[0]).set(drivername="postgresql")
    address = url.render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        yield connection
