"""A deployment starts with sound settings only, and is told everything that is wrong at once."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from app import settings
from app.settings import SettingsUnfit
from tests.deployments import (
    a_key,
    private_pem,
    public_pem,
    random_key,
)
from tests.wechat.test_certificates import FIRST, a_certificate

Spoil = dict[str, str]

NEEDED = (
    "DATABASE_URL",
    "WECHAT_APPID",
    "WECHAT_APP_SECRET",
    "WECHAT_PUSH_TOKEN",
    "WECHAT_PUSH_AES_KEY",
    "WECHAT_PAY_MCHID",
    "WECHAT_PAY_MERCHANT_SERIAL",
    "WECHAT_PAY_MERCHANT_KEY_FILE",
    "WECHAT_PAY_PUBLIC_KEY_ID",
    "WECHAT_PAY_PUBLIC_KEY_FILE",
    "WECHAT_PAY_APIV3_KEY",
    "WECHAT_PAY_NOTIFY_URL",
    "FIELD_KEYS",
    "BLIND_INDEX_KEY",
    "SEAL_KEY_FILE",
    "SEAL_CERT_FILE",
    "SEAL_CA_FILE",
)
PATTERN_KEY = base64.b64encode(bytes(range(8)) * 4).decode()
ASCENDING_KEY = base64.b64encode(bytes(range(200, 232))).decode()
HEX_KEY = base64.b64encode(b"9d0c4b7e2f6a81359e3d7c5b0a4f8261").decode()
NOTIFY_PATH = "/v1/notices/wechat-pay"
SHORT_KEY = base64.b64encode(b"k" * 16).decode()
TWICE = f"1:{random_key()},1:{random_key()}"
REMOTE = "postgresql+psycopg://web:pw@db.huzhou.gov.cn/lingcun"

# what is spoilt -> the one line that says so
UNFIT: list[tuple[Spoil, str]] = [
    *[({name: ""}, f"{name} is missing") for name in NEEDED],
    ({"WECHAT_APPID": "wxd678efh567hg6787"}, "WECHAT_APPID is a known sample value"),
    ({"WECHAT_APPID": "wxsandbox0a1b2c3d4"}, "WECHAT_APPID is a known sample value"),
    ({"WECHAT_APPID": "wx8f3a2c"}, "WECHAT_APPID is too short: 8"),
    ({"WECHAT_APP_SECRET": "9d0c4b7e2f6a8135"}, "WECHAT_APP_SECRET is too short: 16"),
    ({"WECHAT_APP_SECRET": "a" * 32}, "WECHAT_APP_SECRET is a pattern"),
    ({"WECHAT_APP_SECRET": "changeme" * 4}, "WECHAT_APP_SECRET is a known sample value"),
    ({"WECHAT_PUSH_TOKEN": "kR4tP9wz"}, "WECHAT_PUSH_TOKEN is too short: 8"),
    ({"WECHAT_PUSH_TOKEN": "a" * 32}, "WECHAT_PUSH_TOKEN is a pattern"),
    ({"WECHAT_PUSH_TOKEN": "changeme" * 3}, "WECHAT_PUSH_TOKEN is a known sample value"),
    ({"WECHAT_PUSH_AES_KEY": "aB" * 21 + "c"}, "WECHAT_PUSH_AES_KEY is a pattern"),
    (
        {"WECHAT_TEMPLATE_DEPOSIT_CREDITED": "SandboxDepositCredited00000"},
        "WECHAT_TEMPLATE_DEPOSIT_CREDITED is a known sample value",
    ),
    ({"WECHAT_TEMPLATE_PAYOUT_PAID": "BEwX0BOT3"}, "WECHAT_TEMPLATE_PAYOUT_PAID is too short: 9"),
    (
        {"WECHAT_TEMPLATE_PAYOUT_FAILED": "BEwX0BO/T3MqK3Uc5oTU3CGBqzjpndk2jzUf7VfExd8"},
        "WECHAT_TEMPLATE_PAYOUT_FAILED does not have the form",
    ),
    ({"WECHAT_PAY_MCHID": "1900000001"}, "WECHAT_PAY_MCHID is a known sample value"),
    ({"WECHAT_PAY_MCHID": "160489"}, "WECHAT_PAY_MCHID is too short: 6"),
    ({"WECHAT_PAY_MERCHANT_SERIAL": "0" * 40}, "WECHAT_PAY_MERCHANT_SERIAL is a pattern"),
    (
        {"WECHAT_PAY_MERCHANT_SERIAL": "5B7A3C91D04E68F2A1B5C7D93E60F8A42C1D7B9Z"},
        "WECHAT_PAY_MERCHANT_SERIAL does not have the form",
    ),
    (
        {"WECHAT_PAY_PUBLIC_KEY_ID": "0116048927352025030400381964002"},
        "WECHAT_PAY_PUBLIC_KEY_ID does not have the form `PUB_KEY_ID_",
    ),
    (
        {"WECHAT_PAY_PUBLIC_KEY_ID": "PUB_KEY_ID_SANDBOX01160489273520"},
        "WECHAT_PAY_PUBLIC_KEY_ID is a known sample value",
    ),
    ({"WECHAT_PAY_APIV3_KEY": "q7Rk2mX9vB4nZ8tL"}, "WECHAT_PAY_APIV3_KEY is 32 characters"),
    ({"WECHAT_PAY_APIV3_KEY": "q7Rk2mX9" * 5}, "WECHAT_PAY_APIV3_KEY is 32 characters"),
    ({"WECHAT_PAY_APIV3_KEY": "ab" * 16}, "WECHAT_PAY_APIV3_KEY is a pattern"),
    ({"FIELD_KEYS": f"1:{PATTERN_KEY}"}, "FIELD_KEYS key 1 is a pattern"),
    ({"FIELD_KEYS": f"1:{ASCENDING_KEY}"}, "FIELD_KEYS key 1 is a pattern"),
    ({"FIELD_KEYS": f"1:{SHORT_KEY}"}, "FIELD_KEYS key 1 must be 32 bytes"),
    ({"FIELD_KEYS": "1:"}, "FIELD_KEYS key 1 must be 32 bytes"),
    ({"FIELD_KEYS": "1:not base64!"}, "FIELD_KEYS key 1 must be 32 bytes"),
    ({"FIELD_KEYS": random_key()}, "FIELD_KEYS item 1 is not `id:base64`"),
    ({"FIELD_KEYS": f"256:{random_key()}"}, "FIELD_KEYS item 1 is not `id:base64`"),
    ({"FIELD_KEYS": ":"}, "FIELD_KEYS item 1 is not `id:base64`"),
    ({"FIELD_KEYS": TWICE}, "FIELD_KEYS names key 1 twice"),
    ({"BLIND_INDEX_KEY": PATTERN_KEY}, "BLIND_INDEX_KEY is a pattern"),
    ({"BLIND_INDEX_KEY": HEX_KEY}, "BLIND_INDEX_KEY is a pattern"),
    ({"BLIND_INDEX_KEY": SHORT_KEY}, "BLIND_INDEX_KEY must be 32 bytes"),
    ({"WECHAT_API_BASE": "http://127.0.0.1:8100"}, "WECHAT_API_BASE must be one of https://"),
    ({"WECHAT_API_BASE": "https://[::1"}, "WECHAT_API_BASE must be one of https://"),
    ({"WECHAT_PAY_BASE": "http://localhost:8100"}, "WECHAT_PAY_BASE must be one of https://"),
    (
        {"WECHAT_PAY_BASE": "http://api.mch.weixin.qq.com"},
        "WECHAT_PAY_BASE must be one of https://",
    ),
    (
        {"WECHAT_PAY_BASE": "https://api.mch.weixin.qq.com.example.org"},
        "WECHAT_PAY_BASE must be one of https://",
    ),
    (
        {"WECHAT_PAY_BASE": "https://api.mch.weixin.qq.com@127.0.0.1"},
        "WECHAT_PAY_BASE must be one of https://",
    ),
    *[
        ({"WECHAT_PAY_NOTIFY_URL": url}, "WECHAT_PAY_NOTIFY_URL must be a public https address")
        for url in (
            "http://fund.huzhou.gov.cn/v1/notices/wechat-pay",
            "https://localhost:8000/v1/notices/wechat-pay",
            "https://127.0.0.1/v1/notices/wechat-pay",
            "https://10.0.0.7/v1/notices/wechat-pay",
            "https://[::1]/v1/notices/wechat-pay",
            "https://fund.huzhou.gov.cn/v1/notices/wechat-pay?key=1",
            f"https://{'a.' * 120}gov.cn{NOTIFY_PATH}",
            f"https://localhost.{NOTIFY_PATH}",
            f"https://10.0.0.1.{NOTIFY_PATH}",
            f"https://127.1{NOTIFY_PATH}",
            f"https://0x7f.0.0.1{NOTIFY_PATH}",
            f"https://0x7f.0x1{NOTIFY_PATH}",
            f"https://224.0.0.1{NOTIFY_PATH}",
            f"https://fund.huzhou.test{NOTIFY_PATH}",
            f"https://fund.example{NOTIFY_PATH}",
            f"https://fund.invalid{NOTIFY_PATH}",
            f"https://fund.example.com{NOTIFY_PATH}",
            f"https://sandbox.huzhou.gov.cn{NOTIFY_PATH}",
            f"https://fund..gov.cn{NOTIFY_PATH}",
            f"https://fund.huzhou.gov.cn:0{NOTIFY_PATH}",
            f"https://fund.huzhou.gov.cn:65536{NOTIFY_PATH}",
            f"https://fund.huzhou.gov.cn:port{NOTIFY_PATH}",
            f"https://root@fund.huzhou.gov.cn{NOTIFY_PATH}",
            "https://fund.huzhou.gov.cn/",
            "https://fund.huzhou.gov.cn/v1/notices/wechat-pay/",
            "https://[bad",
            "fund.huzhou.gov.cn",
        )
    ],
    ({"DATABASE_URL": "sqlite:///lingcun.sqlite"}, "DATABASE_URL is not PostgreSQL"),
    ({"DATABASE_URL": REMOTE}, "DATABASE_URL crosses the network without TLS"),
    ({"DATABASE_URL": f"{REMOTE}?sslmode=prefer"}, "DATABASE_URL crosses the network without TLS"),
    *[
        ({"DATABASE_URL": url}, "DATABASE_URL crosses the network without TLS")
        for url in (
            "postgresql://web@localhost/lingcun?hostaddr=203.0.113.9",
            "postgresql://web@/lingcun?service=elsewhere",
            "postgresql://web@/lingcun?host=/run/postgresql,db.huzhou.gov.cn",
            "postgresql://web@/lingcun?host=localhost&host=db.huzhou.gov.cn",
        )
    ],
    ({"DATABASE_OWNER_URL": REMOTE}, "DATABASE_OWNER_URL crosses the network without TLS"),
    ({"FLASK_DEBUG": "1"}, "FLASK_DEBUG is on"),
    (
        {"WECHAT_PAY_MERCHANT_KEY_FILE": "/nowhere"},
        "WECHAT_PAY_MERCHANT_KEY_FILE names no readable",
    ),
    ({"SEAL_KEY_FILE": "/"}, "SEAL_KEY_FILE names no readable file"),
]


def the_problems(given: dict[str, str]) -> list[str]:
    try:
        settings.load(given)
    except SettingsUnfit as unfit:
        return unfit.problems
    return []


# --- the sandbox ---


@pytest.mark.parametrize(
    ("spoilt", "line"),
    [
        ({"WECHAT_PUSH_TOKEN": "with a space"}, "WECHAT_PUSH_TOKEN is 3 to 32 letters and digits"),
        ({"WECHAT_PUSH_AES_KEY": "a" * 42}, "WECHAT_PUSH_AES_KEY is 43 letters and digits"),
        ({"WECHAT_PUSH_AES_KEY": "a" * 42 + "="}, "WECHAT_PUSH_AES_KEY is 43 letters and digits"),
    ],
)
def test_push_secrets_out_of_wechats_form_serve_nowhere(
    sandbox_folder: Path, spoilt: Spoil, line: str
) -> None:
    assert the_problems({"SANDBOX_FOLDER": str(sandbox_folder), **spoilt}) == [line]


def test_a_template_nobody_named_is_none(sound: dict[str, str]) -> None:
    template = "BEwX0BO-T3MqK3Uc5oTU3CGBqzjpndk2jzUf7VfExd8"

    loaded = settings.load(sound | {"WECHAT_TEMPLATE_PAYOUT_PAID": template})

    assert loaded.templates == {"payout-paid": template}


def test_a_deployment_that_says_nothing_is_a_sandbox(sandbox_folder: Path) -> None:
    loaded = settings.load({"SANDBOX_FOLDER": str(sandbox_folder)})

    assert loaded.environment == "sandbox"
    assert not loaded.is_production
    assert loaded.database_url == f"sqlite:///{sandbox_folder / 'lingcun.sqlite'}"
    assert loaded.clock_offset_file == sandbox_folder / "clock-offset"


def test_the_environment_overrides_what_the_sandbox_wrote_down(sandbox_folder: Path) -> None:
    given = {"SANDBOX_FOLDER": str(sandbox_folder), "WECHAT_PAY_BASE": "http://127.0.0.1:9"}

    assert settings.load(given).pay.base == "http://127.0.0.1:9"


def test_a_sandbox_without_keys_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(SettingsUnfit) as unfit:
        settings.load({"SANDBOX_FOLDER": str(tmp_path / "none")})

    assert f"python -m sandbox keys --folder {tmp_path / 'none'}" in str(unfit.value)


def test_an_environment_nobody_built_is_refused() -> None:
    assert the_problems({"APP_ENV": "staging"}) == [
        "APP_ENV is 'staging'; it is `sandbox` or `production`"
    ]


def test_production_takes_nothing_from_a_sandbox_beside_it(sandbox_folder: Path) -> None:
    problems = the_problems({"APP_ENV": "production", "SANDBOX_FOLDER": str(sandbox_folder)})

    assert problems == [f"{name} is missing" for name in NEEDED]


# --- production ---


def test_sound_settings_are_taken(sound: dict[str, str]) -> None:
    loaded = settings.load(sound)

    assert loaded.is_production
    assert loaded.mini_program.api_base == "https://api.weixin.qq.com"
    assert loaded.pay.base == "https://api.mch.weixin.qq.com"


@pytest.mark.parametrize(
    "sound_too",
    [
        {"WECHAT_PAY_BASE": "https://api2.mch.weixin.qq.com"},
        {"WECHAT_PAY_NOTIFY_URL": f"https://8.8.8.8{NOTIFY_PATH}"},
        {"WECHAT_PAY_NOTIFY_URL": f"https://[2001:4860:4860::8888]:8443{NOTIFY_PATH}"},
        {"WECHAT_PAY_NOTIFY_URL": f"https://fund-2.xn--fiqs8s:65535{NOTIFY_PATH}"},
        {"DATABASE_URL": "postgresql://web@/lingcun?host=localhost,/run&hostaddr=127.0.0.1"},
        {"DATABASE_URL": "postgresql://web@/lingcun?service=elsewhere&sslmode=verify-full"},
        {"DATABASE_URL": f"{REMOTE}?sslmode=verify-full"},
        {"DATABASE_URL": "postgresql://web@localhost/lingcun"},
        {"FLASK_DEBUG": "0"},
        {"WECHAT_TEMPLATE_AGREEMENT_SIGNED": "BEwX0BO-T3MqK3Uc5oTU3CGBqzjpndk2jzUf7VfExd8"},
        {"FIELD_KEYS": f"1:{random_key()}, 2:{random_key()}"},
    ],
    ids=" ".join,
)
def test_what_is_as_sound_is_taken_as_well(
    sound: dict[str, str], sound_too: dict[str, str]
) -> None:
    assert the_problems(sound | sound_too) == []


@pytest.mark.parametrize(("spoilt", "line"), UNFIT, ids=[line for _, line in UNFIT])
def test_production_refuses(sound: dict[str, str], spoilt: Spoil, line: str) -> None:
    problems = the_problems(sound | spoilt)

    assert [problem for problem in problems if problem.startswith(line)], problems
    assert len(problems) == 1, problems


def test_production_refuses_keys_that_are_none(sound: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "text.pem").write_text("no key at all")
    (tmp_path / "public.pem").write_bytes(public_pem(a_key("merchant")))
    (tmp_path / "private.pem").write_bytes(private_pem(a_key("merchant")))
    merchant, platform = "WECHAT_PAY_MERCHANT_KEY_FILE", "WECHAT_PAY_PUBLIC_KEY_FILE"

    for name, file in [
        (merchant, "text.pem"),
        (merchant, "public.pem"),
        (platform, "text.pem"),
        (platform, "private.pem"),
    ]:
        problems = the_problems(sound | {name: str(tmp_path / file)})
        assert [line.startswith(f"{name} holds no") for line in problems] == [True], file


# --- the two modes of WeChat Pay ---

MODE, CERT = "WECHAT_PAY_MODE", "WECHAT_PAY_PLATFORM_CERT_FILE"
KEY_ID, KEY_FILE = "WECHAT_PAY_PUBLIC_KEY_ID", "WECHAT_PAY_PUBLIC_KEY_FILE"


@pytest.fixture
def certificate(tmp_path: Path) -> str:
    file = tmp_path / "platform.pem"
    file.write_bytes(a_certificate("wechat", FIRST))
    return str(file)


def test_certificate_mode_needs_a_certificate_and_no_public_key(
    sound: dict[str, str], certificate: str
) -> None:
    without_key = sound | {MODE: "certificate", KEY_ID: "", KEY_FILE: ""}

    loaded = settings.load(without_key | {CERT: certificate})

    assert (loaded.pay.mode, loaded.pay.public_key_id) == ("certificate", "")
    assert loaded.pay.platform_cert_pem.startswith(b"-----BEGIN CERTIFICATE-----")
    assert the_problems(without_key) == [f"{CERT} is missing"]


def test_while_the_switch_lasts_both_kinds_may_be_given_in_either_mode(
    sound: dict[str, str], certificate: str
) -> None:
    for mode in ("public-key", "certificate"):
        loaded = settings.load(sound | {MODE: mode, CERT: certificate})
        assert loaded.pay.mode == mode
        assert loaded.pay.public_key_id
        assert loaded.pay.platform_cert_pem


@pytest.mark.parametrize(
    ("spoilt", "line"),
    [
        ({MODE: "both"}, f"{MODE} is `public-key` or `certificate`"),
        ({KEY_ID: "", KEY_FILE: ""}, f"{KEY_ID} is missing"),
        ({MODE: "certificate", CERT: "/nowhere"}, f"{CERT} names no readable file"),
        ({CERT: "/nowhere"}, f"{CERT} names no readable file"),
        ({MODE: "certificate", KEY_ID: ""}, f"{KEY_ID} is missing"),
        ({MODE: "certificate", KEY_FILE: ""}, f"{KEY_FILE} is missing"),
    ],
    ids=lambda each: str(each)[:60],
)
def test_what_a_mode_lacks_is_named(
    sound: dict[str, str], certificate: str, spoilt: Spoil, line: str
) -> None:
    given = sound | ({CERT: certificate} if spoilt.get(MODE) == "certificate" else {}) | spoilt

    assert line in the_problems(given)


def test_a_certificate_that_is_none_or_a_sandboxes_is_refused(
    sound: dict[str, str], sandbox_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "key.pem").write_bytes(public_pem(a_key("wechat")))
    moved = tmp_path / "moved.pem"
    moved.write_bytes((sandbox_folder / "platform-certificate.pem").read_bytes())

    none = the_problems(sound | {CERT: str(tmp_path / "key.pem")})
    of_sandbox = the_problems(sound | {CERT: str(moved)})

    assert none == [f"{CERT} holds no certificate of an RSA key (PEM)"]
    assert of_sandbox == [f"{CERT} was made by a sandbox"]


def test_one_key_for_two_purposes_is_refused(sound: dict[str, str]) -> None:
    key = random_key()

    problems = the_problems(sound | {"FIELD_KEYS": f"1:{key}", "BLIND_INDEX_KEY": key})

    assert problems == ["BLIND_INDEX_KEY is one of FIELD_KEYS: it is a key of its own"]


def test_every_setting_of_a_sandbox_is_refused_by_production(sandbox_folder: Path) -> None:
    lines = (sandbox_folder / "app.env").read_text("utf-8").splitlines()
    of_sandbox = dict(line.split("=", 1) for line in lines)

    problems = the_problems({**of_sandbox, "APP_ENV": "production"})

    assert {problem.split()[0] for problem in problems} == {
        "DATABASE_URL",
        "WECHAT_APPID",
        "WECHAT_PAY_MCHID",
        "WECHAT_PAY_PUBLIC_KEY_ID",
        "WECHAT_PAY_MERCHANT_KEY_FILE",
        "WECHAT_PAY_PUBLIC_KEY_FILE",
        "SEAL_KEY_FILE",
        "SEAL_CERT_FILE",
        "SEAL_CA_FILE",
        "WECHAT_API_BASE",
        "WECHAT_PAY_BASE",
        "WECHAT_PAY_NOTIFY_URL",
        *(
            f"WECHAT_TEMPLATE_{kind}"
            for kind in ("DEPOSIT_CREDITED", "PAYOUT_PAID", "PAYOUT_FAILED", "AGREEMENT_SIGNED")
        ),
    }


def test_a_seal_the_sandbox_made_is_known_wherever_it_lies(
    sound: dict[str, str], sandbox_folder: Path, tmp_path: Path
) -> None:
    moved = tmp_path / "seal.pem"
    moved.write_bytes((sandbox_folder / "seal-cert.pem").read_bytes())

    problems = the_problems(sound | {"SEAL_CERT_FILE": str(moved)})

    assert problems == ["SEAL_CERT_FILE was made by a sandbox"]


def test_secrets_the_sandbox_of_this_machine_made_are_known_wherever_they_lie(
    sound: dict[str, str], sandbox_folder: Path, tmp_path: Path
) -> None:
    lines = (sandbox_folder / "app.env").read_text("utf-8").splitlines()
    of_sandbox = dict(line.split("=", 1) for line in lines)
    moved = tmp_path / "key.pem"
    moved.write_bytes((sandbox_folder / "merchant-key.pem").read_bytes())
    copied = {
        "WECHAT_APP_SECRET": of_sandbox["WECHAT_APP_SECRET"],
        "WECHAT_PAY_APIV3_KEY": of_sandbox["WECHAT_PAY_APIV3_KEY"],
        "WECHAT_PUSH_TOKEN": of_sandbox["WECHAT_PUSH_TOKEN"],
        "WECHAT_PUSH_AES_KEY": of_sandbox["WECHAT_PUSH_AES_KEY"],
        "WECHAT_PAY_MERCHANT_KEY_FILE": str(moved),
        "BLIND_INDEX_KEY": of_sandbox["BLIND_INDEX_KEY"],
        "FIELD_KEYS": f"1:{random_key()},2:{of_sandbox['FIELD_KEYS'].removeprefix('1:')}",
    }

    problems = the_problems(sound | copied | {"SANDBOX_FOLDER": str(sandbox_folder)})

    names = {*copied, "FIELD_KEYS key 2"} - {"FIELD_KEYS"}
    assert set(problems) == {f"{name} was made by a sandbox" for name in names}


def test_everything_wrong_is_named_at_once(sound: dict[str, str]) -> None:
    # What is spoilt twice in the table is spoilt here once, the last way.
    spoilt = {name: value for change, _ in UNFIT for name, value in change.items()}

    problems = the_problems(sound | spoilt)

    for name in spoilt:
        assert any(problem.startswith(name) for problem in problems), name


def test_the_settable_clock_is_ignored_in_production(sound: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "offset").write_text("86400")

    loaded = settings.load(sound | {"CLOCK_OFFSET_FILE": str(tmp_path / "offset")})

    assert loaded.clock_offset_file is None


# --- secrets ---


def secrets_of(given: dict[str, str]) -> list[str]:
    names = (
        *("WECHAT_APP_SECRET", "WECHAT_PAY_APIV3_KEY", "FIELD_KEYS", "BLIND_INDEX_KEY"),
        *("WECHAT_PUSH_TOKEN", "WECHAT_PUSH_AES_KEY"),
    )
    pem = Path(given["WECHAT_PAY_MERCHANT_KEY_FILE"]).read_text("ascii").splitlines()[1]
    return [pem, "hunter2-of-the-database", *(given[name].removeprefix("1:") for name in names)]


def test_settings_do_not_show_their_secrets(sound: dict[str, str]) -> None:
    url = "postgresql://web:hunter2-of-the-database@localhost/lingcun"
    given = sound | {"DATABASE_URL": url, "DATABASE_OWNER_URL": url}

    shown = repr(settings.load(given))

    assert [secret for secret in secrets_of(given) if secret in shown] == []
    assert "WECHAT" not in shown
    assert sound["WECHAT_APPID"] in shown


def test_a_refusal_does_not_show_the_secrets_it_is_about(sound: dict[str, str]) -> None:
    key, pem = random_key(), private_pem(a_key("merchant")).decode()
    given = sound | {
        "WECHAT_APP_SECRET": "kR4tP9wz",
        "WECHAT_PAY_APIV3_KEY": "Zx81Qm",
        "FIELD_KEYS": key,
        "BLIND_INDEX_KEY": key[:20],
        "WECHAT_PAY_MERCHANT_KEY_FILE": pem,
        "WECHAT_API_BASE": "https://root:Lw93Kd@api.weixin.qq.com",
        "DATABASE_URL": "mysql://root:Vn27Hs@localhost/lingcun",
    }

    with pytest.raises(SettingsUnfit) as unfit:
        settings.load(given)

    said = f"{unfit.value} {unfit.value!r} {unfit.value.problems}"
    for secret in ("kR4tP9wz", "Zx81Qm", key[:12], pem.splitlines()[1], "Lw93Kd", "Vn27Hs"):
        assert secret not in said, secret
