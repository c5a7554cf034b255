"""S3 has no locks: what a writer that was overtaken still does, and what it all costs."""

import os
from collections import Counter

import pytest

from app.adapters.storage.s3.appending import LEAST_PART, part_size
from app.adapters.storage.s3.storage import S3Storage
from app.domain.errors import NotFoundError
from tests.s3servers import S3Server

KEY = "organisation/upload"
MIB = 1024**2
PART = 8 * MIB
MINE, THEIRS = os.urandom(3 * PART), os.urandom(3 * PART)


@pytest.fixture(params=["moto", "swift"])
def storage(request: pytest.FixtureRequest) -> S3Storage:
    server: S3Server = request.getfixturevalue(request.param)
    return S3Storage(server.account(server.bucket()))


def write(storage: S3Storage, data: bytes, offset: int = 0) -> None:
    with storage.append(KEY, offset) as sink:
        sink.write(memoryview(data))
        sink.sync()


def test_a_part_that_an_overtaken_writer_replaced_is_noticed(storage: S3Storage) -> None:
    """Its request was under way while somebody else went on: nothing is sealed that nobody sent."""
    write(storage, MINE[:PART])
    with storage.append(KEY, PART) as overtaken:
        write(storage, MINE[PART:], offset=PART)
        overtaken.write(memoryview(THEIRS[:PART]))

    for _ in range(2):
        with pytest.raises(NotFoundError):
            storage.seal(KEY, len(MINE))
    with pytest.raises(NotFoundError):
        storage.open(KEY)


def test_a_part_that_was_replaced_by_the_same_bytes_is_the_same(storage: S3Storage) -> None:
    write(storage, MINE[:PART])
    with storage.append(KEY, PART) as overtaken:
        write(storage, MINE[PART:], offset=PART)
        overtaken.write(memoryview(MINE[PART : 2 * PART]))

    storage.seal(KEY, len(MINE))

    with storage.open(KEY)[0] as file:
        assert file.read() == MINE


def test_what_an_overtaken_writer_notes_takes_nothing_from_the_other(storage: S3Storage) -> None:
    write(storage, MINE[:MIB])
    with storage.append(KEY, MIB) as overtaken:
        write(storage, MINE[MIB : 4 * MIB], offset=MIB)
        overtaken.write(memoryview(THEIRS[: 2 * MIB]))
        overtaken.sync()

    write(storage, MINE[4 * MIB :], offset=4 * MIB)
    storage.seal(KEY, len(MINE))

    with storage.open(KEY)[0] as file:
        assert file.read() == MINE


def test_what_an_overtaken_writer_notes_after_the_end_is_tidied_up(storage: S3Storage) -> None:
    write(storage, MINE[:PART])
    with storage.append(KEY, PART) as overtaken:
        write(storage, MINE[PART : 2 * PART], offset=PART)
        version = storage.settle(KEY, storage.seal(KEY, 2 * PART))
        overtaken.write(memoryview(THEIRS[:MIB]))
        overtaken.sync()
    assert storage.settle(KEY, version) == version

    with storage.open(KEY)[0] as file:
        assert file.read() == MINE[: 2 * PART]
    storage.delete(KEY)
    assert not list(storage.stored())


def test_a_multipart_upload_that_was_given_up_elsewhere_begins_again(storage: S3Storage) -> None:
    """A rule of the bucket aborts them after some days (docs/storage.md)."""
    write(storage, MINE[:PART])
    client, bucket = storage.at.client, storage.at.bucket
    for begun in client.list_multipart_uploads(Bucket=bucket)["Uploads"]:
        client.abort_multipart_upload(Bucket=bucket, Key=begun["Key"], UploadId=begun["UploadId"])

    with pytest.raises(NotFoundError):
        storage.seal(KEY, PART)


def test_strays_of_any_kind_are_told_and_deleted(storage: S3Storage) -> None:
    storage.at.client.create_multipart_upload(Bucket=storage.at.bucket, Key=f"incoming/{KEY}")
    assert {key for key, _ in storage.stored()} == {KEY}
    storage.delete(KEY)
    storage.at.client.create_multipart_upload(Bucket=storage.at.bucket, Key=f"files/{KEY}")
    storage.at.client.put_object(Bucket=storage.at.bucket, Key=f"incoming/{KEY}.5", Body=b"12345")
    storage.at.client.put_object(Bucket=storage.at.bucket, Key="incoming/somebody's", Body=b"")

    assert [key for key, _ in storage.stored()] == [KEY, KEY]
    storage.delete(KEY)

    assert not list(storage.stored())


def test_64_mib_cost_eight_parts_and_a_few_small_requests(moto: S3Server) -> None:
    storage = S3Storage(moto.account(moto.bucket()))
    asked: Counter[str] = Counter()
    storage.at.client.meta.events.register("before-call.s3", lambda model, **_: asked.update([model.name]))
    with storage.append(KEY, 0) as sink:
        for size in (1, 1, 64):
            asked.clear()
            for _ in range(size):
                sink.write(memoryview(MINE)[:MIB])
            sink.sync()

    assert asked == {"CreateMultipartUpload": 1, "UploadPart": 8, "PutObject": 1, "DeleteObjects": 1}


@pytest.mark.parametrize("total", [20 * 10**9, 570 * 10**9])
def test_as_many_parts_as_s3_takes_are_enough(total: int) -> None:
    """Even if every part is sent as soon as it is large enough to be one."""
    at = count = 0
    while at < total:
        at += max(LEAST_PART, part_size(at) // 2)
        count += 1

    assert count <= 10_000
    assert part_size(20 * 10**9) <= 20 * 10**6


def test_a_reader_asks_little_after_a_jump_and_much_in_a_row(moto: S3Server) -> None:
    storage = S3Storage(moto.account(moto.bucket()))
    write(storage, MINE)
    storage.seal(KEY, len(MINE))
    ranges: list[str] = []
    storage.at.client.meta.events.register(
        "provide-client-params.s3.GetObject", lambda params, **_: ranges.append(params["Range"])
    )
    with storage.open(KEY)[0] as file:
        file.seek(-10, 2)
        assert file.read() == MINE[-10:]
        assert len(ranges) == 1
        file.seek(0)
        assert file.read() == MINE

    assert ranges[1:] == [
        "bytes=0-1048575",
        "bytes=1048576-3145727",
        "bytes=3145728-7340031",
        "bytes=7340032-15728639",
        "bytes=15728640-25165823",
    ]
