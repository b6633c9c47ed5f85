"""The sandbox as a process: on this machine, with a memory, and gone when told."""

import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from sandbox.clock import Clock
from sandbox.server import NotThisMachine, create_sandbox, serve, serve_in_thread
from sandbox.world import world_of
from tests.sandbox.merchant import Merchant, Phone, receiving


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_restart_keeps_the_books(folder: Path) -> None:
    with serve_in_thread(create_sandbox(folder)) as base:
        phone = Phone(Merchant(folder, base))
        _, transaction_id = phone.paid()
        before = phone.control("GET", "/books").json()

    with serve_in_thread(create_sandbox(folder)) as base:
        merchant = Merchant(folder, base)
        mchid = merchant.env["WECHAT_PAY_MCHID"]
        found = merchant.call("GET", f"/v3/pay/transactions/id/{transaction_id}?mchid={mchid}")
        after = requests.get(f"{base}/sandbox/books", timeout=10).json()

    assert found.json()["trade_state"] == "SUCCESS"
    assert after == before
    assert (folder / "wechat.sqlite").stat().st_mode & 0o777 == 0o600


def test_a_notice_not_taken_before_a_restart_comes_after_it(folder: Path) -> None:
    with receiving(500) as receiver:
        with serve_in_thread(create_sandbox(folder)) as base:
            Phone(Merchant(folder, base)).paid(notify=True, notify_url=receiver.notify_url)
            receiver.wait_for(1)

        Clock(folder / "clock-offset").set_offset_s(20)
        with serve_in_thread(create_sandbox(folder)):
            came = receiver.wait_for(2)

    assert len(came) == 2


def test_the_process_serves_and_ends_quickly_at_sigterm(folder: Path) -> None:
    port = _free_port()
    command = [sys.executable, "-m", "sandbox", "serve", "--folder", str(folder), "--port"]

    with subprocess.Popen([*command, str(port)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        health = _patient_get(f"http://127.0.0.1:{port}/sandbox/health")
        told_at = time.monotonic()
        process.send_signal(signal.SIGTERM)
        status = process.wait(timeout=10)

    assert f"127.0.0.1:{port}" in said
    assert health["status"] == "ok"
    assert status == 0
    assert time.monotonic() - told_at < 3


def _patient_get(url: str) -> dict[str, str]:
    for _ in range(100):
        try:
            return dict(requests.get(url, timeout=5).json())
        except requests.ConnectionError:
            time.sleep(0.05)
    raise AssertionError(f"nobody answers at {url}")


def test_the_sandbox_listens_to_this_machine_only(folder: Path) -> None:
    app = create_sandbox(folder, database=":memory:")

    with pytest.raises(NotThisMachine):
        serve(app, host="0.0.0.0", port=0)  # noqa: S104 - it must be refused

    world_of(app).close()


def test_the_clock_is_real_time_plus_the_file(tmp_path: Path) -> None:
    clock = Clock(tmp_path / "clock-offset")

    without_file = abs((clock.now() - datetime.now(UTC)).total_seconds())
    (tmp_path / "clock-offset").write_text("86400\n", encoding="ascii")
    ahead = clock.now() - datetime.now(UTC)
    clock.set_now(datetime(2027, 7, 1, tzinfo=UTC))

    assert without_file < 1
    assert abs(ahead - timedelta(days=1)) < timedelta(seconds=1)
    assert abs(clock.now() - datetime(2027, 7, 1, tzinfo=UTC)) < timedelta(seconds=2)


def test_a_tester_sets_the_clock_by_offset_or_by_time(phone: Phone, folder: Path) -> None:
    wanted = {"now": "2027-07-01T00:00:00+08:00"}

    by_time = phone.control("PUT", "/clock", wanted).json()
    by_offset = phone.control("PUT", "/clock", {"offset_s": 60}).json()

    assert by_time["now"][:16] in {"2027-07-01T00:00", "2027-06-30T23:59"}
    assert by_offset["offset_s"] == 60
    assert (folder / "clock-offset").read_text(encoding="ascii") == "60\n"


def test_calls_are_counted_per_endpoint_without_their_secrets(
    merchant: Merchant, phone: Phone
) -> None:
    phone.placed()
    requests.get(f"{merchant.base}/sns/jscode2session?secret=hidden", timeout=10)
    requests.get(f"{merchant.base}/v3/marketing", timeout=10)

    calls = phone.control("GET", "/calls").json()
    cleared = phone.control("DELETE", "/calls")

    assert calls["counts"] == {
        "POST /v3/pay/transactions/jsapi": 1,
        "GET /sns/jscode2session": 1,
        "GET (unknown)": 1,
    }
    assert [call["status"] for call in calls["last"]] == [200, 200, 404]
    assert "hidden" not in str(calls)
    assert cleared.status_code == 204
    assert phone.control("GET", "/calls").json() == {"counts": {}, "last": []}
