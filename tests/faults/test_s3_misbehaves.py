"""F20: a store that answers 500, asks for patience, says nothing, or says 200 and means an error."""

import errno
import os
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO

import pytest
from botocore.retries import standard

from app.adapters.storage.s3.storage import S3Storage
from app.domain.errors import DependencyError, NotFoundError, StorageFullError
from tests.faults.s3_meddler import BROKEN, DENIED, FULL, SLOW_DOWN, S3Meddler
from tests.s3servers import S3Server

KEY = "organisation/upload"
DATA = os.urandom(17 * 1024**2)  # two whole parts and a rest
TRIES = 5
FAKE = {"ETag": '"0123456789abcdef0123456789abcdef"'}

JOIN, PART, COPY = "POST complete", "PUT partNumber", "PUT partNumber"


class Line:
    """A store that is reached through a meddler; ``direct`` is the same store, reached past it."""

    def __init__(self, server: S3Server, meddler: S3Meddler) -> None:
        self.meddler = meddler
        self.bucket = server.bucket()
        self.client = server.client
        account = server.account(self.bucket)
        self.direct = S3Storage(account)
        self.account = replace(account, endpoint=meddler.url)
        self.storage = S3Storage(self.account)

    def put(self) -> None:
        with self.storage.append(KEY, 0) as sink:
            for start in range(0, len(DATA), 1024**2):
                sink.write(memoryview(DATA)[start : start + 1024**2])
            sink.sync()

    def stored(self) -> bytes:
        with self.direct.open(KEY)[0] as file:
            return file.read()


@pytest.fixture(params=["moto"])
def line(request: pytest.FixtureRequest) -> Iterator[Line]:
    server: S3Server = request.getfixturevalue(request.param)
    with S3Meddler(server.port) as meddler:
        yield Line(server, meddler)


on_both = pytest.mark.parametrize("line", ["moto", "swift"], indirect=True)
on_swift = pytest.mark.parametrize("line", ["swift"], indirect=True)


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Note how long the client would wait before each further try."""
    noted: list[float] = []
    delay = standard.ExponentialBackoff.delay_amount

    def note(self: standard.ExponentialBackoff, context: standard.RetryContext) -> float:
        noted.append(delay(self, context))
        return 0.0

    monkeypatch.setattr(standard.ExponentialBackoff, "delay_amount", note)
    return noted


@pytest.mark.parametrize("answer", [(503, SLOW_DOWN, {}), (500, BROKEN, {})])
def test_what_passes_is_sat_out(line: Line, answer: tuple[int, bytes, dict[str, str]]) -> None:
    with line.meddler.doing(PART, times=2, answer=answer):
        line.put()
    with line.meddler.doing(JOIN, times=2, answer=answer):
        line.storage.seal(KEY, len(DATA))

    assert line.stored() == DATA


def test_five_tries_with_jitter_and_no_more(line: Line, pauses: list[float]) -> None:
    line.put()
    with (
        line.meddler.doing("GET list-type", times=TRIES, answer=(503, SLOW_DOWN, {})),
        pytest.raises(DependencyError),
    ):
        line.storage.seal(KEY, len(DATA))

    assert len(pauses) == len(set(pauses)) == TRIES - 1
    assert all(0 <= pause <= 2**again for again, pause in enumerate(pauses))


def test_nobody_there_is_a_dependency_that_is_away(line: Line) -> None:
    line.meddler.__exit__()

    with pytest.raises(DependencyError):
        line.storage.check()


def test_silence_is_waited_for_once_and_asked_again(line: Line) -> None:
    line.storage = S3Storage(replace(line.account, read_seconds=2.0))
    with line.meddler.doing(PART, silent=True):
        line.put()
    line.storage.seal(KEY, len(DATA))

    assert line.stored() == DATA


def test_no_room_is_said_as_such(line: Line) -> None:
    with line.meddler.doing(PART, answer=(403, FULL, {})), pytest.raises(StorageFullError):
        line.put()
    with line.meddler.doing("PUT", answer=(507, b"", {})), pytest.raises(StorageFullError):
        line.storage.check()
    line.put()
    line.storage.seal(KEY, len(DATA))
    with line.meddler.doing("PUT", answer=(507, b"", {})), pytest.raises(StorageFullError):
        line.storage.put_side(KEY, "members", BytesIO(b"side"))


@on_both
def test_an_error_in_an_answer_that_says_200_is_one(line: Line) -> None:
    """Joining and copying answer 200 before they know (AWS documents both)."""
    line.put()
    with line.meddler.doing(JOIN, answer=(200, BROKEN, {})):
        version = line.storage.seal(KEY, len(DATA))
    with line.meddler.doing(COPY, answer=(200, BROKEN, {})):
        line.storage.settle(KEY, version)

    assert line.stored() == DATA


def test_nothing_is_sealed_by_an_answer_that_only_says_200(line: Line) -> None:
    line.put()
    with (
        line.meddler.doing(JOIN, times=TRIES, answer=(200, BROKEN, {})),
        pytest.raises(DependencyError),
    ):
        line.storage.seal(KEY, len(DATA))
    with (
        line.meddler.doing(JOIN, answer=(200, b"<CompleteMultipartUploadResult/>", {})),
        pytest.raises(DependencyError),
    ):
        line.storage.seal(KEY, len(DATA))

    with pytest.raises(NotFoundError):
        line.direct.open(KEY)


@on_both
def test_the_answer_to_joining_is_lost(line: Line) -> None:
    line.put()
    with line.meddler.doing(JOIN, lose=True):
        version = line.storage.seal(KEY, len(DATA))

    assert line.meddler.count(JOIN) > 1
    assert line.storage.seal(KEY, len(DATA)) == version
    assert line.stored() == DATA


@on_both
def test_everybody_gave_up_and_then_it_was_joined_all_the_same(line: Line) -> None:
    line.put()
    with (
        line.meddler.doing(JOIN, lose=True),
        line.meddler.doing(JOIN, times=TRIES - 1, answer=(503, SLOW_DOWN, {})),
        pytest.raises(DependencyError),
    ):
        line.storage.seal(KEY, len(DATA))

    line.storage.seal(KEY, len(DATA))

    assert line.stored() == DATA


@on_both
def test_a_part_that_never_arrived_is_missed(line: Line) -> None:
    """The store said that it has the part, and does not."""
    with line.meddler.doing(f"{PART}=2", answer=(200, b"", FAKE)):
        line.put()

    with pytest.raises(NotFoundError):
        line.storage.seal(KEY, len(DATA))
    with pytest.raises(NotFoundError):
        line.direct.open(KEY)


@on_swift
def test_bytes_that_change_on_their_way_are_refused(line: Line) -> None:
    def change(body: bytes) -> bytes:
        return body[:-1] + bytes([body[-1] ^ 1])

    with line.meddler.doing(PART, change=change), pytest.raises(DependencyError):
        line.put()


def test_reading_goes_on_where_a_connection_was_lost(line: Line) -> None:
    line.put()
    line.storage.seal(KEY, len(DATA))
    file, _ = line.storage.open(KEY)
    with file, line.meddler.doing("GET", cut=700_000), line.meddler.doing("GET", times=2, lose=True):
        assert file.read() == DATA


@on_both
def test_nothing_is_read_of_an_object_that_took_its_place(line: Line) -> None:
    """T26. What was read before is of the old one; then it ends."""
    line.put()
    line.storage.settle(KEY, line.storage.seal(KEY, len(DATA)))
    file, _ = line.storage.open(KEY)
    with file:
        assert file.read(100) == DATA[:100]
        line.client.put_object(Bucket=line.bucket, Key=f"files/{KEY}", Body=bytes(len(DATA)))
        with pytest.raises(OSError, match="changed") as raised:
            file.read()
    assert raised.value.errno == errno.ESTALE


def test_whoever_may_not_delete_leaves_it_to_others(line: Line) -> None:
    """The web's role at AWS (docs/storage.md): its refused uploads are swept by the scheduler."""
    line.put()
    with line.meddler.doing("POST delete", answer=(403, DENIED, {})):
        version = line.storage.seal(KEY, len(DATA))
    with line.meddler.doing("GET versions", answer=(403, DENIED, {})):
        line.storage.delete(KEY)
    assert len(list(line.direct.stored())) == 2

    line.direct.settle(KEY, version)

    assert len(list(line.direct.stored())) == 1
    assert line.stored() == DATA
