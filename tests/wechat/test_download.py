"""A bill is fetched from WeChat's own hosts, whole, within bounds; nobody signed it."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import pytest

from app.db import NetworkInsideTransaction, transaction
from app.wechat import wire
from app.wechat.apiv3_client import Apiv3Client
from app.wechat.faults import WechatRefused, WechatUnavailable
from tests.wechat.answering import Answering, Reply, pay_settings

FILE = "/v3/billdownload/file"


@pytest.fixture
def client(wechat: Answering) -> Apiv3Client:
    return Apiv3Client(pay_settings(wechat.base))


def test_the_bytes_come_as_they_are_and_the_request_is_signed(
    wechat: Answering, client: Apiv3Client
) -> None:
    content = bytes(range(256)) * 4_000  # more than any other answer may have
    wechat.to(FILE, Reply(content))

    found = client.download(f"{wechat.base}{FILE}?token=a%2Bb&tartype=gzip")

    (asked,) = wechat.asked
    assert found == content
    assert asked.target == f"{FILE}?token=a%2Bb&tartype=gzip"
    assert asked.headers["Authorization"].startswith("WECHATPAY2-SHA256-RSA2048 mchid=")
    assert len(content) > wire._LARGEST_ANSWER


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/v3/billdownload/file?token=1",
        "https://api.mch.weixin.qq.com/v3/billdownload/file?token=1",
        "http://localhost:1/v3/billdownload/file",
        "file:///etc/passwd",
        "//127.0.0.1/v3/billdownload/file",
        "/v3/billdownload/file",
        "http://[half/v3/billdownload/file",
        "",
    ],
)
def test_no_other_host_is_asked(wechat: Answering, client: Apiv3Client, url: str) -> None:
    with pytest.raises(WechatUnavailable) as unknown:
        client.download(url)

    assert unknown.value.facts == {"why": "elsewhere"}
    assert wechat.asked == []


@pytest.mark.parametrize("spelling", ["user@{}", "{}.example.com", "{}@example.com", "{}:80"])
def test_no_host_that_only_looks_like_ours_is_asked(
    wechat: Answering, client: Apiv3Client, spelling: str
) -> None:
    host = wechat.base.removeprefix("http://")

    with pytest.raises(WechatUnavailable) as unknown:
        client.download(f"http://{spelling.format(host)}{FILE}")

    assert unknown.value.facts == {"why": "elsewhere"}
    assert wechat.asked == []


@pytest.mark.parametrize("host", ["api.mch.weixin.qq.com", "api2.wechatpay.cn"])
def test_in_production_each_of_wechats_hosts_may_hold_the_file(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    client = Apiv3Client(replace(pay_settings(""), base="https://api.mch.weixin.qq.com"))

    def record(_method: str, url: str, **_: object) -> None:
        asked.append(url)

    monkeypatch.setattr(client._downloads, "request", record)
    with pytest.raises(WechatUnavailable) as unknown:
        client.download(f"https://{host}{FILE}?token=1")
    with pytest.raises(WechatUnavailable) as plain:
        client.download(f"http://{host}{FILE}?token=1")

    assert (unknown.value.facts, asked) == (
        {"why": "no-answer"},
        [f"https://{host}{FILE}?token=1"],
    )
    assert plain.value.facts == {"why": "elsewhere"}


@pytest.mark.parametrize("status", [301, 302, 307, 204, 206, 429, 500, 503])
def test_only_the_file_itself_is_an_answer(
    wechat: Answering, client: Apiv3Client, status: int
) -> None:
    wechat.to(FILE, Reply(b"", status, headers={"Location": f"{wechat.base}/elsewhere"}))

    with pytest.raises(WechatUnavailable):
        client.download(f"{wechat.base}{FILE}")

    assert wechat.count("/elsewhere") == 0


def test_a_refusal_carries_wechats_code(wechat: Answering, client: Apiv3Client) -> None:
    wechat.to(FILE, Reply.of({"code": "INVALID_REQUEST"}, status=400))

    with pytest.raises(WechatRefused) as refused:
        client.download(f"{wechat.base}{FILE}?token=old")

    assert refused.value.facts == {"status": 400, "code": "INVALID_REQUEST"}


@pytest.mark.parametrize("how", ["too large", "half", "slow"])
def test_what_is_too_large_too_slow_or_breaks_off_is_given_up(
    wechat: Answering, client: Apiv3Client, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "_LARGEST_DOWNLOAD", 1_000_000)
    monkeypatch.setattr(wire, "_DOWNLOAD_WITHIN_S", 1.0)
    reply = {
        "too large": Reply(b"x" * 30_000_000),
        "half": Reply(b"x" * 1_000, length=2_000),
        "slow": Reply(b"x" * 20, drip_s=0.2),
    }[how]
    wechat.to(FILE, reply)
    tracemalloc.start()

    with pytest.raises(WechatUnavailable) as unknown:
        client.download(f"{wechat.base}{FILE}")

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert unknown.value.facts == {"why": "no-answer"}
    assert peak < 10_000_000


def test_sixty_four_megabytes_are_the_bound() -> None:
    assert wire._LARGEST_DOWNLOAD == 64 * 1024 * 1024


def test_nothing_is_fetched_while_a_transaction_is_open(
    wechat: Answering, client: Apiv3Client
) -> None:
    with transaction(), pytest.raises(NetworkInsideTransaction):
        client.download(f"{wechat.base}{FILE}")

    assert wechat.asked == []
