"""Writing on stored objects what is known of them, after it is known and never before.

The web may then be kept, by the store itself, from reading what it must not send. What follows from it is
that a bundle that has just become ready is refused for the moments until its tag is there.
"""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import Select, select, update

from app.domain.errors import NotFoundError, StateConflictError
from app.domain.lifecycle import RESCANNABLE, UploadState
from app.domain.policy import SYSTEM
from app.domain.scan_status import ScanStatus
from app.log import get_logger
from app.models import Upload
from app.ports import Adapters, Tags
from app.services import downloads
from app.uow import UnitOfWork

log = get_logger(__name__)

_TRIES: Final = 5  # while the row changes
_PUT_OFF: Final = timedelta(minutes=1)

Work = Callable[[], AbstractContextManager[UnitOfWork]]


@dataclass(frozen=True, slots=True)
class Label:
    """What is to be written on which object."""

    upload_id: UUID
    storage_name: str
    key: str
    version: str
    status: ScanStatus


def status_of(upload: Upload) -> ScanStatus:
    """Return what may go out of an upload that was scanned: just what `downloads` would let staff fetch."""
    try:
        if upload.state is UploadState.INFECTED:
            downloads.grant_clean_members(SYSTEM, upload)
            return ScanStatus.SALVAGE
        leave = downloads.grant_all(SYSTEM, upload)
    except StateConflictError:
        infected = upload.state is UploadState.INFECTED
        return ScanStatus.INFECTED if infected else ScanStatus.UNSCANNABLE
    return ScanStatus.SALVAGE if leave.released else ScanStatus.CLEAN


def untagged_lately(uow: UnitOfWork, storage_names: Collection[str], limit: int) -> Sequence[UUID]:
    """Return what may have no tag, or a wrong one, in these stores since it changed; the newest first."""
    query = _untagged(storage_names).where(Upload.untagged_at.is_not(None))
    return uow.session.scalars(query.order_by(Upload.untagged_at.desc()).limit(limit)).all()


def untagged_long_ago(uow: UnitOfWork, storage_names: Collection[str], limit: int) -> Sequence[UUID]:
    """Return the same of what was stored before there were tags; by id, from a random place on.

    So however many of them cannot be tagged, each of the others has its turn.
    """
    query = _untagged(storage_names).where(Upload.untagged_at.is_(None))
    query = query.order_by(Upload.untagged_at, Upload.id)  # as the index has them
    pivot = uuid4()
    found = list(uow.session.scalars(query.where(Upload.id >= pivot).limit(limit)))
    if len(found) < limit:
        found += uow.session.scalars(query.where(Upload.id < pivot).limit(limit - len(found)))
    return found


def _scanned(storage_names: Collection[str]) -> Select[UUID]:
    return select(Upload.id).where(Upload.state.in_(RESCANNABLE), Upload.storage_name.in_(storage_names))


def _untagged(storage_names: Collection[str]) -> Select[UUID]:
    return _scanned(storage_names).where(Upload.tagged.is_(None))


def put_off(uow: UnitOfWork, upload_id: UUID) -> None:
    """Let others go before one that could not be tagged, for what changes next comes before it anyway."""
    uow.session.execute(
        update(Upload)
        .where(Upload.id == upload_id, Upload.tagged.is_(None))
        .values(untagged_at=Upload.untagged_at - _PUT_OFF)
        .execution_options(synchronize_session=False)
    )


def scanned_after(
    uow: UnitOfWork, storage_names: Collection[str], after: UUID | None, limit: int
) -> Sequence[UUID]:
    """Return what was scanned and lies in these stores, tagged or not; by id, from ``after``."""
    query = _scanned(storage_names)
    if after is not None:
        query = query.where(Upload.id > after)
    return uow.session.scalars(query.order_by(Upload.id).limit(limit)).all()


def known(work: Work, upload_id: UUID) -> ScanStatus | None:
    """Return what is known of an upload now; None if no scan has said anything yet."""
    with work() as uow:
        label = _label(uow, upload_id)
    return label.status if label else None


def write(work: Work, adapters: Adapters, upload_id: UUID) -> bool:
    """Write on the object of a scanned upload what is known of it; whether there was anything to write.

    What is known may change while the store writes. So it is looked at once more, and written again.

    Raises:
        DependencyError: the store is away, or does not let this process do so.
    """
    for _ in range(_TRIES):
        with work() as uow:
            label = _label(uow, upload_id)
        if label is None:
            return False
        storage = adapters.store(label.storage_name)
        if not isinstance(storage, Tags):
            return False
        try:
            storage.tag(label.key, label.version, label.status)
        except NotFoundError as error:  # so nobody reads it; that it is missing is for others to find
            log.warning("nothing_to_tag", upload_id=upload_id, **error.context)
        with work() as uow:
            if _note(uow, label):
                return True
    return False


def _label(uow: UnitOfWork, upload_id: UUID, *, lock: bool = False) -> Label | None:
    query = select(Upload).where(Upload.id == upload_id, Upload.state.in_(RESCANNABLE))
    if lock:
        query = query.with_for_update(of=Upload)
    upload = uow.session.scalar(query.execution_options(populate_existing=True))
    if upload is None:
        return None
    return Label(
        upload.id,
        upload.storage_name,
        upload.storage_key,
        str(upload.storage_version),
        status_of(upload),
    )


def _note(uow: UnitOfWork, label: Label) -> bool:
    """Note what was written; False if by now something else should be."""
    now = _label(uow, label.upload_id, lock=True)
    if now not in {None, label}:
        return False
    if now is not None:
        uow.session.get_one(Upload, label.upload_id).tagged = label.status
    return True
