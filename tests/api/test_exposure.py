"""Personal data and secrets stay out of answers (S11), of logs (S12), and unread at rest."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import psycopg
from pypdf import PdfReader
from sqlalchemy.engine import make_url

from app import log
from sandbox.phone import Phone
from tests.api.asking import (
    another_app,
    ask,
    everything_stored,
    on_sqlite_alone,
    problem_of,
    token_of,
)
from tests.api.canaries import Witness, found_in, life
from tests.house import House, somebody

# Made for the phone to know: the token it asked for, and the number its face check goes by.
HANDED_OUT = {"token", "verify id"}


def test_no_answer_holds_what_the_member_told_us(house: House) -> None:
    phone, witness, secrets = life(house)

    leaks = {}
    for answer in told(witness):
        everything = answer.content + repr(answer.headers).encode() + decoded(answer.content)
        found = found_in(everything, secrets) - HANDED_OUT
        if found:
            leaks[answer.request.method, answer.request.path_url] = found

    assert leaks == {}
    assert len(witness.answers) > 35
    assert {answer.status_code for answer in witness.answers} >= {200, 201, 204, 401, 409, 422, 503}
    assert not found_in(repr(phone.get("/v1/me")), secrets)


@on_sqlite_alone
def test_a_secret_is_handed_out_once(house: House) -> None:
    _, witness, secrets = life(house)

    holding = [
        (answer.request.path_url, name)
        for answer in told(witness)
        for name in sorted(found_in(answer.content, secrets) & HANDED_OUT)
    ]

    assert holding == [("/v1/sessions", "token"), ("/v1/me/identity-checks", "verify id")]


@on_sqlite_alone
def test_only_the_agreements_own_pdf_names_its_party(house: House) -> None:
    """The exception (Seed §2), and the proof that the search above finds what is there."""
    phone, witness, secrets = life(house)

    papers = [a for a in witness.answers if a.headers["Content-Type"] == "application/pdf"]

    text = "".join(page.extract_text() for page in PdfReader(BytesIO(papers[0].content)).pages)
    assert found_in(text, secrets) == {"name", "ID number", "phone number"}
    assert phone.owner.name in text


@on_sqlite_alone
def test_the_member_sees_himself_masked(house: House) -> None:
    phone, _, _ = life(house)

    me = phone.get("/v1/me")

    assert me["name_masked"] == "***溪"
    assert me["id_number_masked"] == f"3{'*' * 16}{phone.owner.id_number[-1]}"
    assert me["phone_masked"] == f"139****{phone.owner.phone[-4:]}"


def test_no_log_line_holds_a_datum_or_a_secret(house: House, tmp_path: Path) -> None:
    with said_to(tmp_path) as log_file:
        _, witness, secrets = life(house)
        lose_wechat(house)

    said = log_file.read_text("utf-8")
    assert found_in(said, secrets) == set()
    lines = [json.loads(line) for line in said.splitlines()]
    requests = [line for line in lines if line["event"] == "request"]
    assert len(requests) >= len(witness.answers)
    assert all(line["request_id"] for line in requests)
    assert {line["event"] for line in lines} >= {"payment-notice-forged", "payment-case-opened"}


def test_an_unforeseen_error_is_logged_by_its_place_alone(house: House, tmp_path: Path) -> None:
    """Libraries put what they were given into their texts: those are never written."""
    phone = house.worker()
    owner = phone.owner

    with said_to(tmp_path) as log_file, another_app(house, log_level="INFO") as app:

        def fail() -> None:
            raise RuntimeError(f"{owner.name} {owner.id_number} {token_of(phone)}")

        fail.lingcun_guard = "public"  # type: ignore[attr-defined]
        app.add_url_rule("/fail", "fail", fail)
        answer = app.test_client().get("/fail")

    said = log_file.read_text("utf-8")
    line = next(json.loads(each) for each in said.splitlines() if "unforeseen" in each)
    assert answer.status_code == 500
    assert line["error"] == "builtins.RuntimeError"
    assert line["trace"][-1].startswith("test_exposure.py:")
    assert line["request_id"] == problem_of(answer)["request_id"]
    for secret in (owner.name, owner.id_number, token_of(phone)):
        assert secret not in said
        assert secret not in answer.get_data(as_text=True)


@on_sqlite_alone
def test_nobody_writes_a_log_line_of_his_own(house: House, tmp_path: Path) -> None:
    """S30: a line break in what somebody sends begins no line of ours."""
    forged = 'x\n{"event": "admin-logged-in"}\r\n'
    phone = house.phone()
    phone.log_in()

    with said_to(tmp_path) as log_file:
        for sent in ({"code": forged}, {forged: "x"}):
            ask(house, "POST", "/v1/sessions", json=sent)
        ask(house, "GET", "/v1/me", by=phone, headers={"User-Agent": "{}", "X-Request-Id": "mine"})
        ask(house, "GET", "/v1/%0A%7B%22event%22%3A%22admin-logged-in%22%7D")

    lines = [json.loads(line) for line in log_file.read_text("utf-8").splitlines()]
    assert {line["event"] for line in lines} == {"request"}
    assert "mine" not in {line["request_id"] for line in lines}


@on_sqlite_alone
def test_no_query_and_no_path_of_a_member_is_logged(house: House, tmp_path: Path) -> None:
    phone = house.worker()
    deposit_id = phone.order(100_000)["deposit"]["deposit_id"]

    with said_to(tmp_path) as log_file:
        ask(house, "GET", f"/v1/me/deposits/{deposit_id}?token=in-the-query", by=phone)

    said = log_file.read_text("utf-8")
    assert "in-the-query" not in said
    assert '"route": "/v1/me/deposits/<string:deposit_id>"' in said


def test_at_rest_there_is_nobody_to_recognise(house: House) -> None:
    """Encrypted columns and blind indexes: what a copied database file gives away (S12, S20)."""
    _, _, secrets = life(house)

    raw = bytes_at_rest(house)

    assert found_in(raw, secrets) == set()
    assert b"huzhou-pilot" in raw, "this is not the database"


def test_the_rows_of_two_people_of_one_name_share_no_bytes(house: House) -> None:
    """S32: a fresh nonce per value; equal names are not equal at rest."""
    for _ in range(2):
        house.worker(somebody(name="王小明"))

    people = everything_stored(house)["person"]

    ciphertexts = [part for row in people for part in row.split("b'") if len(part) > 40]
    assert len(people) == 2
    assert len(set(ciphertexts)) == len(ciphertexts) > 6


@contextlib.contextmanager
def said_to(folder: Path) -> Iterator[Path]:
    """Where everything this process says on standard error goes, at the level of a deployment."""
    path = folder / "said.log"
    try:
        with path.open("w", encoding="utf-8") as file, contextlib.redirect_stderr(file):
            log.configure("INFO")
            yield path
    finally:
        log.configure("ERROR")


def told(witness: Witness) -> Iterator[Any]:
    """Every answer but the papers."""
    return (a for a in witness.answers if a.headers.get("Content-Type") != "application/pdf")


def decoded(content: bytes) -> bytes:
    """A JSON answer's texts without their escapes."""
    try:
        return json.dumps(json.loads(content), ensure_ascii=False).encode()
    except ValueError:
        return b""


def lose_wechat(house: House) -> None:
    """Somebody logs in and proves himself while nothing listens where WeChat should be."""
    chosen = house.app.extensions["lingcun-settings"]
    nowhere = replace(chosen.mini_program, api_base="http://127.0.0.1:9")
    phone: Phone = house.phone()
    phone.log_in()
    phone.consent()
    with another_app(house, mini_program=nowhere, log_level="INFO") as app:
        client = app.test_client()
        head = {"Authorization": f"Bearer {token_of(phone)}"}
        check = {"name": phone.owner.name, "id_number": phone.owner.id_number, "phone_code": "p"}
        lost = (
            client.post("/v1/sessions", json={"code": phone.wechat.login_code()}),
            client.post("/v1/me/identity-checks", json=check, headers=head),
        )
    assert [answer.status_code for answer in lost] == [503, 503]


def bytes_at_rest(house: House) -> bytes:
    """What somebody finds who carries the database away."""
    url = make_url(house.database.app_url)
    if url.get_backend_name() == "sqlite":
        folder, name = Path(str(url.database)).parent, Path(str(url.database)).name
        return b"".join(each.read_bytes() for each in sorted(folder.glob(f"{name}*")))
    rows: list[bytes] = []
    plain = make_url(house.database.owner_url).set(drivername="postgresql")
    with psycopg.connect(plain.render_as_string(hide_password=False)) as connection:
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall()
        for (table,) in tables:
            query = psycopg.sql.SQL("SELECT * FROM {}").format(psycopg.sql.Identifier(table))
            for row in connection.execute(query):
                rows += [v if isinstance(v, bytes) else str(v).encode() for v in row]
    return b"\0".join(rows)
