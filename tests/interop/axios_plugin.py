"""`wechatpay-axios-plugin` (npm) agrees with us, too: `make interop`, which fetches it.

Its name keeps it out of `make test`: Node.js and the package are not among our requirements.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from app import clock
from tests.interop.conftest import Both
from tests.interop.test_wechatpayv3 import NAME, a_paid_order

FOLDER = Path(__file__).parent / "axios"
TARGET, BODY = "/v3/fund-app/mch-transfer/transfer-bills?x=%2F", '{"note": "缴存 ½"}'


def test_the_npm_client_agrees_both_ways(both: Both) -> None:
    number, key = a_paid_order(both), both.identity.platform_key
    header = both.ours._client.merchant.authorization("POST", TARGET, BODY, at=clock.now())
    merchant = load_pem_private_key(both.settings.merchant_key_pem, password=None).public_key()

    found = agreed(
        {
            "base": f"{both.base}/",
            "mchid": both.settings.mchid,
            "merchant_serial": both.settings.merchant_serial,
            "merchant_key_pem": both.settings.merchant_key_pem.decode(),
            "merchant_public_pem": merchant.public_bytes(
                Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
            ).decode(),
            "public_key_id": both.settings.public_key_id,
            "public_key_pem": both.settings.public_key_pem.decode(),
            "platform_key_pem": key.private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
            ).decode(),
            "apiv3_key": both.settings.apiv3_key.decode(),
            "out_trade_no": number,
            "target": TARGET,
            "body": BODY,
            "authorization": dict(re.findall(r'(\w+)="([^"]*)"', header)),
            "notice": both.control("POST", f"/orders/{number}/notice", {}),
            "name": NAME,
            "sealed_field": both.ours.platform.seal(NAME, at=clock.now())[1],
        }
    )

    oaep = OAEP(MGF1(SHA1()), SHA1(), None)  # noqa: S303 - the protocol's
    assert found["queried"]["out_trade_no"] == found["opened"]["out_trade_no"] == number
    assert (found["closed"], found["takes_our_authorization"], found["takes_the_notice"]) == (
        204,
        True,
        True,
    )
    assert found["opened_field"] == NAME
    assert key.decrypt(base64.b64decode(found["sealed_field"]), oaep).decode() == NAME
    assert both.ours.platform.open_resource(
        {
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": found["sealed_resource"],
            "nonce": "0123456789ab",
            "associated_data": "transaction",
        }
    ) == {"name": NAME}


def agreed(given: dict[str, Any]) -> dict[str, Any]:
    """What the plugin answers to what we made."""
    done = subprocess.run(
        ["node", "agree.cjs"],
        cwd=FOLDER,
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))
