"""Whether stored objects are still what they were: saying so when not, and looking at a few."""

import hashlib
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import select

from app.domain.errors import DependencyError, NotFoundError
from app.domain.events import Event
from app.domain.lifecycle import JUDGED, UploadState
from app.log import get_logger
from app.models import Upload
from app.ports import Settles, Storage
from app.services import notices
from app.services.lifecycle import transition
from app.services.scanning import rescans
from app.uow import UnitOfWork

log = get_logger(__name__)

_SAMPLE = 50  # objects
_WITNESSES = 5  # other objects that tell one that is lost from a store that is away
_READ = 1024**2

Work = Callable[[], AbstractContextManager[UnitOfWork]]


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored object as its row has it: ``size`` in bytes, ``sha256`` in hex, None if no scan read it."""

    upload_id: UUID
    storage_name: str
    key: str
    version: str
    size: int
    sha256: str | None


def report(work: Work, storage: Storage, upload_id: UUID, version: str, found: str | None) -> bool:
    """Say that the object under an upload's key is not the ``version`` of its row; whether that is news.

    The upload becomes INTEGRITY_FAILED and staff are told, once, and only if it still has a
    verdict about ``version``. ``found`` is the version that is there, None for no object at all; the
    same version again says that its bytes are others. Another one may be right where the store settles
    and no scan came to its end: then a scan is asked for, which tells.

    Raises:
        DependencyError: none of some other objects is there either, so the store is to blame.
    """
    if found is None:
        with work() as uow:
            # of others the store may not tell this process anything (`services.tagging`)
            beside = sample(uow, _WITNESSES, storage.name, [UploadState.CLEAN])
            keys = [each.key for each in beside if each.upload_id != upload_id]
        if keys and not any(_is_there(storage, key) for key in keys):
            raise DependencyError("The storage seems to be empty.", looked_for=len(keys))
    with work() as uow:
        judged = _judged(uow, upload_id, version)
        if judged is None:  # deleted, moved, scanned again, or somebody else was first
            return False
        if isinstance(storage, Settles) and judged.scan is None and found not in {None, version}:
            # A worker has settled it, and died or is about to say so. A file that was put there is
            # not served meanwhile either, and found out by the scan.
            rescans.ask(uow, upload_id)
            return False
        _fail(uow, upload_id, version, found)
        return True


def _is_there(storage: Storage, key: str) -> bool:
    try:
        storage.open(key)[0].close()
    except NotFoundError:
        return False
    return True


def _reason(version: str, found: str | None) -> str:
    if found is None:
        return "The stored file is missing."
    if found == version:
        return "The stored bytes are not those that were received."
    return "The stored file is no longer the one that was scanned."


def _judged(uow: UnitOfWork, upload_id: UUID, version: str) -> Upload | None:
    """Return the upload, locked, if it still has a verdict about ``version``."""
    return uow.session.scalar(
        select(Upload)
        .where(Upload.id == upload_id, Upload.storage_version == version, Upload.state.in_(JUDGED))
        .with_for_update(of=Upload)
        .execution_options(populate_existing=True)
    )


def _fail(uow: UnitOfWork, upload_id: UUID, version: str, found: str | None) -> None:
    log.error("stored_object_changed", upload_id=upload_id, expected=version, found=found)
    failed = transition(
        uow,
        upload_id,
        UploadState.INTEGRITY_FAILED,
        reason=_reason(version, found),
        lease_until=None,
        rescan_asked_at=None,
    )
    notices.announce(uow, Event.UPLOAD_INTEGRITY_FAILED, failed, occasion=version)


def sample(
    uow: UnitOfWork,
    count: int = _SAMPLE,
    storage_name: str | None = None,
    states: Collection[UploadState] = JUDGED,
) -> list[Stored]:
    """Return up to ``count`` objects that have a verdict, from a random place on; maybe of one store."""
    query = (
        select(
            Upload.id,
            Upload.storage_name,
            Upload.storage_key,
            Upload.storage_version,
            Upload.size,
            Upload.sha256,
        )
        .where(Upload.state.in_(states))
        .order_by(Upload.id)
        .limit(count)
    )
    if storage_name is not None:
        query = query.where(Upload.storage_name == storage_name)
    pivot = uuid4()
    rows = list(uow.session.execute(query.where(Upload.id >= pivot)))
    rows += uow.session.execute(query.where(Upload.id < pivot)).all()[: count - len(rows)]
    return [
        Stored(
            row.id,
            row.storage_name,
            row.storage_key,
            str(row.storage_version),
            row.size or 0,
            row.sha256,
        )
        for row in rows
    ]


def check(storage: Storage, stored: Stored) -> tuple[bool, str | None]:
    """Read one object; return whether it is what was received, and its version (None: missing).

    Raises:
        DependencyError, OSError: the store failed.
    """
    try:
        file, version = storage.open(stored.key)
    except NotFoundError:
        return False, None
    digest, size = hashlib.sha256(), 0
    with file:
        while chunk := file.read(_READ):
            digest.update(chunk)
            size += len(chunk)
    same = (version, size) == (stored.version, stored.size) and stored.sha256 in {None, digest.hexdigest()}
    return same, version
