"""`flask wechat preflight`: all is well, or the one step that is not says so and what to do."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import Result
from flask import Flask

from app import cli, clock, settings, wechat
from app.cli import wechat as commands
from app.db import db
from app.services import preflight, preflight_order
from app.settings import Settings
from app.settings.wechat import PaySettings
from sandbox.keys import ensure_keys
from sandbox.server import create_sandbox, serve_in_thread
from tests.deployments import a_key, bare_app, plain_environment, private_pem, public_pem, python
from tests.wechat.answering import Answering, Reply, answering
from tests.wechat.test_certificates import FIRST, a_certificate

NOTHING = "http://127.0.0.1:9"
Change = Callable[[PaySettings], PaySettings]


@dataclass
class Centre:
    """A deployment before its first merchant, and the sandbox in WeChat's place."""

    base: str
    settings: Settings
    app: Flask

    def control(self, method: str, path: str, **body: Any) -> Any:
        answer = requests.request(method, f"{self.base}/sandbox/{path}", json=body, timeout=10)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def with_pay(self, change: Change) -> None:
        self.use(replace(self.settings, pay=change(self.settings.pay)))

    def use(self, chosen: Settings) -> None:
        self.settings = chosen
        settings.install(self.app, chosen)
        wechat.install(self.app, chosen)

    def preflight(self, *options: str) -> Result:
        return self.app.test_cli_runner().invoke(args=["wechat", "preflight", *options])


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("preflight") / "sandbox"
    ensure_keys(folder)
    return folder


@pytest.fixture
def centre(keys: Path, tmp_path: Path) -> Iterator[Centre]:
    followed = clock._offset_file
    clock.follow_offset_file(None)
    (keys / "clock-offset").unlink(missing_ok=True)
    with (
        bare_app(f"sqlite:///{tmp_path / 'centre.sqlite'}") as app,
        serve_in_thread(create_sandbox(keys, database=":memory:")) as base,
    ):
        db.metadata.create_all(db.engine)
        cli.install(app)
        given = {"SANDBOX_FOLDER": str(keys), "WECHAT_API_BASE": base, "WECHAT_PAY_BASE": base}
        found = Centre(base, settings.load(given), app)
        found.use(found.settings)
        yield found
    clock.follow_offset_file(followed)


def verdicts(said: Result) -> dict[str, str]:
    """The verdict of each step, by its name."""
    lines = re.findall(r"^(OK|WARNING|WRONG|NOT CHECKED) +([^:]+): ", said.output, re.MULTILINE)
    return {name: verdict for verdict, name in lines}


STEPS = [
    *(preflight.SETTINGS, preflight.CLOCK, preflight.TOKEN, preflight.MERCHANT),
    *(preflight.ANSWERS, preflight.APIV3_KEY, preflight.NOTIFY),
]


def test_with_everything_right_every_step_is_ok(centre: Centre) -> None:
    said = centre.preflight()

    assert verdicts(said) == dict.fromkeys(STEPS, "OK")
    assert list(verdicts(said)) == STEPS
    assert (said.exit_code, said.output.splitlines()[-1]) == (0, "all is well")


def test_in_certificate_mode_as_well(centre: Centre, keys: Path) -> None:
    pem = (keys / "platform-certificate.pem").read_bytes()
    centre.with_pay(lambda pay: certified(pay, pem))

    said = centre.preflight()

    assert (verdicts(said), said.exit_code) == (dict.fromkeys(STEPS, "OK"), 0)
    assert "certificate mode" in said.output


def test_a_database_that_is_not_migrated_is_named(centre: Centre, keys: Path) -> None:
    pem = (keys / "platform-certificate.pem").read_bytes()
    centre.with_pay(lambda pay: certified(pay, pem))
    db.metadata.drop_all(db.engine)

    said = centre.preflight()

    assert [k for k, v in verdicts(said).items() if v != "OK"] == [preflight.SETTINGS]
    assert "flask db upgrade" in said.output


def certified(pay: PaySettings, pem: bytes) -> PaySettings:
    given = {"mode": "certificate", "platform_cert_pem": pem}
    return replace(pay, public_key_id="", public_key_pem=b"", **given)


def own_key(pay: PaySettings) -> PaySettings:
    """The merchant's own public key where WeChat Pay's belongs."""
    return replace(
        pay,
        merchant_key_pem=private_pem(a_key("merchant")),
        public_key_pem=public_pem(a_key("merchant")),
    )


# What is wrong -> the step that says so, and what it says.
WRONG: dict[str, tuple[Change, str, str]] = {
    "the merchant's number": (
        lambda pay: replace(pay, mchid="1900000002"),
        preflight.MERCHANT,
        "WECHAT_PAY_MCHID",
    ),
    "the serial of the merchant's certificate": (
        lambda pay: replace(pay, merchant_serial="5157F09EFDC096DE15EBE81A47057A7200000009"),
        preflight.MERCHANT,
        "WECHAT_PAY_MERCHANT_SERIAL",
    ),
    "the merchant's key": (
        lambda pay: replace(pay, merchant_key_pem=private_pem(a_key("stranger"))),
        preflight.MERCHANT,
        "WECHAT_PAY_MERCHANT_KEY_FILE",
    ),
    "WeChat's public key": (
        lambda pay: replace(pay, public_key_pem=public_pem(a_key("stranger"))),
        preflight.ANSWERS,
        "WECHAT_PAY_PUBLIC_KEY_FILE",
    ),
    "the id of WeChat's public key": (
        lambda pay: replace(pay, public_key_id="PUB_KEY_ID_0116048927352025030400381964002"),
        preflight.ANSWERS,
        "WECHAT_PAY_PUBLIC_KEY_ID",
    ),
    "WeChat's certificate": (
        lambda pay: certified(pay, a_certificate("stranger", FIRST)),
        preflight.ANSWERS,
        "WECHAT_PAY_PLATFORM_CERT_FILE",
    ),
    "the APIv3 key": (
        lambda pay: replace(pay, apiv3_key=b"q7Rk2mX9vB4nZ8tL1wY6pJ3hD5gF0sCb"),
        preflight.APIV3_KEY,
        "WECHAT_PAY_APIV3_KEY",
    ),
    "the notify address": (
        lambda pay: replace(pay, notify_url="http://fund.huzhou.gov.cn/v1/notices/wechat-pay"),
        preflight.NOTIFY,
        "WECHAT_PAY_NOTIFY_URL",
    ),
    "the notify path": (
        lambda pay: replace(pay, notify_url="https://localhost:8000/notices"),
        preflight.NOTIFY,
        "WECHAT_PAY_NOTIFY_URL",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_named_by_its_step_and_by_no_other(centre: Centre, what: str) -> None:
    change, step, named = WRONG[what]
    centre.with_pay(change)

    said = centre.preflight()

    found = verdicts(said)
    assert [name for name, verdict in found.items() if verdict == "WRONG"] == [step]
    assert named in next(line for line in said.output.splitlines() if line.startswith("WRONG"))
    assert set(found) == set(STEPS)
    assert (said.exit_code, said.output.splitlines()[-1]) == (1, "not ready")


def test_our_own_key_in_the_place_of_wechats_is_seen_before_anything_is_asked(
    centre: Centre,
) -> None:
    centre.with_pay(own_key)

    said = centre.preflight()

    assert verdicts(said)[preflight.SETTINGS] == "WRONG"
    assert "WECHAT_PAY_PUBLIC_KEY_FILE holds our own key" in said.output
    assert said.exit_code == 1


@pytest.mark.parametrize(
    ("off_s", "verdict", "code"),
    [(20, "OK", 0), (-45, "WARNING", 2), (45, "WARNING", 2), (-400, "WRONG", 1), (400, "WRONG", 1)],
)
def test_a_clock_that_is_wrong_is_the_only_thing_that_is(
    centre: Centre, off_s: int, verdict: str, code: int
) -> None:
    centre.control("PUT", "clock", offset_s=off_s)

    said = centre.preflight()

    found = verdicts(said)
    assert (found[preflight.CLOCK], said.exit_code) == (verdict, code)
    assert [
        name for name, each in found.items() if each == "WRONG" and name != preflight.CLOCK
    ] == []


@pytest.mark.parametrize("what", ["appid", "app_secret"])
def test_an_app_wechat_does_not_know_is_named_by_the_token(centre: Centre, what: str) -> None:
    mini = replace(centre.settings.mini_program, **{what: "wx0000000000000000"})
    centre.use(replace(centre.settings, mini_program=mini))

    said = centre.preflight()

    assert [k for k, v in verdicts(said).items() if v == "WRONG"] == [preflight.TOKEN]
    named = "WECHAT_APPID" if what == "appid" else "WECHAT_APP_SECRET"
    assert named in said.output


def test_a_wechat_out_of_reach_is_said_to_be_so(centre: Centre) -> None:
    mini = replace(centre.settings.mini_program, api_base=NOTHING)
    pay = replace(centre.settings.pay, base=NOTHING)
    centre.use(replace(centre.settings, mini_program=mini, pay=pay))

    said = centre.preflight()

    found = verdicts(said)
    assert (found[preflight.CLOCK], found[preflight.TOKEN]) == ("WRONG", "WRONG")
    assert found[preflight.MERCHANT] == found[preflight.ANSWERS] == "NOT CHECKED"
    assert said.output.count("let this machine reach") == 2


def test_settings_that_are_missing_are_named_without_a_trace(keys: Path, tmp_path: Path) -> None:
    environment = plain_environment(
        tmp_path / "home", SANDBOX_FOLDER=str(keys), WECHAT_PAY_MCHID="", WECHAT_PAY_APIV3_KEY="x"
    )

    said = python("-m", "flask", "--app", "wsgi", "wechat", "preflight", environment=environment)

    assert said.returncode != 0
    assert "WECHAT_PAY_MCHID is missing" in said.stderr
    assert "WECHAT_PAY_APIV3_KEY is 32 characters" in said.stderr
    assert "Traceback" not in said.stderr


def test_nothing_secret_is_printed(centre: Centre, capfd: pytest.CaptureFixture[str]) -> None:
    said = "".join(centre.preflight().output for _ in range(2))
    centre.with_pay(lambda pay: replace(pay, public_key_pem=public_pem(a_key("stranger"))))
    said += centre.preflight().output + "".join(capfd.readouterr())

    pay, mini = centre.settings.pay, centre.settings.mini_program
    pem = pay.merchant_key_pem.decode().splitlines()[1]
    for secret in (pay.apiv3_key.decode(), mini.app_secret, pem, "access_token"):
        assert secret not in said


# --- a merchant who never had certificates ---


def test_without_certificates_a_closing_shows_the_key_and_the_apiv3_key_waits(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering() as elsewhere:
        _list_of_none(elsewhere)
        none = replace(centre.settings.pay, base=elsewhere.base)
        gone = wechat.apiv3_client.Apiv3Client(none)
        monkeypatch.setattr(wechat.apiv3(), "certificates", gone.certificates)

        said = centre.preflight()

    found = verdicts(said)
    assert (found[preflight.ANSWERS], found[preflight.APIV3_KEY]) == ("OK", "WARNING")
    assert (said.exit_code, said.output.splitlines()[-1]) == (2, "ready, with warnings")


def _list_of_none(elsewhere: Answering) -> None:
    refusal = Reply.of({"code": "RESOURCE_NOT_EXISTS", "message": "无可用的平台证书"}, status=404)
    elsewhere.to("/v3/certificates", refusal)


# --- an order over one fen ---


def a_user(centre: Centre) -> dict[str, str]:
    person = {"name": "张三", "id_number": "330501199001011236", "phone": "13800138000"}
    return dict(centre.control("POST", "users", **person))


def test_an_order_nobody_pays_is_closed(centre: Centre) -> None:
    said = centre.preflight("--order", a_user(centre)["openid"], "--wait-s", "0")

    found = verdicts(said)
    assert (found[preflight_order.PLACED], found[preflight_order.PAID]) == ("OK", "WRONG")
    assert found[preflight_order.CLOSED] == "OK"
    assert said.exit_code == 1
    (order,) = centre.control("GET", "books")["orders"]
    assert (order["trade_state"], order["amount_total"]) == ("CLOSED", 1)


@pytest.mark.parametrize(
    ("faults", "verdict", "code"),
    [({}, "OK", 0), ({"fail_refund": 1}, "NOT CHECKED", 1)],
    ids=["given back", "WeChat is away"],
)
def test_an_order_that_is_paid_is_seen_and_given_back(
    centre: Centre,
    monkeypatch: pytest.MonkeyPatch,
    faults: dict[str, int],
    verdict: str,
    code: int,
) -> None:
    user, plain = a_user(centre), preflight_order.is_paid

    def pays_first(order: preflight_order.TrialOrder) -> bool:
        body = {**order.payment_parameters, "notify": False}
        centre.control("POST", f"users/{user['user_id']}/pay", **body)
        centre.control("PUT", "faults", **faults)
        return plain(order)

    monkeypatch.setattr(commands.preflight_order, "is_paid", pays_first)

    said = centre.preflight("--order", user["openid"], "--wait-s", "3")

    found = verdicts(said)
    assert (found[preflight_order.PLACED], found[preflight_order.PAID]) == ("OK", "OK")
    assert (found[preflight_order.REFUNDED], said.exit_code) == (verdict, code), said.output
    books = centre.control("GET", "books")
    (paid,) = books["transactions"]
    assert paid["amount_total"] == 1
    assert len(books["refunds"]) == (0 if faults else 1)


def test_an_openid_of_another_app_is_refused(centre: Centre) -> None:
    said = centre.preflight("--order", "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", "--wait-s", "0")

    assert verdicts(said)[preflight_order.PLACED] == "WRONG"
    assert "PARAM_ERROR" in said.output


def test_no_order_is_placed_while_something_is_wrong(centre: Centre) -> None:
    centre.control("PUT", "clock", offset_s=int(timedelta(minutes=10).total_seconds()))

    said = centre.preflight("--order", "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o")

    assert preflight_order.PLACED not in verdicts(said)
    assert json.loads(json.dumps(centre.control("GET", "books")["orders"])) == []
