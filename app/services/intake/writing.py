"""Who writes to an upload: the newest request that began at the right offset, and nobody else.

A claim raises ``writer_epoch``, and every offset is noted under the epoch that was claimed
(`records.checkpoint`): whoever was overtaken writes nothing down any more, on whichever host.
That alone makes it right. The word on the channel only makes it quick.
"""

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from app.domain.errors import BadRequestError, GoneError, OffsetConflictError
from app.domain.lifecycle import UploadState
from app.models import Upload
from app.queries import transfers
from app.services import quota
from app.services.intake import records
from app.services.lifecycle import written
from app.uow import UnitOfWork

#: Where processes hear "<upload id> <epoch>": writers of an earlier epoch are to stop.
CHANNEL: Final = "diagport_writers"

_SILENT_SECONDS = 10  # after which a question about the offset ends a writer


def claim(uow: UnitOfWork, upload_id: UUID, offset: int, length: int | None = None) -> Upload:
    """Become the only writer, from byte ``offset`` on; ``length`` is said now if it was not known.

    Raises:
        NotFoundError: the actor sends no such upload.
        GoneError: it has ended.
        OffsetConflictError: the durable bytes end elsewhere; whoever writes goes on undisturbed.
        BadRequestError, TooLargeError, WrongContentError, QuotaError: that length will not do.
    """
    upload = transfers.own(uow.session, uow.actor, upload_id, lock=True)
    _must_continue(upload, offset)
    if length is not None:
        _declare(uow, upload, length)
    upload.writer_epoch += 1
    upload.active_at = func.now()
    _tell(uow, upload_id, upload.writer_epoch)
    return written(uow, upload)


def check(uow: UnitOfWork, upload_id: UUID, offset: int, epoch: int) -> None:
    """Look again whether ``epoch`` is the newest claim, and ``offset`` where the bytes end.

    Raises:
        NotFoundError, GoneError, OffsetConflictError: as `claim`.
        OvertakenError: another request goes on with the upload.
    """
    _must_continue(_newest(uow, upload_id, epoch), offset)


def check_newest(uow: UnitOfWork, upload_id: UUID, epoch: int) -> None:
    """The same, wherever the bytes end.

    Raises:
        NotFoundError, GoneError, OvertakenError: as `check`.
    """
    _must_go_on(_newest(uow, upload_id, epoch))


def _newest(uow: UnitOfWork, upload_id: UUID, epoch: int) -> Upload:
    upload = transfers.own(uow.session, uow.actor, upload_id)
    if upload.writer_epoch != epoch:
        raise records.OvertakenError
    return upload


def stop_silent(uow: UnitOfWork, upload: Upload) -> bool:
    """Ask whoever writes to note what has come, and stop; unless something came a moment ago.

    Returns:
        Whether they were asked.
    """
    silent = uow.session.scalar(
        select(Upload.active_at < func.now() - timedelta(seconds=_SILENT_SECONDS)).where(
            Upload.id == upload.id
        )
    )
    if silent:
        _tell(uow, upload.id, upload.writer_epoch + 1)
    return bool(silent)


def _must_go_on(upload: Upload) -> None:
    if upload.state is not UploadState.RECEIVING:
        raise GoneError("This upload has ended. Send the file again.")


def _must_continue(upload: Upload, offset: int) -> None:
    _must_go_on(upload)
    if upload.received_bytes != offset:
        raise OffsetConflictError(f"The next chunk begins at byte {upload.received_bytes:,}.")


def _declare(uow: UnitOfWork, upload: Upload, length: int) -> None:
    """Note a length that was deferred (tus, creation-defer-length). Said again, it must be the same."""
    if upload.declared_bytes is None:
        records.check_size(length, uow.settings.max_upload_bytes)
        if length < upload.received_bytes:
            raise BadRequestError(f"Upload-Length is less than the {upload.received_bytes:,} bytes here.")
        upload.declared_bytes = length
        quota.settle(uow, upload, length)
    elif upload.declared_bytes != length:
        raise BadRequestError(f"This upload has {upload.declared_bytes:,} bytes; that cannot change.")


def _tell(uow: UnitOfWork, upload_id: UUID, epoch: int) -> None:
    """Say it with the commit; whoever does not hear it stops at the next offset to be noted."""
    uow.session.execute(select(func.pg_notify(CHANNEL, f"{upload_id} {epoch}")))
