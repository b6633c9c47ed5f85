"""Everything the deployment decides, read once from the environment, typed and frozen.

`load()` names every missing or unfit value at once. `APP_ENV` is `sandbox` (the default: loopback
only, keys made on this machine, a settable clock) or `production` (no default for any secret).
In the sandbox, values come from `<SANDBOX_FOLDER>/app.env` and the environment overrides them.
"""

import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flask import Flask, current_app

from app import soundness
from app.environment import Reader
from app.settings import wechat
from app.settings.wechat import MiniProgramSettings, PaySettings, PushSettings

SANDBOX, PRODUCTION = "sandbox", "production"
# Hosts WeChat publishes; anything else in production is a mistake or a sandbox.
_WECHAT_API_HOSTS = {"api.weixin.qq.com", "api2.weixin.qq.com"}
WECHAT_PAY_HOSTS = {
    "api.mch.weixin.qq.com",
    "api2.mch.weixin.qq.com",
    "api.wechatpay.cn",
    "api2.wechatpay.cn",
}


class SettingsUnfit(Exception):
    """The deployment's settings cannot be used; `problems` names every one of them.

    `settings` is what could be read, for whoever looks for more reasons; nobody may serve with it.
    """

    def __init__(self, problems: list[str], *, settings: "Settings | None" = None) -> None:
        self.problems = problems
        self.settings = settings
        lines = "\n".join(f"  - {problem}" for problem in problems)
        super().__init__(f"{len(problems)} setting(s) must be mended before starting:\n{lines}")


@dataclass(frozen=True)
class VaultSettings:
    """`field_keys`: key id (1-255) to 32 bytes; the highest id encrypts, all of them decrypt."""

    field_keys: Mapping[int, bytes] = field(repr=False)
    blind_index_key: bytes = field(repr=False)


@dataclass(frozen=True)
class SealSettings:
    key_file: Path
    cert_file: Path
    ca_file: Path


@dataclass(frozen=True)
class Settings:
    environment: str
    database_url: str = field(repr=False)
    database_owner_url: str = field(repr=False)
    mini_program: MiniProgramSettings
    push: PushSettings
    templates: Mapping[str, str]
    pay: PaySettings
    vault: VaultSettings
    seal: SealSettings
    centre_name: str
    centre_code: str
    clock_offset_file: Path | None
    log_level: str
    trusted_proxies: int

    @property
    def is_production(self) -> bool:
        return self.environment == PRODUCTION


def install(app: Flask, settings: Settings) -> None:
    """`current()` answers these settings while this app is at work."""
    app.extensions["lingcun-settings"] = settings


def current() -> Settings:
    """The settings of the app at work."""
    settings: Settings = current_app.extensions["lingcun-settings"]
    return settings


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of this deployment; raises `SettingsUnfit` with every problem at once."""
    given = dict(os.environ if environ is None else environ)
    environment = given.get("APP_ENV", SANDBOX)
    if environment not in (SANDBOX, PRODUCTION):
        raise SettingsUnfit([f"APP_ENV is {environment!r}; it is `sandbox` or `production`"])
    if environment == SANDBOX:
        given = {**_sandbox_file(given), **given}
    reader = Reader(given)
    settings = _read(reader, environment)
    problems = reader.problems + _unusable(settings)
    if environment == PRODUCTION:
        problems += _debugging(given)
        problems += _unfit_for_production(settings, reader.files, _sandbox_secrets(given))
    if problems:
        raise SettingsUnfit(problems, settings=settings)
    return settings


def _sandbox_file(given: Mapping[str, str]) -> dict[str, str]:
    folder = Path(given.get("SANDBOX_FOLDER", "var/sandbox")).resolve()
    path = folder / "app.env"
    if not path.exists():
        raise SettingsUnfit(
            [f"{path} is missing: make it with `python -m sandbox keys --folder {folder}`"]
        )
    pairs = (line.split("=", 1) for line in path.read_text("utf-8").splitlines() if "=" in line)
    values = {name.strip(): value.strip() for name, value in pairs if not name.startswith("#")}
    values.setdefault("DATABASE_URL", f"sqlite:///{folder / 'lingcun.sqlite'}")
    return values


def _sandbox_secrets(given: Mapping[str, str]) -> set[str | bytes]:
    """What the sandbox of this machine, if there is one we may read, made for itself."""
    try:
        sandbox = _read(Reader(_sandbox_file(given)), SANDBOX)
    except (SettingsUnfit, OSError, UnicodeDecodeError):
        return set()
    return set(_secrets(sandbox).values()) - {"", b""}


def _secrets(settings: Settings) -> dict[str, str | bytes]:
    pay, vault = settings.pay, settings.vault
    return {
        "WECHAT_APP_SECRET": settings.mini_program.app_secret,
        "WECHAT_PUSH_TOKEN": settings.push.token,
        "WECHAT_PUSH_AES_KEY": settings.push.aes_key,
        "WECHAT_PAY_APIV3_KEY": pay.apiv3_key,
        "WECHAT_PAY_MERCHANT_KEY_FILE": pay.merchant_key_pem,
        "WECHAT_PAY_PUBLIC_KEY_FILE": pay.public_key_pem,
        "BLIND_INDEX_KEY": vault.blind_index_key,
        **{f"FIELD_KEYS key {key_id}": key for key_id, key in vault.field_keys.items()},
    }


def _read(reader: Reader, environment: str) -> Settings:
    return Settings(
        environment=environment,
        database_url=reader.text("DATABASE_URL"),
        database_owner_url=reader.optional("DATABASE_OWNER_URL", ""),
        mini_program=wechat.read_mini_program(reader),
        push=wechat.read_push(reader),
        templates=wechat.read_templates(reader),
        pay=wechat.read_pay(reader),
        vault=VaultSettings(
            field_keys=reader.keys("FIELD_KEYS"),
            blind_index_key=reader.key("BLIND_INDEX_KEY"),
        ),
        seal=SealSettings(
            key_file=reader.path("SEAL_KEY_FILE"),
            cert_file=reader.path("SEAL_CERT_FILE"),
            ca_file=reader.path("SEAL_CA_FILE"),
        ),
        centre_name=reader.optional("CENTRE_NAME", "湖州市住房公积金管理中心"),
        centre_code=reader.optional("CENTRE_CODE", "330500000000000"),
        clock_offset_file=(
            reader.path("CLOCK_OFFSET_FILE", must_exist=False)
            if environment == SANDBOX and reader.optional("CLOCK_OFFSET_FILE", "")
            else None
        ),
        log_level=reader.optional("LOG_LEVEL", "INFO"),
        trusted_proxies=reader.number("TRUSTED_PROXIES", 0, highest=5),
    )


def _unusable(settings: Settings) -> list[str]:
    """What no environment could work with."""
    pay, push, problems = settings.pay, settings.push, []
    if push.token and not re.fullmatch("[0-9A-Za-z]{3,32}", push.token):
        problems.append("WECHAT_PUSH_TOKEN is 3 to 32 letters and digits")
    if push.aes_key and not re.fullmatch("[0-9A-Za-z]{43}", push.aes_key):
        problems.append("WECHAT_PUSH_AES_KEY is 43 letters and digits")
    if pay.apiv3_key and len(pay.apiv3_key) != 32:
        problems.append("WECHAT_PAY_APIV3_KEY is 32 characters, no more and no fewer")
    if pay.merchant_key_pem and not soundness.is_merchant_key(pay.merchant_key_pem):
        problems.append("WECHAT_PAY_MERCHANT_KEY_FILE holds no unencrypted RSA private key (PEM)")
    if pay.public_key_pem and not soundness.is_platform_key(pay.public_key_pem):
        problems.append("WECHAT_PAY_PUBLIC_KEY_FILE holds no RSA public key (PEM)")
    if pay.platform_cert_pem and not soundness.is_platform_certificate(pay.platform_cert_pem):
        problems.append("WECHAT_PAY_PLATFORM_CERT_FILE holds no certificate of an RSA key (PEM)")
    vault = settings.vault
    if vault.blind_index_key and vault.blind_index_key in vault.field_keys.values():
        problems.append("BLIND_INDEX_KEY is one of FIELD_KEYS: it is a key of its own")
    return problems


def _debugging(given: Mapping[str, str]) -> list[str]:
    if given.get("FLASK_DEBUG", "").strip().lower() in ("", "0", "false", "no"):
        return []
    return ["FLASK_DEBUG is on: it shows the program to whoever makes it fail"]


def _unfit_for_production(
    settings: Settings, files: Mapping[str, Path], sandbox_secrets: Collection[str | bytes]
) -> list[str]:
    """Every reason why these settings may not serve real savings; empty when there is none."""
    pay, mini, vault = settings.pay, settings.mini_program, settings.vault
    texts = {
        "WECHAT_APPID": (mini.appid, 18, ".*"),
        "WECHAT_APP_SECRET": (mini.app_secret, 32, ".*"),
        "WECHAT_PUSH_TOKEN": (settings.push.token, 16, ".*"),  # its form is already judged
        "WECHAT_PUSH_AES_KEY": (settings.push.aes_key, 1, ".*"),
        "WECHAT_PAY_MCHID": (pay.mchid, 8, ".*"),
        "WECHAT_PAY_MERCHANT_SERIAL": (pay.merchant_serial, 32, "[0-9A-Fa-f]+"),
        "WECHAT_PAY_PUBLIC_KEY_ID": (pay.public_key_id, 24, "PUB_KEY_ID_[0-9A-Za-z]+"),
        "WECHAT_PAY_APIV3_KEY": (pay.apiv3_key.decode(), 1, ".*"),  # its length is already judged
    }
    for kind, each in settings.templates.items():
        texts[wechat.MESSAGE_KINDS[kind]] = (each, 20, "[0-9A-Za-z_-]+")
    found = {
        name: soundness.weakness(text, shortest=least, form=form)
        for name, (text, least, form) in texts.items()
    }
    keys = {f"FIELD_KEYS key {key_id}": key for key_id, key in vault.field_keys.items()}
    for name, key in (keys | {"BLIND_INDEX_KEY": vault.blind_index_key}).items():
        if key and soundness.is_pattern(key):
            found[name] = ["is a pattern, not random bytes"]
    for name, file in files.items():
        if soundness.lies_in_a_sandbox(file) or soundness.was_made_by_sandbox(file):
            found[name] = ["was made by a sandbox"]
    for name, secret in _secrets(settings).items():
        if secret in sandbox_secrets:
            found[name] = ["was made by a sandbox"]
    found |= {
        "WECHAT_API_BASE": soundness.base_weakness(mini.api_base, hosts=_WECHAT_API_HOSTS),
        "WECHAT_PAY_BASE": soundness.base_weakness(pay.base, hosts=WECHAT_PAY_HOSTS),
        "WECHAT_PAY_NOTIFY_URL": soundness.notify_weakness(pay.notify_url),
        "DATABASE_URL": soundness.database_weakness(settings.database_url),
        "DATABASE_OWNER_URL": soundness.database_weakness(settings.database_owner_url),
    }
    return [f"{name} {why}" for name, reasons in found.items() for why in reasons]
