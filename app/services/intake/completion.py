"""Judging and sealing what was received. Storage I/O only; call it outside a transaction."""

import hashlib
from dataclasses import dataclass

from app.bundle.content import HEAD, problem_of
from app.domain.errors import DigestMismatchError, TruncatedBodyError, WrongContentError
from app.ports import Storage

_BLOCK = 1024**2


@dataclass(frozen=True, slots=True)
class Sealed:
    """What the acknowledgement rests on. ``size`` bytes, ``sha256`` hex."""

    size: int
    sha256: str
    version: str


def complete(
    storage: Storage,
    key: str,
    *,
    size: int,
    declared_size: int | None,
    sha256: str,
    declared_sha256: frozenset[str],
) -> Sealed:
    """Compare what arrived with what was promised, then make it durable and write-once.

    ``sha256`` (hex) is that of the received bytes.

    Raises:
        TruncatedBodyError, DigestMismatchError, WrongContentError: it is not what was promised.
        StorageFullError, DependencyError: it could not be made durable.
    """
    if declared_size is not None and size != declared_size:
        raise TruncatedBodyError(f"{size:,} of {declared_size:,} bytes arrived. Send the file again.")
    if declared_sha256 - {sha256}:
        raise DigestMismatchError(
            f"What arrived has SHA-256 {sha256}, which is not what you announced. "
            "Compare it with your file and send it again."
        )
    check_content(storage, key)
    return Sealed(size, sha256, storage.seal(key, size))


def check_content(storage: Storage, key: str) -> None:
    """Raise WrongContentError unless the stored bytes begin like a gzip-compressed tar."""
    with storage.open_incoming(key) as file:
        if problem := problem_of(file.read(HEAD)):
            raise WrongContentError(problem)


def digest_of(storage: Storage, key: str) -> str:
    """Return the SHA-256 of the stored bytes, hex."""
    hasher = hashlib.sha256()
    buffer = memoryview(bytearray(_BLOCK))
    with storage.open_incoming(key) as file:
        while count := file.readinto(buffer):  # type: ignore[attr-defined]  # BinaryIO lacks it in typeshed
            hasher.update(buffer[:count])
    return hasher.hexdigest()
