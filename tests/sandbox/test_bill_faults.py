"""Bills that are wrong when they are told to be."""

import gzip
import hashlib
import time

import pytest

from tests.sandbox.bill_reader import DAY, MORNING_AFTER, asked, bill_of, fetched, read_bill
from tests.sandbox.merchant import Merchant, Phone


@pytest.mark.parametrize(
    ("fault", "amounts", "counted", "total"),
    [
        ("bill_line_missing", ["300.00"], "1", "300.00"),
        ("bill_line_extra", ["300.00", "0.05", "1.00"], "3", "301.05"),
        ("bill_line_doubled", ["300.00", "300.00", "0.05"], "3", "600.05"),
        ("bill_fen_off", ["300.01", "0.05"], "2", "300.06"),
        ("bill_wrong_summary", ["300.00", "0.05"], "3", "300.05"),
    ],
)
@pytest.mark.usefixtures("two_payments")
def test_a_fault_spoils_one_bill_whose_hash_is_right(
    merchant: Merchant, phone: Phone, fault: str, amounts: list[str], counted: str, total: str
) -> None:
    path = f"tradebill?bill_date={DAY}"
    phone.control("PUT", "/faults", {fault: 1})

    untouched = bill_of(merchant, f"fundflowbill?bill_date={DAY}", at_s=MORNING_AFTER)
    spoiled = bill_of(merchant, path, at_s=MORNING_AFTER)
    mended = bill_of(merchant, path, at_s=MORNING_AFTER)

    assert [row["订单金额"] for row in spoiled.rows] == amounts
    assert (spoiled.summary["总交易单数"], spoiled.summary["订单总金额"]) == (counted, total)
    assert [row["订单金额"] for row in mended.rows] == ["300.00", "0.05"]
    assert untouched.summary["收入金额"] == "300.05"


@pytest.mark.parametrize(
    ("fault", "amounts"),
    # Between the payments the night settles the one fen of the day before.
    [
        ("bill_line_missing", ["300.00", "0.01"]),
        ("bill_line_extra", ["300.00", "0.01", "0.05", "1.00"]),
        ("bill_line_doubled", ["300.00", "300.00", "0.01", "0.05"]),
        ("bill_fen_off", ["300.01", "0.01", "0.05"]),
    ],
)
@pytest.mark.usefixtures("two_payments")
def test_the_faults_of_lines_can_be_the_fund_flows(
    merchant: Merchant, phone: Phone, fault: str, amounts: list[str]
) -> None:
    phone.control("PUT", "/faults", {fault: 1, "bill_faults_in_fundflow": True})

    untouched = bill_of(merchant, f"tradebill?bill_date={DAY}", at_s=MORNING_AFTER)
    spoiled = bill_of(merchant, f"fundflowbill?bill_date={DAY}", at_s=MORNING_AFTER)

    assert untouched.summary["订单总金额"] == "300.05"
    assert [row["收支金额(元)"] for row in spoiled.rows] == amounts


@pytest.mark.usefixtures("two_payments")
def test_bytes_can_be_short_of_their_mark_or_their_end_or_their_hash(
    merchant: Merchant, phone: Phone
) -> None:
    def bytes_and_hash() -> tuple[bytes, str]:
        told = asked(merchant, f"tradebill?bill_date={DAY}", at_s=MORNING_AFTER)
        return fetched(merchant, told, at_s=MORNING_AFTER), told.json()["hash_value"]

    good, right = bytes_and_hash()
    found = {}
    for fault in ("bill_no_bom", "bill_truncated", "bill_wrong_hash"):
        phone.control("PUT", "/faults", {fault: 1})
        found[fault] = bytes_and_hash()

    assert hashlib.sha1(good).hexdigest() == right  # noqa: S324 - WeChat's
    bare, bare_hash = found["bill_no_bom"]
    assert bare == good.removeprefix(b"\xef\xbb\xbf")
    assert hashlib.sha1(bare).hexdigest() == bare_hash  # noqa: S324
    assert found["bill_truncated"] == (good[: len(good) * 2 // 3], right)
    assert found["bill_wrong_hash"][0] == good
    assert found["bill_wrong_hash"][1] != right


@pytest.mark.usefixtures("two_payments")
def test_a_bill_can_be_late_and_can_drip(merchant: Merchant, phone: Phone) -> None:
    path = f"tradebill?bill_date={DAY}&tar_type=GZIP"
    phone.control("PUT", "/faults", {"bill_creating": 1, "bill_slow": 1, "timeout_s": 1})

    creating = asked(merchant, path, at_s=MORNING_AFTER)
    told = asked(merchant, path, at_s=MORNING_AFTER)
    started = time.monotonic()
    content = fetched(merchant, told, at_s=MORNING_AFTER)

    assert creating.json()["code"] == "STATEMENT_CREATING"
    assert time.monotonic() - started >= 0.9
    assert read_bill(gzip.decompress(content)).summary["总交易单数"] == "2"
