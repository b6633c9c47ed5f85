"""What the deployment has to say about WeChat: mini-program, message push, merchant."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.environment import Reader

# How WeChat Pay signs for this merchant: with its public key, or with certificates that change.
PUBLIC_KEY, CERTIFICATE = "public-key", "certificate"

# What a worker may be told of by WeChat -> the setting with the template that carries it.
MESSAGE_KINDS = {
    kind: f"WECHAT_TEMPLATE_{kind.upper().replace('-', '_')}"
    for kind in ("deposit-credited", "payout-paid", "payout-failed", "agreement-signed")
}


@dataclass(frozen=True)
class MiniProgramSettings:
    appid: str
    app_secret: str = field(repr=False)
    api_base: str


@dataclass(frozen=True)
class TransferSettings:
    """商家转账: the scene WeChat approved, what it wants told with each transfer, and its bounds.

    `limit_fen` is the most of one transfer, `name_from_fen` the least that carries a name to be
    compared (WeChat takes none below 0.30 yuan).
    """

    scene_id: str
    report_type: str
    report_content: str
    limit_fen: int
    name_from_fen: int = 30


@dataclass(frozen=True)
class PushSettings:
    """`token` signs what WeChat pushes to us; `aes_key` is its EncodingAESKey, 43 characters."""

    token: str = field(repr=False)
    aes_key: str = field(repr=False)


@dataclass(frozen=True)
class PaySettings:
    mchid: str
    merchant_serial: str
    merchant_key_pem: bytes = field(repr=False)
    public_key_id: str
    public_key_pem: bytes = field(repr=False)
    apiv3_key: bytes = field(repr=False)
    base: str
    notify_url: str
    mode: str = PUBLIC_KEY
    platform_cert_pem: bytes = b""
    transfer: TransferSettings | None = None


def read_mini_program(reader: Reader) -> MiniProgramSettings:
    """The mini-program; what cannot be read is among the reader's problems."""
    return MiniProgramSettings(
        appid=reader.text("WECHAT_APPID"),
        app_secret=reader.text("WECHAT_APP_SECRET"),
        api_base=reader.optional("WECHAT_API_BASE", "https://api.weixin.qq.com"),
    )


def read_push(reader: Reader) -> PushSettings:
    """Its message push."""
    return PushSettings(
        token=reader.text("WECHAT_PUSH_TOKEN"), aes_key=reader.text("WECHAT_PUSH_AES_KEY")
    )


def read_templates(reader: Reader) -> Mapping[str, str]:
    """The subscribe template of each kind of message that has one."""
    found = {kind: reader.optional(name, "") for kind, name in MESSAGE_KINDS.items()}
    return {kind: template_id for kind, template_id in found.items() if template_id}


def _transfer(reader: Reader) -> TransferSettings | None:
    """None where the merchant has no scene for transfers: payouts then go other ways."""
    scene_id = reader.optional("WECHAT_PAY_TRANSFER_SCENE_ID", "")
    if not scene_id:
        return None
    return TransferSettings(
        scene_id=scene_id,
        report_type=reader.text("WECHAT_PAY_TRANSFER_REPORT_TYPE"),
        report_content=reader.text("WECHAT_PAY_TRANSFER_REPORT_CONTENT"),
        limit_fen=reader.number("WECHAT_PAY_TRANSFER_LIMIT_FEN", 2_000_000, highest=100_000_000),
    )


def read_pay(reader: Reader) -> PaySettings:
    """The merchant; what cannot be read is among the reader's problems."""
    mode = reader.optional("WECHAT_PAY_MODE", PUBLIC_KEY)
    if mode not in (PUBLIC_KEY, CERTIFICATE):
        reader.problems.append(f"WECHAT_PAY_MODE is `{PUBLIC_KEY}` or `{CERTIFICATE}`")
        mode = PUBLIC_KEY
    # While WeChat Pay switches a merchant over, both kinds sign: what is given is held.
    key_id, key_file = "WECHAT_PAY_PUBLIC_KEY_ID", "WECHAT_PAY_PUBLIC_KEY_FILE"
    has_key = mode == PUBLIC_KEY or any(reader.optional(name, "") for name in (key_id, key_file))
    cert_file = "WECHAT_PAY_PLATFORM_CERT_FILE"
    has_cert = mode == CERTIFICATE or bool(reader.optional(cert_file, ""))
    return PaySettings(
        mchid=reader.text("WECHAT_PAY_MCHID"),
        merchant_serial=reader.text("WECHAT_PAY_MERCHANT_SERIAL"),
        merchant_key_pem=reader.file("WECHAT_PAY_MERCHANT_KEY_FILE"),
        public_key_id=reader.text(key_id) if has_key else "",
        public_key_pem=reader.file(key_file) if has_key else b"",
        apiv3_key=reader.text("WECHAT_PAY_APIV3_KEY").encode(),
        base=reader.optional("WECHAT_PAY_BASE", "https://api.mch.weixin.qq.com"),
        notify_url=reader.text("WECHAT_PAY_NOTIFY_URL"),
        mode=mode,
        platform_cert_pem=reader.file(cert_file) if has_cert else b"",
        transfer=_transfer(reader),
    )
