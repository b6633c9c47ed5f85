"""Triggers that hold books and audit append-only, orders moving forward, approvals unedited.

PostgreSQL's app role has no right to change journals at all; the triggers bind the owner, too,
and they are what SQLite has. They are attached to the tables here, and written out once more in
their migration; `tests/test_migrations.py` compares the two.
"""

from typing import Any

from sqlalchemy import DDL, Table, event

from app.db import db
from app.models import approval, audit, bill, ledger, payment, payout

BOOKS = ("journal", "posting")
AUDIT = ("audit_entry", "audit_answer")
BILLS = ("wechat_bill_line",)

_FORWARD_ONLY = """
    (OLD.state = 'credited' AND NEW.state <> 'credited')
    OR (OLD.state = 'closed' AND NEW.state NOT IN ('closed', 'credited'))
    OR (OLD.state = 'prepaid' AND NEW.state = 'created')
"""

# What was proposed stays as it was; what is decided stays decided.
_FROZEN = " OR ".join(
    [
        "OLD.state <> 'submitted'",
        *(
            f"OLD.{column} <> NEW.{column}"
            for column in (
                "public_id",
                "action",
                "district",
                "depositors",
                "payload",
                "payload_sha256",
                "reason",
                "maker_account_id",
                "maker_person_id",
                "submitted_at",
                "submit_audit_id",
                "expires_at",
            )
        ),
        "COALESCE(OLD.resubmits_id, 0) <> COALESCE(NEW.resubmits_id, 0)",
    ]
)

# A provider is told the same thing under the same number for ever; what ended has ended.
_LEG_FROZEN = " OR ".join(
    [
        "OLD.state IN ('succeeded', 'failed')",
        *(
            f"OLD.{column} <> NEW.{column}"
            for column in (
                "payout_id",
                "channel",
                "provider_no",
                "parameters",
                "parameters_sha256",
                "amount_fen",
            )
        ),
        "COALESCE(OLD.payment_id, 0) <> COALESCE(NEW.payment_id, 0)",
    ]
)


def sqlite_ddl() -> list[tuple[str, str]]:
    """(table, statement) for SQLite."""
    found = []
    for table in (*BOOKS, *AUDIT, *BILLS):
        found += [
            (
                table,
                f"CREATE TRIGGER {table}_refuses_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END",
            )
            for verb in ("UPDATE", "DELETE")
        ]
    found.append(
        (
            "payment_order",
            "CREATE TRIGGER payment_order_moves_forward BEFORE UPDATE OF state ON payment_order "
            f"WHEN {_FORWARD_ONLY} "
            "BEGIN SELECT RAISE(ABORT, 'an order only moves forward'); END",
        )
    )
    found += [
        (
            "approval",
            f"CREATE TRIGGER approval_stays_as_decided BEFORE UPDATE ON approval WHEN {_FROZEN} "
            "BEGIN SELECT RAISE(ABORT, 'an approval is not edited'); END",
        ),
        (
            "approval",
            "CREATE TRIGGER approval_refuses_delete BEFORE DELETE ON approval "
            "BEGIN SELECT RAISE(ABORT, 'approval is append-only'); END",
        ),
        (
            "payout_leg",
            f"CREATE TRIGGER payout_leg_keeps_its_word BEFORE UPDATE ON payout_leg "
            f"WHEN {_LEG_FROZEN} "
            "BEGIN SELECT RAISE(ABORT, 'a payout leg keeps its word'); END",
        ),
    ]
    return found


def postgresql_ddl() -> list[tuple[str, str]]:
    """(table, statement) for PostgreSQL; the functions come first."""
    refuse = (
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ "
        "BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
    )
    forward = (
        "CREATE OR REPLACE FUNCTION order_moves_forward() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"BEGIN IF {_FORWARD_ONLY} THEN RAISE EXCEPTION 'an order only moves forward'; END IF; "
        "RETURN NEW; END $$"
    )
    found = [(table, refuse) for table in (*BOOKS, *AUDIT, *BILLS, "approval")]
    found.append(("payment_order", forward))
    for table in (*BOOKS, *AUDIT, *BILLS):
        found.append(
            (
                table,
                f"CREATE TRIGGER {table}_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE "
                f"ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
            )
        )
    found.append(
        (
            "payment_order",
            "CREATE TRIGGER payment_order_moves_forward BEFORE UPDATE OF state ON payment_order "
            "FOR EACH ROW EXECUTE FUNCTION order_moves_forward()",
        )
    )
    return found + _postgresql_approvals() + _postgresql_legs()


def _postgresql_approvals() -> list[tuple[str, str]]:
    frozen = (
        "CREATE OR REPLACE FUNCTION approval_is_frozen() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"BEGIN IF {_FROZEN} THEN RAISE EXCEPTION 'an approval is not edited'; END IF; "
        "RETURN NEW; END $$"
    )
    return [
        ("approval", frozen),
        (
            "approval",
            "CREATE TRIGGER approval_stays_as_decided BEFORE UPDATE ON approval "
            "FOR EACH ROW EXECUTE FUNCTION approval_is_frozen()",
        ),
        (
            "approval",
            "CREATE TRIGGER approval_refuses_delete BEFORE DELETE OR TRUNCATE ON approval "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
        ),
    ]


def _postgresql_legs() -> list[tuple[str, str]]:
    frozen = (
        "CREATE OR REPLACE FUNCTION leg_keeps_its_word() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"BEGIN IF {_LEG_FROZEN} THEN RAISE EXCEPTION 'a payout leg keeps its word'; END IF; "
        "RETURN NEW; END $$"
    )
    return [
        ("payout_leg", frozen),
        (
            "payout_leg",
            "CREATE TRIGGER payout_leg_keeps_its_word BEFORE UPDATE ON payout_leg "
            "FOR EACH ROW EXECUTE FUNCTION leg_keeps_its_word()",
        ),
    ]


def _attach() -> None:
    named = (
        ledger.Journal,
        ledger.Posting,
        payment.PaymentOrder,
        audit.AuditEntry,
        audit.AuditAnswer,
        approval.Approval,
        payout.PayoutLeg,
        bill.WechatBillLine,
    )
    tables: dict[str, Table] = {
        each.__tablename__: db.metadata.tables[each.__tablename__] for each in named
    }
    for dialect, statements in (("sqlite", sqlite_ddl()), ("postgresql", postgresql_ddl())):
        for table, statement in statements:
            ddl: Any = DDL(statement.replace("%", "%%"))  # type: ignore[no-untyped-call]
            ddl = ddl.execute_if(dialect=dialect)
            event.listen(tables[table], "after_create", ddl)


_attach()
