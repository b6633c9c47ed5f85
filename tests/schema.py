"""A database's schema as plain lines, so that two ways to make it can be compared.

An autogenerate diff sees neither CHECKs nor triggers; a dump from the catalogue sees what is there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.engine import Connection, Engine

from sandbox.postgres import APP_ROLE

_ALEMBICS_OWN = "alembic_version"

_POSTGRESQL = {
    "column": """
        SELECT c.relname || ' '
               || row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum)
               || ' ' || a.attname,
               format_type(a.atttypid, a.atttypmod)
               || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
               || COALESCE(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '')
               || a.attidentity::text || a.attgenerated::text
               || COALESCE(' COLLATE ' || co.collname, '')
        FROM pg_attribute a
        JOIN pg_class c ON c.oid = a.attrelid
        LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
        LEFT JOIN pg_collation co ON co.oid = a.attcollation
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
          AND a.attnum > 0 AND NOT a.attisdropped
    """,
    "constraint": """
        SELECT conrelid::regclass || ' ' || conname, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    """,
    "index": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "trigger": """
        SELECT tgname, tgenabled::text || ' ' || pg_get_triggerdef(oid)
        FROM pg_trigger WHERE NOT tgisinternal
    """,
    "function": """
        SELECT proname, pg_get_functiondef(oid)
        FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    """,
    "relation": """
        SELECT relname, relkind::text || relpersistence::text || relrowsecurity::text
        FROM pg_class WHERE relnamespace = 'public'::regnamespace
    """,
}


def dump(connection: Connection) -> dict[str, str]:
    """What stands where: kind and name to definition, of everything but Alembic's own table."""
    sqlite = connection.dialect.name == "sqlite"
    found = _sqlite(connection) if sqlite else _postgresql(connection)
    return {name: what for name, what in found.items() if _ALEMBICS_OWN not in name}


@contextmanager
def engine_of(url: str) -> Iterator[Engine]:
    """An engine for the block, with no connection left behind."""
    engine = create_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


def schema_of(engine: Engine) -> dict[str, str]:
    """The dump of the engine's database."""
    with engine.connect() as connection:
        return dump(connection)


def the_rows(engine: Engine, query: str) -> list[tuple[Any, ...]]:
    """What the query finds, as plain tuples."""
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


def _postgresql(connection: Connection) -> dict[str, str]:
    found = {}
    for kind, query in _POSTGRESQL.items():
        for name, definition in connection.execute(text(query)):
            found[f"{kind} {name}"] = _one_line(definition)
    return found


def _sqlite(connection: Connection) -> dict[str, str]:
    rows = connection.execute(text("SELECT type, name, sql FROM sqlite_master")).all()
    found = {}
    for kind, name, definition in rows:
        if kind == "table":
            found |= {f"{kind} {name} {part}": "" for part in _parts_of_table(definition)}
        elif definition is not None:  # an index of a constraint has none
            found[f"{kind} {name}"] = _one_line(definition)
    return found


def _parts_of_table(definition: str) -> list[str]:
    """Columns in their order, constraints in any."""
    opening, body = definition.split("(", 1)
    parts, depth, current = [opening], 0, ""
    for letter in body.rsplit(")", 1)[0]:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append(current)
            current = ""
        else:
            current += letter
    cleaned = [_one_line(part) for part in (*parts, current)]
    columns = [part for part in cleaned if not part.startswith("CONSTRAINT")]
    numbered = [f"{number} {column}" for number, column in enumerate(columns)]
    return numbered + [part for part in cleaned if part.startswith("CONSTRAINT")]


def _one_line(definition: str) -> str:
    return re.sub(r"\s+", " ", definition).replace('"', "").strip()
