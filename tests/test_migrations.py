"""Migrations make the schema of the models, on both databases, and give the app what it needs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import flask_migrate
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.engine import Engine

import app.models  # noqa: F401 - the tables
from app.db import db
from tests.deployments import ROOT, bare_app, new_database
from tests.schema import engine_of, grants_of, schema_of

MIGRATIONS = ROOT / "migrations"
FILES = sorted((MIGRATIONS / "versions").glob("*.py"))
BIT_BY_BIT = [path.name[:4] for path in FILES]

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


class Place:
    """Two empty databases of one kind: one to migrate, one for `create_all`."""

    def __init__(self, urls: dict[str, tuple[str, str]]) -> None:
        self.urls = urls

    @contextmanager
    def migrating(self) -> Iterator[Engine]:
        app_url, owner_url = self.urls["migrated"]
        with bare_app(app_url, owner_url), engine_of(owner_url or app_url) as engine:
            yield engine

    def created(self) -> dict[str, str]:
        app_url, owner_url = self.urls["created"]
        with engine_of(owner_url or app_url) as engine:
            db.metadata.create_all(engine)
            return schema_of(engine)


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "sqlite":
        names = ("migrated", "created")
        return Place({name: (f"sqlite:///{tmp_path / name}.sqlite", "") for name in names})
    server = request.getfixturevalue("postgres_server")
    return Place({name: new_database(server, f"schema_{name}") for name in ("migrated", "created")})


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
