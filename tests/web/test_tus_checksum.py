"""tus 1.0.0, checksum: a chunk counts as a whole or not at all. T4."""

import base64
import gzip
import hashlib
import zlib
from io import BytesIO
from random import Random

import pytest

from app.domain.lifecycle import UploadState
from app.system import System
from app.web.transfer.digests import Crc32
from tests.factories.bundles import make_tgz
from tests.web.callers import Caller
from tests.web.looks import document, only_upload, problem
from tests.web.tus import Tus

CONTENT = make_tgz({"var/log/messages": Random(7).randbytes(20_000)})
SIZE = len(CONTENT)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
ALGORITHMS = ("sha256", "sha1", "crc32")


@pytest.fixture
def tus(customer: Caller) -> Tus:
    return Tus(customer, CONTENT)


def checksum(algorithm: str, data: bytes) -> dict[str, str]:
    digest = zlib.crc32(data).to_bytes(4) if algorithm == "crc32" else hashlib.new(algorithm, data).digest()
    return {"Upload-Checksum": f"{algorithm} {base64.b64encode(digest).decode()}"}


def test_crc32_is_that_of_gzip() -> None:
    """Most significant byte first; gzip keeps it the other way round (RFC 1952)."""
    crc = Crc32()
    for start in range(0, SIZE, 7000):
        crc.update(memoryview(CONTENT[start : start + 7000]))
    assert bytes.fromhex(crc.hexdigest())[::-1] == gzip.compress(CONTENT)[-8:-4]
    assert Crc32().hexdigest() == "00000000"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_chunk_with_the_right_checksum_counts(tus: Tus, algorithm: str) -> None:
    """204 if the checksums match."""
    tus.create()
    assert tus.patch(0, 999, headers=checksum(algorithm, CONTENT[:999])).status_code == 204
    assert tus.offset() == 999
    assert document(tus.patch(999, headers=checksum(algorithm, CONTENT[999:])), 200)["sha256"] == SHA256


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("start", [0, 5000])
def test_a_chunk_with_another_checksum_does_not(tus: Tus, system: System, algorithm: str, start: int) -> None:
    """460 if they do not; the offset stays where it was, even at the end."""
    tus.create().patch(0, start)
    wrong = checksum(algorithm, b"something else")
    problem(tus.patch(start, headers=wrong), 460, "checksum_mismatch")
    problem(tus.patch(start, 9000, headers=wrong), 460, "checksum_mismatch")
    assert tus.offset() == start
    assert only_upload(system).state is UploadState.RECEIVING
    assert document(tus.patch(start), 200)["sha256"] == SHA256


@pytest.mark.parametrize(
    "field",
    ["md5 1B2M2Y8AsgTpgAmY7PhCfg==", "sha256", "sha256 !!!", "sha1 AAAA", "", "crc32 AAAAAAA=", "crc32 AAAA"],
)
def test_a_checksum_that_is_none_is_refused(tus: Tus, field: str) -> None:
    """400 if the algorithm is not supported, or the value is none of its."""
    problem(tus.create().patch(headers={"Upload-Checksum": field}), 400, "bad_request")
    assert tus.offset() == 0


def test_a_chunk_may_have_a_content_digest(tus: Tus) -> None:
    """RFC 9530."""
    digest = base64.b64encode(hashlib.sha256(CONTENT[:99]).digest()).decode()
    tus.create()
    problem(tus.patch(0, 100, headers={"Content-Digest": f"sha-256=:{digest}:"}), 460, "checksum_mismatch")
    assert tus.patch(0, 99, headers={"Content-Digest": f"sha-256=:{digest}:"}).status_code == 204


def test_a_chunk_with_a_checksum_cut_short_keeps_nothing(tus: Tus) -> None:
    """The entire chunk must have come before it is verified."""
    tus.create()
    answer = tus.patch(
        headers=checksum("sha256", CONTENT),
        data=None,
        input_stream=BytesIO(CONTENT[:7000]),
        environ_overrides={"CONTENT_LENGTH": str(SIZE)},
    )
    problem(answer, 400, "truncated")
    assert tus.offset() == 0
