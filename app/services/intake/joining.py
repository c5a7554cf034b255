"""Parts that were sent side by side become one upload (tus 1.0.0, concatenation).

A part stays RECEIVING until the whole is sealed: whatever dies on the way, it can be joined again.
"""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from app.domain.errors import BadRequestError, GoneError, StateConflictError
from app.domain.lifecycle import STORED, UploadState
from app.models import Upload
from app.queries import transfers
from app.services import quota
from app.services.intake import records
from app.services.intake.records import Announcement
from app.services.lifecycle import transition
from app.uow import UnitOfWork


def begin(uow: UnitOfWork, announced: Announcement, ids: Sequence[UUID], storage_name: str) -> Upload:
    """Return the upload into which the parts ``ids`` are joined, in this order.

    Asked twice, it is the same upload. The room that the parts hold becomes that of the whole.

    Raises:
        NotFoundError: the actor has sent no such part.
        BadRequestError: one of them is no part, or is named twice.
        StateConflictError: one is not complete, or was joined into something else.
        GoneError: one of them, or what they were joined into, has ended.
        TooLargeError, WrongContentError, InvalidInputError, QuotaError: as `records.start`.
    """
    if len(set(ids)) != len(ids):
        raise BadRequestError("A part can stand in Upload-Concat only once.")
    parts = transfers.own_parts(uow.session, uow.actor, ids)
    if not all(part.partial for part in parts):
        raise BadRequestError("Upload-Concat names an upload that is no part. Send it as partial.")
    if before := next((part.joined_into for part in parts if part.joined_into), None):
        return _joined_before(uow, before, ids)
    for number, part in enumerate(parts, 1):
        _must_be_whole(part, number)
        quota.give_back(uow, part, unused=True)
    size = sum(part.received_bytes for part in parts)
    whole = records.start(uow, replace(announced, size=size, joins=True), storage_name)
    for number, part in enumerate(parts, 1):
        part.joined_into, part.part_number = whole.id, number
    return whole


def _joined_before(uow: UnitOfWork, upload_id: UUID, ids: Sequence[UUID]) -> Upload:
    if [part.id for part in transfers.parts_of(uow.session, upload_id)] != list(ids):
        raise StateConflictError("These parts were joined into another upload. A part can be used once.")
    whole = transfers.own(uow.session, uow.actor, upload_id)
    if whole.state is not UploadState.RECEIVING and whole.state not in STORED:
        raise GoneError("The upload made of these parts has ended. Send the file again.")
    return whole


def _must_be_whole(part: Upload, number: int) -> None:
    if part.state is not UploadState.RECEIVING:
        raise GoneError(f"Part {number} has ended. Send it again.")
    if part.received_bytes != part.declared_bytes:
        raise StateConflictError(f"Part {number} is not complete. Send the rest of it first.")


def end_parts(uow: UnitOfWork, upload_id: UUID) -> list[Upload]:
    """End the parts of what is no longer being received; the caller removes their bytes after the commit."""
    # Locked, so that of two who tidy up the second finds nothing to do.
    whole = uow.session.get_one(Upload, upload_id, populate_existing=True, with_for_update={"of": Upload})
    if whole.state is UploadState.RECEIVING:
        return []
    reason = "Joined with the others." if whole.state in STORED else "What it is a part of came to nothing."
    left = [
        part for part in transfers.parts_of(uow.session, upload_id) if part.state is UploadState.RECEIVING
    ]
    return [
        transition(uow, part.id, UploadState.DELETED, reason=reason)
        for part in sorted(left, key=lambda part: part.id)  # in the order in which `begin` locks them
    ]
