"""The keys of a sandbox: made once, private, valid for as long as the clock can be set."""

import base64
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from sandbox.keys import ensure_keys
from tests.sandbox.merchant import env_of

_MAKE_AND_SHOW = """
import hashlib, pathlib, sys
from sandbox.keys import ensure_keys
folder = pathlib.Path(sys.argv[1])
ensure_keys(folder)
files = sorted(f for f in folder.iterdir() if not f.name.startswith("."))
print(hashlib.sha256(b"".join(f.name.encode() + f.read_bytes() for f in files)).hexdigest())
"""


def _certificate(path: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(Path(path).read_bytes())


def test_eight_callers_at_once_find_the_same_keys(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _MAKE_AND_SHOW, str(tmp_path / "sandbox")]

    callers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(8)]
    shown = {caller.communicate(timeout=60)[0] for caller in callers}

    assert all(caller.returncode == 0 for caller in callers)
    assert len(shown) == 1
    assert shown != {""}


def test_only_the_owner_can_read_the_keys(folder: Path) -> None:
    files = list(folder.iterdir())

    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_keys_of_before_there_was_message_push_get_its_secrets_once(folder: Path) -> None:
    lines = (folder / "app.env").read_text("utf-8").splitlines(keepends=True)
    (folder / "app.env").write_text("".join(x for x in lines if "_PUSH_" not in x), "utf-8")
    before = env_of(folder)

    ensure_keys(folder)
    after = env_of(folder)
    ensure_keys(folder)

    assert set(after) - set(before) == {"WECHAT_PUSH_TOKEN", "WECHAT_PUSH_AES_KEY"}
    assert before.items() <= after.items()
    assert env_of(folder) == after


def test_another_port_changes_addresses_and_no_key(folder: Path) -> None:
    before = env_of(folder)

    ensure_keys(folder, api_port=9000, sandbox_port=9100)

    after = env_of(folder)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"WECHAT_API_BASE", "WECHAT_PAY_BASE", "WECHAT_PAY_NOTIFY_URL"}
    assert after["WECHAT_PAY_BASE"] == "http://127.0.0.1:9100"
    assert after["WECHAT_PAY_NOTIFY_URL"] == "https://localhost:9000/v1/notices/wechat-pay"


def test_names_and_keys_have_wechats_form_and_say_sandbox(folder: Path) -> None:
    env = env_of(folder)

    assert len(env["WECHAT_APPID"]) == 18
    assert env["WECHAT_APPID"].startswith("wxsandbox")
    assert env["WECHAT_PAY_PUBLIC_KEY_ID"].startswith("PUB_KEY_ID_SANDBOX")
    assert env["WECHAT_PAY_MCHID"] == "1900000001"
    assert len(env["WECHAT_PAY_APIV3_KEY"].encode("ascii")) == 32
    assert re.fullmatch("[0-9A-Za-z]{3,32}", env["WECHAT_PUSH_TOKEN"])
    assert re.fullmatch("[0-9A-Za-z]{43}", env["WECHAT_PUSH_AES_KEY"])
    assert len(base64.b64decode(env["FIELD_KEYS"].removeprefix("1:"), validate=True)) == 32
    assert len(base64.b64decode(env["BLIND_INDEX_KEY"], validate=True)) == 32
    assert all(Path(env[name]).is_absolute() for name in env if name.endswith("_FILE"))


def test_the_seal_is_issued_by_the_sandbox_ca_and_may_only_sign(folder: Path) -> None:
    env = env_of(folder)
    seal, root = _certificate(env["SEAL_CERT_FILE"]), _certificate(env["SEAL_CA_FILE"])

    usage = seal.extensions.get_extension_for_class(x509.KeyUsage).value

    seal.verify_directly_issued_by(root)
    assert "CN=Lingcun sandbox CA" in root.subject.rfc4514_string()
    assert "湖州市住房公积金管理中心（沙箱电子印章）" in seal.subject.rfc4514_string()
    assert usage.digital_signature
    assert usage.content_commitment
    assert not usage.key_cert_sign


def test_every_certificate_spans_the_years_the_clock_may_show(folder: Path) -> None:
    env = env_of(folder)
    files = [env["SEAL_CERT_FILE"], env["SEAL_CA_FILE"], str(folder / "merchant-cert.pem")]

    for certificate in map(_certificate, files):
        assert certificate.not_valid_before_utc == datetime(2020, 1, 1, tzinfo=UTC)
        assert certificate.not_valid_after_utc == datetime(2050, 1, 1, tzinfo=UTC)


def test_the_merchant_key_belongs_to_the_certificate_of_the_serial(folder: Path) -> None:
    env = env_of(folder)
    certificate = _certificate(str(folder / "merchant-cert.pem"))

    public_key = certificate.public_key()

    assert f"{certificate.serial_number:X}" == env["WECHAT_PAY_MERCHANT_SERIAL"]
    assert isinstance(public_key, rsa.RSAPublicKey)
    assert certificate.signature_hash_algorithm is not None
    public_key.verify(
        certificate.signature,
        certificate.tbs_certificate_bytes,
        padding.PKCS1v15(),
        certificate.signature_hash_algorithm,
    )
