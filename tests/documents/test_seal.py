"""The seal: valid for exactly the bytes it was put on, and an answer for everything else."""

import random
import re
import zlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.documents import seal_check
from app.documents.agreement import agreement_pdf
from app.documents.errors import MomentWithoutZone, PaperAlreadySealed, SealUnusable
from app.documents.seal import Seal, seal_pdf
from app.documents.seal_check import SealCheck, check_seal
from tests.documents.papers import a_paper
from tests.documents.seals import a_seal, an_authority

AT = datetime(2031, 5, 1, 8, 0, tzinfo=timezone(timedelta(hours=8)))
FLIPS = 200


def checked(pdf: bytes, *, by: str = "one", at: datetime = AT) -> SealCheck:
    return check_seal(pdf, trusted_ca=an_authority(by).certificate, at=at)


def sealed(seal: Seal, *, name: str = "张三", at: datetime = AT) -> bytes:
    pdf = agreement_pdf(a_paper(name=name))
    return seal_pdf(pdf, seal=seal, at=at, reason="签订缴存使用协议")


@cache
def a_sealed_paper() -> bytes:
    return sealed(a_seal())


def gap_of(pdf: bytes) -> tuple[int, int]:
    declared = re.search(rb"/ByteRange \[0 (\d+) (\d+) ", pdf)
    assert declared is not None
    return int(declared[1]), int(declared[2])


@pytest.mark.parametrize("rsa_key", [False, True])
def test_a_sealed_paper_is_valid_and_says_who_sealed_it_when(rsa_key: bool) -> None:
    pdf = sealed(a_seal(rsa_key=rsa_key))

    answer = checked(pdf)

    assert answer == SealCheck(valid=True, reason=seal_check.VALID, signer="示例中心", signed_at=AT)
    assert b"/ETSI.CAdES.detached" in pdf


def test_the_seal_is_added_behind_the_paper_and_shows_no_other_clock() -> None:
    paper = agreement_pdf(a_paper())

    added = seal_pdf(paper, seal=a_seal(), at=AT, reason="签订").removeprefix(paper)

    assert len(added) < 30_000
    assert b"/ModDate" not in added
    assert added.count(b"D\\07220310501") == 1
    assert not [word for word in (b"/JS", b"/OpenAction", b"/URI", b"/AA") if word in added]


def test_an_old_paper_stays_valid_after_the_certificate_has_ended() -> None:
    assert checked(a_sealed_paper(), at=datetime(2070, 1, 1, tzinfo=UTC)).valid


def test_a_seal_from_the_future_is_not_valid_yet() -> None:
    assert checked(a_sealed_paper(), at=AT - timedelta(minutes=4)).valid
    answer = checked(a_sealed_paper(), at=AT - timedelta(minutes=6))
    assert (answer.valid, answer.reason) == (False, seal_check.FROM_THE_FUTURE)


def test_no_flipped_bit_raises_and_the_seal_finds_most_of_them() -> None:
    paper, luck, reasons = a_sealed_paper(), random.Random(20310501), Counter[str]()

    for bit in luck.sample(range(len(paper) * 8), FLIPS):
        changed = bytearray(paper)
        changed[bit // 8] ^= 1 << (bit % 8)
        reasons[checked(bytes(changed)).reason] += 1

    # What it misses lies in the padding of the signature; the stored SHA-256 sees that as well.
    assert sum(reasons.values()) == FLIPS
    assert reasons[seal_check.VALID] < FLIPS * 0.2


@pytest.mark.parametrize("end", [0, 1, 9, 100, 5_000, 20_000, -20_000, -16_000, -700, -2, -1])
def test_a_truncated_file_is_not_valid(end: int) -> None:
    answer = checked(a_sealed_paper()[:end])

    assert not answer.valid
    assert answer.signer is None


@pytest.mark.parametrize("tail", [b"\n", b"\0", b"%", b"x" * 1_000, b"/ByteRange [0 1 2 3]"])
def test_anything_appended_makes_it_not_valid(tail: bytes) -> None:
    assert not checked(a_sealed_paper() + tail).valid


def test_a_second_revision_makes_it_not_valid() -> None:
    revision = (
        b"1 0 obj\n<< /Type /Catalog >>\nendobj\n"
        b"xref\n1 1\n0000000000 00000 n \ntrailer\n<< /Size 2 /Root 1 0 R >>\nstartxref\n0\n%%EOF\n"
    )
    assert not checked(a_sealed_paper() + revision).valid


def test_a_paper_without_seal_is_not_valid() -> None:
    assert checked(agreement_pdf(a_paper())).reason == seal_check.NO_SEAL


def test_a_seal_of_the_same_name_from_another_authority_is_not_valid() -> None:
    look_alike = sealed(a_seal(of="two"))

    assert checked(look_alike, by="two").valid
    assert checked(look_alike, by="one").reason == seal_check.NOT_ENTITLED


def test_the_seal_of_another_paper_is_not_valid_here() -> None:
    mine, other = a_sealed_paper(), sealed(a_seal(), name="李四")
    begin, end = gap_of(mine)
    other_begin, other_end = gap_of(other)

    moved = mine[:begin] + other[other_begin:other_end] + mine[end:]

    assert checked(moved).reason == seal_check.CHANGED


def test_a_certificate_with_a_foreign_signature_is_not_valid() -> None:
    mine, theirs = a_seal(), a_seal(of="two")
    borrowed = sealed(Seal(key=theirs.key, certificate=mine.certificate, ca=mine.ca))

    assert not checked(borrowed).valid


def test_a_certificate_that_may_not_seal_is_not_valid() -> None:
    assert checked(sealed(a_seal(may_seal=False))).reason == seal_check.NOT_ENTITLED


def hostile_files() -> dict[str, bytes]:
    """Files made to stop a parser: by size, depth, loops, bombs and nonsense."""
    bomb = zlib.compress(b"\0" * 30_000_000, 9)
    return {
        "zeros": bytes(1_000_000),
        "zeros behind a header": b"%PDF-1.7\n" + bytes(1_000_000),
        "deep arrays": b"%PDF-1.7\n1 0 obj\n" + b"[" * 100_000 + b"\n%%EOF",
        "cross-reference loop": b"%PDF-1.7\nxref\n0 0\ntrailer\n<</Size 1/Prev 9/Root 1 0 R>>\n"
        b"startxref\n9\n%%EOF",
        "bomb": b"%PDF-1.7\n1 0 obj<</Filter/FlateDecode>>stream\n" + bomb + b"endstream",
        "text": "这不是文件".encode(),
    }


def test_a_hostile_file_is_refused_and_does_not_raise() -> None:
    for label, pdf in hostile_files().items():
        assert not checked(pdf).valid, label


def test_two_threads_seal_and_check_at_once() -> None:
    a_seal(), an_authority()

    with ThreadPoolExecutor(max_workers=2) as pool:
        papers = list(pool.map(lambda name: sealed(a_seal(), name=name), ["甲", "乙", "丙", "丁"]))
        answers = list(pool.map(checked, papers))

    assert [answer.valid for answer in answers] == [True] * 4


def test_a_sealed_paper_is_not_sealed_again() -> None:
    with pytest.raises(PaperAlreadySealed):
        seal_pdf(a_sealed_paper(), seal=a_seal(), at=AT, reason="再次")


def test_a_seal_outside_its_dates_or_without_zone_does_not_seal() -> None:
    pdf = agreement_pdf(a_paper())

    with pytest.raises(SealUnusable):
        seal_pdf(pdf, seal=a_seal(), at=datetime(2051, 1, 1, tzinfo=UTC), reason="签订")
    with pytest.raises(MomentWithoutZone):
        seal_pdf(pdf, seal=a_seal(), at=AT.replace(tzinfo=None), reason="签订")


def files_of(
    seal: Seal, folder: Path, *, certificate: x509.Certificate, ca: x509.Certificate
) -> dict[str, Path]:
    """Three PEM files in the folder."""
    key = seal.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    contents = {
        "key_file": key,
        "cert_file": certificate.public_bytes(Encoding.PEM),
        "ca_file": ca.public_bytes(Encoding.PEM),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return {name: folder / name for name in contents}


def test_a_seal_loads_from_files_and_keeps_its_key_to_itself(tmp_path: Path) -> None:
    seal = a_seal()

    loaded = Seal.load(**files_of(seal, tmp_path, certificate=seal.certificate, ca=seal.ca))

    assert checked(sealed(loaded)).valid
    assert "key" not in repr(loaded).lower()


def test_a_seal_whose_parts_do_not_fit_does_not_load(tmp_path: Path) -> None:
    mine, theirs, idle = a_seal(), a_seal(of="two"), a_seal(may_seal=False)

    for seal, certificate, ca in (
        (mine, theirs.certificate, theirs.ca),
        (mine, mine.certificate, theirs.ca),
        (idle, idle.certificate, idle.ca),
    ):
        with pytest.raises(SealUnusable):
            Seal.load(**files_of(seal, tmp_path, certificate=certificate, ca=ca))


def test_files_that_are_no_keys_do_not_load(tmp_path: Path) -> None:
    seal = a_seal()
    files = files_of(seal, tmp_path, certificate=seal.certificate, ca=seal.ca)
    files["key_file"].write_bytes(b"no key")

    with pytest.raises(SealUnusable):
        Seal.load(**files)
