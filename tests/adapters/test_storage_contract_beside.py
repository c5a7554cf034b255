"""What `app.ports.Storage` says of sides, deletion and what is stored, of every store that answers it."""

from io import BytesIO
from pathlib import Path

import pytest

from app.adapters.storage.s3.storage import S3Storage
from app.domain.errors import NotFoundError
from app.ports import Settles
from tests.adapters.stores import ALL, S3, Store, make_store

KEY = "0b7e3c1a-org/5d2f-upload"
OTHER = "0b7e3c1a-org/5d2f-upload2"  # begins with the same letters
TWO_PARTS = bytes(9 * 1024**2)


@pytest.fixture(params=ALL)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return make_store(request.param, tmp_path, request)


def side(store: Store, key: str = KEY) -> bytes:
    with store.storage.open_side(key, "members") as file:
        return file.read()


def test_a_side_is_kept_from_where_it_stands_and_replaced_as_a_whole(store: Store) -> None:
    store.sealed(KEY, b"abc")
    content = BytesIO(b"not this, but this")
    content.seek(10)
    store.storage.put_side(KEY, "members", content)
    assert side(store) == b"but this"

    store.storage.put_side(KEY, "members", BytesIO(TWO_PARTS))

    assert side(store) == TWO_PARTS
    assert store.read(KEY) == b"abc"
    with pytest.raises(NotFoundError):
        store.storage.open_side(KEY, "gzidx")


def test_there_is_nothing_beside_what_is_not_sealed(store: Store) -> None:
    store.put(KEY, b"abc")

    for key in (KEY, OTHER):
        with pytest.raises(NotFoundError):
            store.storage.put_side(key, "members", BytesIO(b"x"))
        with pytest.raises(NotFoundError):
            store.storage.open_side(key, "members")


def test_delete_takes_everything_of_one_key_and_nothing_of_another(store: Store) -> None:
    store.sealed(KEY, b"abc")
    store.storage.put_side(KEY, "members", BytesIO(b"x"))
    store.sealed(OTHER, b"def")
    store.storage.put_side(OTHER, "members", BytesIO(b"y"))

    for _ in range(2):  # what is gone is not an error
        store.storage.delete(KEY)

    assert store.keys() == {OTHER}
    assert side(store, OTHER) == b"y"
    for look in (store.storage.open, store.storage.open_incoming, lambda key: side(store, key)):
        with pytest.raises(NotFoundError):
            look(KEY)


def test_delete_takes_what_is_not_sealed(store: Store) -> None:
    store.put(KEY, TWO_PARTS)
    store.put(OTHER, b"def")

    store.storage.delete(KEY)

    assert store.keys() == {OTHER}
    with pytest.raises(NotFoundError), store.storage.append(KEY, len(TWO_PARTS)):
        pass


def test_stored_tells_every_key_and_its_age(store: Store) -> None:
    assert store.keys() == set()
    store.put("org/begun", TWO_PARTS)
    store.sealed(KEY, b"abc")
    store.put(OTHER, b"abc")
    store.storage.seal(OTHER, 3)

    ages: dict[str, float] = {}
    for key, age in store.storage.stored():
        ages[key] = min(age, ages.get(key, age))

    assert ages.keys() == {"org/begun", KEY, OTHER}
    assert all(-1 < age < 3600 for age in ages.values())


def test_check_leaves_nothing(store: Store) -> None:
    store.storage.check()

    assert store.keys() == set()


@pytest.mark.parametrize("store", S3, indirect=True)
def test_checks_by_who_may_not_delete_do_not_pile_up(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(store.storage, S3Storage)
    at = store.storage.at
    monkeypatch.setattr(at.client, "delete_objects", lambda **_: pytest.fail("the web may not"))
    for _ in range(3):
        store.another().check()
        store.storage.check()

    found = at.client.list_objects_v2(Bucket=at.bucket)
    assert [each["Key"] for each in found["Contents"]] == ["incoming/check"]


class TestSettle:
    def test_it_may_be_repeated_and_happens_once(self, store: Store) -> None:
        store.put(KEY, TWO_PARTS)
        before = store.storage.seal(KEY, len(TWO_PARTS))

        version = store.settle(KEY, before)

        assert store.settle(KEY, before) == store.settle(KEY, version) == version == store.version(KEY)
        assert store.read(KEY) == TWO_PARTS
        assert store.storage.seal(KEY, len(TWO_PARTS)) == version

    @pytest.mark.parametrize("store", S3, indirect=True)
    def test_only_the_version_that_was_sealed_is_moved(self, store: Store) -> None:
        assert isinstance(store.storage, Settles)
        store.put(KEY, b"abc")
        version = store.storage.seal(KEY, 3)

        for other in (version + "0", version.replace("incoming", "files"), "", "files:"):
            with pytest.raises(NotFoundError):
                store.storage.settle(KEY, other)
        assert store.version(KEY) == version

        settled = store.storage.settle(KEY, version)
        store.replace(KEY, b"abC")
        with pytest.raises(NotFoundError):
            store.storage.settle(KEY, settled)
