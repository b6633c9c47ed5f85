"""Real starts: a deployment that may not serve ends at once and says every reason why."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from app.db import transaction
from app.services.installation import WrongEnvironment
from app.serving import reasons_not_to_serve
from tests.deployments import (
    NewDatabase,
    bare_app,
    decided_policy,
    import_wsgi,
    migrate_and_install,
    plain_environment,
    python,
)

Spoil = dict[str, str]


def test_a_start_that_is_refused_ends_with_every_reason(
    sound: dict[str, str], sandbox_folder: Path, tmp_path: Path
) -> None:
    made_by_sandbox = f"sqlite:///{tmp_path / 'made.sqlite'}"
    migrate_and_install(made_by_sandbox, environment="sandbox")
    spoilt = {
        "DATABASE_URL": made_by_sandbox,
        "WECHAT_APP_SECRET": "",
        "WECHAT_PAY_APIV3_KEY": "too-short",
        "WECHAT_PAY_BASE": "http://127.0.0.1:8100",
        "SEAL_CERT_FILE": str(sandbox_folder / "seal-cert.pem"),
        "FLASK_DEBUG": "1",
    }
    environment = plain_environment(tmp_path / "home", **sound | spoilt)

    command = ("-m", "gunicorn", "wsgi:app", "-b", "127.0.0.1:0", "-w", "1")
    refused = python(*command, environment=environment)

    assert refused.returncode == 3  # gunicorn ends, too, instead of starting workers for ever
    for reason in (
        "WECHAT_APP_SECRET is missing",
        "WECHAT_PAY_APIV3_KEY is 32 characters",
        "WECHAT_PAY_BASE must be one of",
        "SEAL_CERT_FILE was made by a sandbox",
        "the seal cannot be used",
        "FLASK_DEBUG is on",
        "DATABASE_URL is not PostgreSQL",
        "the database was made by sandbox, not by production",
        "policy huzhou-pilot-2024.1 holds placeholders",
    ):
        assert reason in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    ("spoilt", "reason"),
    [
        ({}, "the database does not answer or is not migrated (OperationalError)"),
        (
            {"DATABASE_URL": "postgresql://web@localhost:port/x"},
            "DATABASE_URL cannot be used (ValueError)",
        ),
        ({"DATABASE_URL": "postgresql:"}, "DATABASE_URL cannot be used (ArgumentError)"),
        ({"DATABASE_URL": "postgresql+none:///x"}, "DATABASE_URL cannot be used"),
    ],
    ids=["silent", "port", "short", "driver"],
)
def test_a_database_that_cannot_be_asked_is_a_reason(
    sound: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    spoilt: Spoil,
    reason: str,
) -> None:
    nobody = f"postgresql+psycopg://web@/lingcun?host={tmp_path}"
    for name, value in (sound | {"DATABASE_URL": nobody} | spoilt).items():
        monkeypatch.setenv(name, value)

    [found] = reasons_not_to_serve()

    assert found.startswith(reason)


def test_a_sandbox_is_not_for_others_to_reach(sandbox_folder: Path, tmp_path: Path) -> None:
    environment = plain_environment(tmp_path / "home", SANDBOX_FOLDER=str(sandbox_folder))

    for address in ("0.0.0.0:0", "[::]:0"):
        refused = python("-m", "gunicorn", "wsgi:app", "-b", address, environment=environment)
        assert refused.returncode != 0, address
        assert "APP_ENV=sandbox binds loopback only" in refused.stderr


@pytest.mark.parametrize(("module", "name"), [("wsgi", "app"), ("app", "create_app")])
def test_no_server_shows_a_sandbox_to_another_machine(
    sandbox_folder: Path, tmp_path: Path, module: str, name: str
) -> None:
    environment = plain_environment(tmp_path / "home", SANDBOX_FOLDER=str(sandbox_folder))
    peers = ("127.0.0.1", "::1", "::ffff:127.0.0.1", "", "203.0.113.9", "::ffff:203.0.113.9")
    asking = (
        f"from {module} import {name} as served\n"
        "client = (served if hasattr(served, 'test_client') else served()).test_client()\n"
        f"for peer in {peers}:\n"
        "    environ = {'REMOTE_ADDR': peer}\n"
        "    print(client.get('/healthz', environ_overrides=environ).status_code)"
    )

    answered = python("-c", asking, environment=environment)

    assert answered.stdout.split() == ["200", "200", "200", "200", "403", "403"], answered.stderr


def test_flask_run_is_refused_as_every_server_is(sound: dict[str, str], tmp_path: Path) -> None:
    nobody = f"postgresql+psycopg://web@/lingcun?host={tmp_path}"
    environment = plain_environment(tmp_path / "home", **sound | {"DATABASE_URL": nobody})
    command = ("-m", "flask", "--app", "wsgi", "run", "--port", "0")

    started = [
        python(*command, environment=environment),
        import_wsgi(environment | {"FLASK_RUN_FROM_CLI": "true"}),
    ]

    assert [each.returncode for each in started] == [3, 3]
    for each in started:
        assert each.stderr.startswith("not serving:\n  - the database does not answer")


def test_the_factory_by_itself_does_not_serve_what_is_not_fit(
    sound: dict[str, str], tmp_path: Path
) -> None:
    nobody = f"postgresql+psycopg://web@/lingcun?host={tmp_path}"
    environment = plain_environment(tmp_path / "home", **sound | {"DATABASE_URL": nobody})

    started = python("-m", "flask", "--app", "app", "run", "--port", "0", environment=environment)

    assert started.returncode != 0
    assert "the database does not answer" in started.stderr


def test_other_flask_commands_work_on_what_is_not_ready_to_serve(
    sandbox_folder: Path, tmp_path: Path
) -> None:
    environment = plain_environment(
        tmp_path / "home",
        SANDBOX_FOLDER=str(sandbox_folder),
        DATABASE_URL=f"sqlite:///{tmp_path / 'new.sqlite'}",
    )

    commands = (
        ["verify"],
        ["db", "upgrade"],
        ["install"],
        ["verify"],
        ["jobs", "run", "follow-up-payments"],
    )
    codes = [
        python("-m", "flask", "--app", "wsgi", *command, environment=environment).returncode
        for command in commands
    ]

    assert codes == [2, 0, 0, 0, 0]  # what is not migrated could not be checked


# --- PostgreSQL ---


def test_on_postgresql_each_environment_keeps_to_its_own_database(
    sound: dict[str, str], sandbox_folder: Path, tmp_path: Path, given_database: NewDatabase
) -> None:
    ours, _ = given_database("ours", environment="production", policy_toml=decided_policy())
    theirs, _ = given_database("theirs", environment="sandbox", policy_toml=decided_policy())
    sandbox = plain_environment(tmp_path / "home", SANDBOX_FOLDER=str(sandbox_folder))
    production = plain_environment(tmp_path / "home", **sound)

    started = [
        import_wsgi(production | {"DATABASE_URL": theirs}),
        import_wsgi(sandbox | {"DATABASE_URL": ours}),
    ]

    assert [(each.returncode, each.stderr) for each in started] == [
        (3, "not serving:\n  - the database was made by sandbox, not by production\n"),
        (3, "not serving:\n  - the database was made by production, not by sandbox\n"),
    ]


def test_on_postgresql_production_asks_for_decided_rules_and_a_login_without_power(
    sound: dict[str, str], monkeypatch: pytest.MonkeyPatch, given_database: NewDatabase
) -> None:
    undecided, owner = given_database("undecided", environment="production")
    empty, _ = given_database("empty")
    for name, value in sound.items():
        monkeypatch.setenv(name, value)

    found = {}
    for name, url in {"undecided": undecided, "owner": owner, "empty": empty}.items():
        monkeypatch.setenv("DATABASE_URL", url)
        found[name] = reasons_not_to_serve()

    placeholders = "policy huzhou-pilot-2024.1 holds placeholders: nobody decided those figures"
    power = "DATABASE_URL's login may change journals: let it be a mere member of `lingcun_app`"
    unmade = "the database does not answer or is not migrated (UndefinedTable): `flask db upgrade`"
    assert found == {
        "undecided": [placeholders],
        "owner": [power, placeholders],
        "empty": [unmade],
    }


def test_a_database_behind_the_migrations_is_a_reason_and_one_ahead_is_none(
    sandbox_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'stands.sqlite'}"
    migrate_and_install(url, environment="sandbox")
    monkeypatch.setenv("SANDBOX_FOLDER", str(sandbox_folder))
    monkeypatch.setenv("DATABASE_URL", url)

    found = {}
    for version in ("0003", "9999"):
        with bare_app(url), transaction() as session:
            session.execute(text("UPDATE alembic_version SET version_num = :v"), {"v": version})
        found[version] = reasons_not_to_serve()

    assert [line[:40] for line in found["0003"]] == ["the database stands at migration 0003, n"]
    assert found["9999"] == []


def test_installing_into_the_database_of_the_other_environment_is_refused(
    given_database: NewDatabase,
) -> None:
    ours, owner = given_database("kept", environment="production", policy_toml=decided_policy())

    with pytest.raises(WrongEnvironment, match="made by production; sandbox must not use it"):
        migrate_and_install(ours, owner, environment="sandbox")
