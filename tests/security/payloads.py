"""What is sent where a text is expected, in the hope that a database runs it.

Each ends a literal, a statement or a comparison of some database, or sleeps where it is run.
"""

from __future__ import annotations

PAYLOADS: tuple[str, ...] = (
    # a literal ends early
    "'",
    "`",
    "' or '1'='1",
    "' or 1=1 --",
    "') or ('1'='1",
    "admin'--",
    "x' and (select count(*) from person) > 0 --",
    # another statement follows
    "1; drop table journal",
    "'; drop table posting; --",
    "'); delete from audit_entry; --",
    "'; update staff_assignment set role='auditor'; --",
    "1; insert into staff_session select * from staff_session",
    "'; attach database 'x' as y; --",
    # an order, a filter, a number
    "id desc; select pg_sleep(5)",
    "id desc, (select pg_sleep(5))",
    "(case when 1=1 then id else login end)",
    "-1 union all select 1,2,3",
    # other tables are read
    "' union select null, name, id_number from person --",
    "' union select sql from sqlite_master --",
    "' || (select id_number from person limit 1) || '",
    # time tells
    "'; select pg_sleep(5); --",
    "' or pg_sleep(5) is null --",
    "1-(select 1 from pg_sleep(5))",
    "' or 1=randomblob(500000000) --",
    "'; waitfor delay '0:0:5'; --",
    # comments and other ways to write a blank
    "'/**/or/**/1=1--",
    "'\u00a0or\u30001=1--",
    # what a decoder or a fold may turn into a quote
    "%27 or 1=1 --",
    "%00' or 1=1 --",
    "a\x00' or 1=1 --",
    "ʼ or 1=1 --",
    "＇ or １=１ --",
    "’ or ‘1’=‘1",
    "\\' or 1=1 --",
    # the driver's own marks, and patterns
    "%s",
    "%(id)s",
    ":id",
    "{0.__class__}",
    "%",
    "_%",
    # JSON paths and operators
    "$.payload",
    "payload->>'reason'",
    "' or payload::jsonb @> '{}",
    "'{\"a\":1}'::json",
)
SLOW_S = 1.0
