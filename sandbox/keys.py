"""Makes everything secret once: the sandbox's own side and the `app.env` the backend reads."""

import base64
import fcntl
import json
import os
import secrets
import string
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox import certificates
from sandbox.house_templates import TEMPLATES

MCHID = "1900000001"

APP_ENV = "app.env"
WECHAT_JSON = "wechat.json"
PLATFORM_KEY = "platform-key.pem"
PLATFORM_PUBLIC_KEY = "platform-public-key.pem"
PLATFORM_CERTIFICATE_KEY = "platform-certificate-key.pem"
PLATFORM_CERTIFICATE = "platform-certificate.pem"
MERCHANT_KEY = "merchant-key.pem"
MERCHANT_CERTIFICATE = "merchant-cert.pem"
SEAL_KEY = "seal-key.pem"
SEAL_CERTIFICATE = "seal-cert.pem"
SEAL_CA = "seal-ca.pem"
CLOCK_OFFSET = "clock-offset"


def ensure_keys(folder: Path, *, api_port: int = 8000, sandbox_port: int = 8100) -> None:
    """`folder` holds a complete set of keys, the same one for every caller ever.

    The first caller makes them under a file lock, the others wait for it. Keys are never made
    again; only the lines of `app.env` that name a port or a path follow the arguments, so a
    moved folder or another port keeps the data readable.
    """
    folder = folder.resolve()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    with _locked(folder):
        path = folder / APP_ENV
        _make_platform_certificate(folder)
        # app.env is written last: where it exists, everything else is complete.
        old = _env_lines(path) if path.exists() else _make_secrets(folder)
        # Keys of before there was message push get its secrets now.
        new = _push_secrets() | old | _places(folder, api_port=api_port, sandbox_port=sandbox_port)
        if new != old or not path.exists():
            text = "".join(f"{name}={value}\n" for name, value in new.items())
            _write_private(path, text.encode())


def ensure_platform_certificate(folder: Path) -> None:
    """`folder` holds WeChat Pay's first certificate; keys of before there was one get it now."""
    with _locked(folder):
        _make_platform_certificate(folder)


def _make_platform_certificate(folder: Path) -> None:
    if (folder / PLATFORM_CERTIFICATE).exists():
        return
    key = certificates.new_key()
    certificate = certificates.platform_certificate(
        key,
        serial=certificates.new_serial(),
        valid_from=certificates.VALID_FROM,
        valid_until=certificates.VALID_UNTIL,
    )
    _write_private(folder / PLATFORM_CERTIFICATE_KEY, certificates.private_pem(key))
    _write_private(folder / PLATFORM_CERTIFICATE, certificates.certificate_pem(certificate))


def _make_secrets(folder: Path) -> dict[str, str]:
    merchant_key, platform_key = certificates.new_key(), certificates.new_key()
    merchant = certificates.merchant_certificate(merchant_key, mchid=MCHID)
    wechat = {
        "appid": "wxsandbox" + secrets.token_hex(5)[:9],
        "app_secret": secrets.token_hex(16),
        "mchid": MCHID,
        "merchant_serial": f"{merchant.serial_number:X}",
        "public_key_id": f"PUB_KEY_ID_SANDBOX{secrets.randbelow(10**20):020d}",
        "apiv3_key": secrets.token_hex(16),
    }
    _write_private(folder / PLATFORM_KEY, certificates.private_pem(platform_key))
    _write_private(folder / PLATFORM_PUBLIC_KEY, certificates.public_pem(platform_key))
    _write_private(folder / MERCHANT_KEY, certificates.private_pem(merchant_key))
    _write_private(folder / MERCHANT_CERTIFICATE, certificates.certificate_pem(merchant))
    _make_seal(folder)
    _write_private(folder / WECHAT_JSON, json.dumps(wechat, indent=2).encode())
    return {
        "WECHAT_APPID": wechat["appid"],
        "WECHAT_APP_SECRET": wechat["app_secret"],
        "WECHAT_PAY_MCHID": wechat["mchid"],
        "WECHAT_PAY_MERCHANT_SERIAL": wechat["merchant_serial"],
        "WECHAT_PAY_PUBLIC_KEY_ID": wechat["public_key_id"],
        "WECHAT_PAY_APIV3_KEY": wechat["apiv3_key"],
        "FIELD_KEYS": f"1:{_random_key()}",
        "BLIND_INDEX_KEY": _random_key(),
    }


def _push_secrets() -> dict[str, str]:
    letters = string.ascii_letters + string.digits
    return {
        "WECHAT_PUSH_TOKEN": secrets.token_hex(16),
        "WECHAT_PUSH_AES_KEY": "".join(secrets.choice(letters) for _ in range(43)),
    }


def _make_seal(folder: Path) -> None:
    seal_key = certificates.new_key()
    seal, root = certificates.seal_certificates(seal_key)
    _write_private(folder / SEAL_KEY, certificates.private_pem(seal_key))
    _write_private(folder / SEAL_CERTIFICATE, certificates.certificate_pem(seal))
    _write_private(folder / SEAL_CA, certificates.certificate_pem(root))


def _places(folder: Path, *, api_port: int, sandbox_port: int) -> dict[str, str]:
    base = f"http://127.0.0.1:{sandbox_port}"
    return {
        "WECHAT_API_BASE": base,
        "WECHAT_PAY_BASE": base,
        # WeChat accepts https addresses only; this sandbox delivers a localhost one over http.
        "WECHAT_PAY_NOTIFY_URL": f"https://localhost:{api_port}/v1/notices/wechat-pay",
        # The one scene whose report fields are published: 行政补贴.
        "WECHAT_PAY_TRANSFER_SCENE_ID": "1002",
        "WECHAT_PAY_TRANSFER_REPORT_TYPE": "补贴类型",
        "WECHAT_PAY_TRANSFER_REPORT_CONTENT": "住房公积金提取",
        **{f"WECHAT_TEMPLATE_{each.setting}": each.template_id for each in TEMPLATES},
        "WECHAT_PAY_MERCHANT_KEY_FILE": str(folder / MERCHANT_KEY),
        "WECHAT_PAY_PUBLIC_KEY_FILE": str(folder / PLATFORM_PUBLIC_KEY),
        "SEAL_KEY_FILE": str(folder / SEAL_KEY),
        "SEAL_CERT_FILE": str(folder / SEAL_CERTIFICATE),
        "SEAL_CA_FILE": str(folder / SEAL_CA),
        "CLOCK_OFFSET_FILE": str(folder / CLOCK_OFFSET),
    }


def _random_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _env_lines(path: Path) -> dict[str, str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line)


def _write_private(path: Path, content: bytes) -> None:
    # A reader without the lock must see the whole file or none of it.
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    draft.replace(path)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    handle = os.open(folder / ".keys.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
