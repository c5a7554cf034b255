"""Moving bundles from one store to another, one by one: copied, read back, then one guarded UPDATE.

The copy has a name of its own, made up for this one try. So whatever dies in between, the row names
one whole object; what the try left in the other store is a stray like any, and swept away. A try that
was frozen for so long that this may have happened to its copy already changes nothing (`PATIENCE`).
"""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO, get_args
from uuid import UUID, uuid4

from sqlalchemy import func, select, update

from app.domain import naming
from app.domain.errors import NotFoundError, PortalError, StateConflictError
from app.domain.lifecycle import JUDGED, UploadState
from app.models import Scan, Upload
from app.ports import Settles, Side, Storage
from app.services import audit
from app.services.integrity import Stored, check
from app.services.scanning import leases
from app.uow import UnitOfWork

_BLOCK = 1024**2

#: How long a move may take, from before the first byte of the copy to the row's change, seconds. Until
#: then no row names the copy: the sweeper must leave alone what is younger than this, and more.
PATIENCE = 12 * 3600

_MOVABLE = JUDGED | {UploadState.SEALED}


class NotMovedError(StateConflictError):
    """The bundle stays where it is."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """What is to be moved, as its row has it. ``size`` in bytes; ``sha256`` None if no scan read it."""

    upload_id: UUID
    organisation_id: UUID
    filename: str
    state: UploadState
    epoch: int
    storage_name: str
    key: str
    version: str
    size: int
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Copy:
    """Where the same bytes lie in the other store, since no earlier than ``began``."""

    storage_name: str
    key: str
    version: str
    sha256: str
    began: datetime


def elsewhere(uow: UnitOfWork, storage_name: str, after: UUID | None, limit: int) -> Sequence[Bundle]:
    """Return bundles that lie in another store, are whole, and nobody scans; by id, after ``after``."""
    query = (
        select(Upload)
        .where(Upload.storage_name != storage_name, Upload.state.in_(_MOVABLE), leases.free())
        .order_by(Upload.id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(Upload.id > after)
    return [_bundle(upload) for upload in uow.session.scalars(query)]


def _bundle(upload: Upload) -> Bundle:
    return Bundle(
        upload.id,
        upload.organisation_id,
        upload.filename,
        upload.state,
        upload.epoch,
        upload.storage_name,
        upload.storage_key,
        upload.storage_version or "",
        upload.size or 0,
        upload.sha256,
    )


def now(uow: UnitOfWork) -> datetime:
    """Return the database's time, for a `copy` that is about to begin."""
    time: datetime = uow.session.scalars(select(func.clock_timestamp())).one()
    return time


def copy(source: Storage, target: Storage, bundle: Bundle, began: datetime) -> Copy:
    """Copy the bytes, read them back, and copy what lies beside them. No transaction is open meanwhile.

    ``began`` is the database's time, asked for before.

    Raises:
        NotMovedError: what is stored is not what the row says.
        StorageFullError, DependencyError: a store failed.
    """
    key = naming.storage_key(bundle.organisation_id, uuid4())
    try:
        sha256 = _copy_bytes(source, target, bundle, key)
        version = target.seal(key, bundle.size)
        if isinstance(target, Settles):
            version = target.settle(key, version)
        same, _ = check(target, Stored(bundle.upload_id, target.name, key, version, bundle.size, sha256))
        if not same:
            raise NotMovedError(f"{target.name} does not give back what was written to it.")
        for side in get_args(Side):
            _copy_side(source, bundle.key, target, key, side)
    except Exception:
        with suppress(PortalError):  # else the sweeper finds it
            target.delete(key)
        raise
    return Copy(target.name, key, version, sha256, began)


def _copy_bytes(source: Storage, target: Storage, bundle: Bundle, key: str) -> str:
    """Return the SHA-256 (hex) of what was copied."""
    digest = hashlib.sha256()
    with _open(source, bundle) as file, target.append(key, 0) as sink:
        while block := file.read(_BLOCK):
            digest.update(block)
            sink.write(memoryview(block))
        sink.sync()
        size = sink.offset
    if size != bundle.size or bundle.sha256 not in {None, digest.hexdigest()}:
        raise NotMovedError("The stored bytes are not those that were received.")
    return digest.hexdigest()


def _open(source: Storage, bundle: Bundle) -> BinaryIO:
    try:
        file, version = source.open(bundle.key)
    except NotFoundError as error:
        raise NotMovedError("The stored file is missing.") from error
    if version != bundle.version:
        file.close()
        raise NotMovedError("The stored file is not the one that its row names.")
    return file


def _copy_side(source: Storage, key: str, target: Storage, copied: str, side: Side) -> None:
    try:
        with source.open_side(key, side) as content:
            target.put_side(copied, side, content)
    except NotFoundError:
        return  # no scan has made it


def repoint(uow: UnitOfWork, bundle: Bundle, made: Copy) -> None:
    """Let the row, and the verdict, be about the copy from now on.

    The fence goes up: a worker that claimed the bundle where it was, and was frozen, writes nothing.

    Raises:
        NotMovedError: the row is another now: it is being scanned, was deleted, or was moved. Or it took
            so long that the copy may have been taken for a stray.
    """
    moved = uow.session.scalar(
        update(Upload)
        .where(
            Upload.id == bundle.upload_id,
            Upload.state == bundle.state,
            Upload.epoch == bundle.epoch,
            Upload.storage_name == bundle.storage_name,
            Upload.storage_version == bundle.version,
            leases.free(),
            func.clock_timestamp() < made.began + timedelta(seconds=PATIENCE),
        )
        .values(
            epoch=Upload.epoch + 1,
            storage_name=made.storage_name,
            storage_key=made.key,
            storage_version=made.version,
            tagged=None,
            sha256=made.sha256,
        )
        .returning(Upload)
        .execution_options(populate_existing=True)
    )
    if moved is None:
        raise NotMovedError("It was scanned, moved or deleted meanwhile, or this took too long.")
    uow.session.execute(
        update(Scan)
        .where(Scan.upload_id == bundle.upload_id, Scan.storage_version == bundle.version)
        .values(storage_version=made.version)
    )
    audit.record(uow, "upload.moved", upload=moved, to=made.storage_name)
