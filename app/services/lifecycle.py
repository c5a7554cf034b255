"""The state machine's only door."""

from typing import Final
from uuid import UUID

from sqlalchemy import func, select, update

from app.domain.errors import StateConflictError
from app.domain.lifecycle import RESCANNABLE, UploadState, sources_of
from app.domain.policy import Actor
from app.domain.retention import NAMELESS
from app.models import Case, Upload
from app.queries import uploads
from app.queries.retention import expiry
from app.services import audit, quota
from app.uow import UnitOfWork

#: A release is of the state it was given in; no other inherits it.
_UNRELEASED: Final = {"released_at": None, "released_by": None, "release_reason": None}

#: States in which an upload takes no room.
_GIVES_BACK: Final = frozenset({UploadState.REJECTED, UploadState.ABANDONED, UploadState.DELETED})

#: With these a bundle, or what has come to nothing, begins to have a date.
_DATED: Final = frozenset({UploadState.SEALED, UploadState.REJECTED, UploadState.ABANDONED})

#: What names or describes what is gone, and what was still to be done with it.
TOMBSTONE: Final = {
    "filename": NAMELESS,
    "note": None,
    "idempotency_key": None,
    "declared_sha256": None,
    "echoed": None,
    "multipart_id": None,
    "joining": None,
    "obstacle": None,
    "trace": None,
    "lease_until": None,
    "rescan_asked_at": None,
    "expires_at": None,
    "deleted_at": func.now(),
}


class HeldError(StateConflictError):
    """A legal hold keeps the bundle."""

    code = "held"

    def __init__(self, actor: Actor, deed: str, *, of_case: bool = False) -> None:
        """``deed`` is what it cannot be; ``of_case``: the hold is on its case. Customers hear of none."""
        what = (
            "Its case is on legal hold, so the bundle" if of_case else "This bundle is on legal hold, so it"
        )
        super().__init__(
            f"{what} cannot be {deed} before an admin takes the hold off."
            if actor.sees_all
            else f"This bundle has to be kept for now, so it cannot be {deed}. Ask support."
        )


def transition(
    uow: UnitOfWork, upload_id: UUID, to: UploadState, *, epoch: int | None = None, **values: object
) -> Upload:
    """Move the upload to ``to``, set ``values`` with it, and audit it.

    The guard stands in the WHERE clause, so of two that race for one row one wins. With
    ``epoch`` the fence must still be that claim's.

    Raises:
        StateConflictError: the row is absent, not in a state that leads to ``to``, or
            behind another fence.
        HeldError: it is to be deleted, and a hold on it or on its case says that it is not.
    """
    part = to in _GIVES_BACK and _give_back(uow, upload_id, to)
    guards = [Upload.id == upload_id, Upload.state.in_(sources_of(to))]
    if to is UploadState.DELETED:
        guards.append(Upload.held_at.is_(None))
    if to is UploadState.DELETED or part:
        values = TOMBSTONE | {"deleted_by": uow.actor.label} | values
    elif to in _DATED:
        values = {"expires_at": expiry(received=values.get("sealed_at"))} | values
    if to in RESCANNABLE:
        values = {"tagged": None} | values  # what is written on the object is another state's
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


def _give_back(uow: UnitOfWork, upload_id: UUID, to: UploadState) -> bool:
    """Free what was held for it; whether it is a part of another, which leaves no more than a tombstone.

    If the move is refused, the unit of work is not committed.
    """
    upload = uow.session.scalar(
        select(Upload)
        .where(Upload.id == upload_id, Upload.state.in_(sources_of(to)))
        .with_for_update(of=Upload)
        .execution_options(populate_existing=True)
    )
    if upload is None:
        return False
    if to is UploadState.DELETED and not upload.partial:
        refuse_held(uow, upload, "deleted")
    quota.give_back(uow, upload, unused=upload.state is UploadState.RECEIVING)
    uow.session.flush()
    return upload.partial


def refuse_held(uow: UnitOfWork, upload: Upload, deed: str, *, lock: bool = True) -> None:
    """Refuse what a hold forbids. The upload's row is locked; so is its case's from here on.

    A hold that is put on either at the same time has come first, or waits until this is done. Without
    ``lock`` it may come at any time after: enough for a page that asks whether to go on.

    Raises:
        HeldError: the bundle is on hold, or its case.
    """
    of_case = select(Case.held_at).where(
        Case.organisation_id == upload.organisation_id, Case.reference == upload.case_reference
    )
    if lock:
        of_case = of_case.with_for_update(read=True)
    on_case = uow.session.scalar(of_case) if upload.case_reference else None
    if upload.held_at is not None or on_case is not None:
        raise HeldError(uow.actor, deed, of_case=upload.held_at is None)


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
