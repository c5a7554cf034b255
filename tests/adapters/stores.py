"""Every kind of store that the contract holds for, and how somebody gets behind its back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.adapters.storage.filesystem import FilesystemStorage
from app.adapters.storage.s3.storage import S3Storage
from app.ports import Settles, Storage
from tests.memory_storage import MemoryStorage
from tests.s3servers import S3Server

#: Both S3 servers, and a bucket of either kind.
S3 = ("moto-versioned", "swift")
ALL = ("memory", "filesystem", *S3)


class Store:
    """One empty store.

    ``another`` opens it anew, as another host would. ``replace`` puts other bytes in the place of a
    sealed object.
    """

    def __init__(
        self,
        name: str,
        another: Callable[[], Storage],
        replace: Callable[[str, bytes], object],
        *,
        locks: bool,
    ) -> None:
        self.name = name
        self.another = another
        self.replace = replace
        self.locks = locks
        self.storage = another()

    def put(self, key: str, data: bytes, offset: int = 0) -> None:
        """Append and make durable."""
        with self.storage.append(key, offset) as sink:
            sink.write(memoryview(data))
            sink.sync()

    def sealed(self, key: str, data: bytes) -> str:
        """Put, seal, and settle as a worker does; return the version."""
        self.put(key, data)
        return self.settle(key, self.storage.seal(key, len(data)))

    def settle(self, key: str, version: str) -> str:
        return self.storage.settle(key, version) if isinstance(self.storage, Settles) else version

    def read(self, key: str) -> bytes:
        """Return the sealed bytes."""
        with self.storage.open(key)[0] as file:
            return file.read()

    def version(self, key: str) -> str:
        file, version = self.storage.open(key)
        file.close()
        return version

    def keys(self) -> set[str]:
        return {key for key, _ in self.storage.stored()}


def make_store(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> Store:
    """Make an empty store of a kind in ALL."""
    if name == "memory":
        memory = MemoryStorage()
        return Store(name, lambda: MemoryStorage(memory), memory.replace, locks=True)
    if name == "filesystem":
        root = tmp_path / "storage"
        return Store(
            name, lambda: FilesystemStorage(root), lambda key, data: _rewrite(root, key, data), locks=True
        )
    kind, _, versioned = name.partition("-")
    server: S3Server = request.getfixturevalue(kind)
    bucket = server.bucket(versioned=bool(versioned))
    return Store(
        name,
        lambda: S3Storage(server.account(bucket)),
        lambda key, data: server.client.put_object(Bucket=bucket, Key=f"files/{key}", Body=data),
        locks=False,
    )


def _rewrite(root: Path, key: str, data: bytes) -> None:
    with _writable(root / "sealed" / key) as path:
        path.write_bytes(data)


@contextmanager
def _writable(path: Path) -> Iterator[Path]:
    path.chmod(0o600)
    yield path
    path.chmod(0o400)
