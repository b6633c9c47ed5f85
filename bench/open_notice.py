"""Opening a payment notice, beside bare `cryptography` doing the two steps that cannot be saved.

Compared: `app.wechat.pay_notice.open_notice` (headers looked at, RSA signature verified, JSON read
twice, AES-GCM opened, every field checked) with one RSA verification and one AES-GCM decryption on
the same bytes, already taken apart. The notice is what WeChat sends for every payment, and what
anybody may send us: it should cost little more than the mathematics in it.
"""

import base64
import cProfile
import json
import pstats
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

from app import settings
from app.wechat.apiv3 import Platform
from app.wechat.pay_notice import open_notice
from bench.notices import AMOUNT_FEN, Notice, new_notices
from bench.progress import done, tell
from bench.report import Line, Report
from sandbox.identity import Identity, read_identity
from sandbox.keys import ensure_keys
from sandbox.orders import Order

GOAL = 1.5
SHOWN = 9


@dataclass(frozen=True)
class Rounds:
    """How many rounds, and how often each of the two in a round."""

    count: int
    calls: int


def run(*, is_quick: bool) -> Report:
    """The bench has run; here is what it found."""
    rounds = Rounds(15, 40) if is_quick else Rounds(200, 100)
    with tempfile.TemporaryDirectory(prefix="lingcun-bench-") as name:
        folder = Path(name)
        ensure_keys(folder)
        given = {"APP_ENV": settings.SANDBOX, "SANDBOX_FOLDER": name}
        platform = Platform.of(settings.load(given).pay)
        identity = read_identity(folder)
    notice, at = _notice(identity), datetime.now(UTC)

    def ours() -> None:
        open_notice(platform, notice.headers, notice.body, at=at)

    bare = _bare(identity, notice)
    ratios, seconds = _measured(ours, bare, rounds)
    return Report(
        "Opening a payment notice",
        "`open_notice` (verify, decrypt, read every field) with bare `cryptography` doing the same"
        f" RSA-2048 verification and AES-256-GCM decryption; processor time, medians of"
        f" {rounds.count} rounds, {rounds.calls} of each in turn.",
        [
            Line("open_notice to bare cryptography", f"{median(ratios):.2f} x", f"<= {GOAL} x"),
            Line("bare cryptography, here", f"{median(seconds) * 1e6:.0f} us"),
        ],
        [
            "Shares of the whole by cProfile, which makes many small calls look dearer than one"
            " long one:",
            *_profiled(ours, rounds),
        ],
    )


def _measured(
    ours: Callable[[], None], bare: Callable[[], None], rounds: Rounds
) -> tuple[list[float], list[float]]:
    """For each round, ours to the bare one, and the seconds of one bare call."""
    ratios, seconds = [], []
    for number in range(rounds.count):
        tell(f"open_notice: round {number + 1} of {rounds.count}")
        pair = [ours, bare] if number % 2 else [bare, ours]
        took = {each: _timed(each, rounds.calls) for each in pair}
        ratios.append(took[ours] / took[bare])
        seconds.append(took[bare] / rounds.calls)
    done()
    return ratios, seconds


def _timed(work: Callable[[], None], times: int) -> float:
    """Seconds of the processor in this thread alone: others who want it too do not count."""
    begun = time.thread_time()
    for _ in range(times):
        work()
    return time.thread_time() - begun


def _notice(identity: Identity) -> Notice:
    order = Order(
        out_trade_no="LC2026030200000000000001",
        request="",
        openid="bench-0",
        total_fen=AMOUNT_FEN,
        attach="",
        notify_url="",
        until_s=0,
        is_stray=0,
        state="SUCCESS",
        transaction_id=f"4200{1:024d}",
        success_s=1_772_400_000,
    )
    return new_notices(identity, [order])[0]


def _bare(identity: Identity, notice: Notice) -> Callable[[], None]:
    head = notice.headers
    message = f"{head['Wechatpay-Timestamp']}\n{head['Wechatpay-Nonce']}\n".encode()
    message += notice.body + b"\n"
    signature = base64.b64decode(head["Wechatpay-Signature"])
    key, aead = identity.platform_key.public_key(), AESGCM(identity.apiv3_key.encode())
    resource = json.loads(notice.body)["resource"]
    sealed = base64.b64decode(resource["ciphertext"])
    nonce, bound = resource["nonce"].encode(), resource["associated_data"].encode()

    def work() -> None:
        key.verify(signature, message, PKCS1v15(), SHA256())
        aead.decrypt(nonce, sealed, bound)

    return work


def _profiled(ours: Callable[[], None], rounds: Rounds) -> list[str]:
    """Where the time goes: the costliest functions with all they call, and each one's share."""
    profile = cProfile.Profile()
    profile.runcall(_timed, ours, rounds.calls * 10)
    stats = pstats.Stats(profile).get_stats_profile()
    whole = stats.func_profiles["open_notice"].cumtime
    functions = sorted(stats.func_profiles.items(), key=lambda each: -each[1].cumtime)
    inner = [(name, each) for name, each in functions if each.cumtime < whole]
    return [
        f"`{name.strip('<>')}`: {each.cumtime / whole:.0%}, of its own {each.tottime / whole:.0%}"
        for name, each in inner[:SHOWN]
    ]
