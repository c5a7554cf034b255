"""The state machine's only door."""

from typing import Final
from uuid import UUID

from sqlalchemy import func, select, update

from app.domain.errors import StateConflictError
from app.domain.lifecycle import UploadState, sources_of
from app.models import Upload
from app.queries import uploads
from app.services import audit, quota
from app.uow import UnitOfWork

#: A release is of the state it was given in; no other inherits it.
_UNRELEASED: Final = {"released_at": None, "released_by": None, "release_reason": None}

#: States in which an upload takes no room.
_GIVES_BACK: Final = frozenset({UploadState.REJECTED, UploadState.ABANDONED, UploadState.DELETED})


def transition(
    uow: UnitOfWork, upload_id: UUID, to: UploadState, *, epoch: int | None = None, **values: object
) -> Upload:
    """Move the upload to ``to``, set ``values`` with it, and audit it.

    The guard stands in the WHERE clause, so of two that race for one row one wins. With
    ``epoch`` the fence must still be that claim's.

    Raises:
        StateConflictError: the row is absent, not in a state that leads to ``to``, or
            behind another fence.
    """
    if to in _GIVES_BACK:
        _give_back(uow, upload_id, to)
    guards = [Upload.id == upload_id, Upload.state.in_(sources_of(to))]
    if epoch is not None:
        guards.append(Upload.epoch == epoch)
    won = uow.session.scalar(
        update(Upload)
        .where(*guards)
        .values(state=to, active_at=func.now(), **_UNRELEASED, **values)
        .returning(Upload.id)
        .execution_options(synchronize_session=False)
    )
    if won is None:
        raise StateConflictError("That upload has already moved on.", upload_id=upload_id, to=to)
    moved = uow.session.get_one(Upload, upload_id, populate_existing=True)
    audit.record(uow, f"upload.{to}", upload=moved, reason=moved.reason)
    return moved


def _give_back(uow: UnitOfWork, upload_id: UUID, to: UploadState) -> None:
    """Free what was held for it. If the move is refused, the unit of work is not committed."""
    upload = uow.session.scalar(
        select(Upload)
        .where(Upload.id == upload_id, Upload.state.in_(sources_of(to)))
        .with_for_update(of=Upload)
        .execution_options(populate_existing=True)
    )
    if upload is not None:
        quota.give_back(uow, upload, unused=upload.state is UploadState.RECEIVING)
        uow.session.flush()


def locked(uow: UnitOfWork, upload_id: UUID) -> Upload:
    """Return the upload as it is now; its state stays what it is until the unit of work ends.

    Raises:
        NotFoundError: absent, or not visible to the actor.
    """
    upload = uploads.get(uow.session, uow.actor, upload_id)
    uow.session.refresh(upload, with_for_update={"of": Upload})
    return upload


def written(uow: UnitOfWork, upload: Upload) -> Upload:
    """Return the upload as the database has it after the changes, with the times that it has set."""
    uow.session.flush()
    uow.session.refresh(upload)
    return upload
