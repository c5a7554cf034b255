"""Leave to fetch an upload's bytes, whether it still holds, and the trace of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select

from app.domain.errors import ForbiddenError, NotFoundError, StateConflictError
from app.domain.events import Event
from app.domain.lifecycle import UploadState
from app.domain.policy import STAFF, Actor, Permission
from app.models import Upload
from app.queries import uploads
from app.queries.retention import expiry
from app.queries.standing import still_good
from app.services import audit, notices
from app.services.lifecycle import locked, written
from app.services.retention import forget_words
from app.uow import UnitOfWork

CHANGED = "The stored file is no longer the one that was scanned. Tell support."


@dataclass(frozen=True, slots=True)
class Leave:
    """What may go out: the stored object ``version``, and nothing that lies under its key later.

    ``released``: nobody could prove it clean, and an engineer took that upon themselves.
    ``without``: only the rest of the bundle may go; the numbers of the tar's entries that stay
    behind, and what was found in each.
    """

    upload_id: UUID
    version: str
    released: bool = False
    without: Mapping[int, str] | None = None


def leave_for_all(uow: UnitOfWork, upload_id: UUID) -> tuple[Upload, Leave]:
    """Return an upload that may be fetched as it is, and the leave to do so.

    Raises:
        NotFoundError: absent, or not visible to whoever asks.
        StateConflictError: not clean, and not released to whoever asks.
    """
    upload = uploads.get(uow.session, uow.actor, upload_id)
    return upload, grant_all(uow.actor, upload)


def grant_all(actor: Actor, upload: Upload) -> Leave:
    """Return the leave to fetch an upload that ``actor`` may see. Raises StateConflictError, as above."""
    released = (
        upload.state is UploadState.UNSCANNABLE
        and upload.released_at is not None
        and actor.may(Permission.QUARANTINE_REVIEW)
    )
    if not released and (upload.state is not UploadState.CLEAN or upload.scan is None):
        raise StateConflictError(
            f"This file is {upload.state}. Only files that are ready can be downloaded.", state=upload.state
        )
    return Leave(upload.id, _version(upload), released)


def leave_for_clean_members(uow: UnitOfWork, upload_id: UUID) -> tuple[Upload, Leave]:
    """Return an infected upload whose other members are proven clean, and the leave to fetch those.

    Raises:
        NotFoundError: absent, or not visible to whoever asks.
        ForbiddenError: it is for staff.
        StateConflictError: not infected, or not all else is proven clean.
    """
    upload = uploads.get(uow.session, uow.actor, upload_id)
    return upload, grant_clean_members(uow.actor, upload)


def grant_clean_members(actor: Actor, upload: Upload) -> Leave:
    """Return the leave to fetch those of an upload that ``actor`` may see.

    Raises:
        ForbiddenError, StateConflictError: as above.
    """
    if not actor.may(Permission.QUARANTINE_REVIEW):
        raise ForbiddenError("Only support may take bundles apart.")
    scan = upload.scan
    if upload.state is not UploadState.INFECTED or scan is None:
        raise StateConflictError(
            f"This file is {upload.state}. Only what is infected is given out in part.", state=upload.state
        )
    found = [(each.get("entry"), str(each["signature"])) for each in scan.findings]
    without = {entry: signature for entry, signature in found if entry is not None}
    if not scan.complete or not found or any(entry is None for entry, _ in found):
        raise StateConflictError(
            "Not everything else in this bundle is proven clean, so no part of it can be given out.",
            state=upload.state,
        )
    return Leave(upload.id, _version(upload), without=without)


def _version(upload: Upload) -> str:
    """Return the version that verdict and row agree on; a scanner crash leaves no scan."""
    version = upload.storage_version
    if version is None or (upload.scan and upload.scan.storage_version != version):
        raise StateConflictError(CHANGED, state=upload.state)
    return version


def holds(uow: UnitOfWork, leave: Leave) -> bool:
    """Whether the same leave would be given now, to an actor who came as this one did."""
    if not uow.session.scalar(select(still_good(uow.actor, fetching=True))):
        return False
    ask = leave_for_all if leave.without is None else leave_for_clean_members
    try:
        return ask(uow, leave.upload_id)[1] == leave
    except (NotFoundError, ForbiddenError, StateConflictError):
        return False


def note(uow: UnitOfWork, upload: Upload, leave: Leave, asked_range: str | None) -> None:
    """Write down who fetches what, before the first byte leaves.

    Raises:
        NotFoundError, StateConflictError: the leave ended meanwhile.
    """
    now = locked(uow, upload.id)  # a withdrawal at the same time has happened, or waits
    if not holds(uow, leave):
        raise StateConflictError("This file has changed its state just now. Look again.", state=now.state)
    if now.first_downloaded_at is None:
        now.first_downloaded_at = func.now()
    dated = now.expires_at is not None
    now.last_downloaded_at, now.expires_at = func.now(), expiry(downloaded=func.now())
    if dated:
        forget_words(uow, [now.id])
    if uow.actor.role in STAFF:
        # Of the first time alone: it is written down once.
        notices.announce(uow, Event.UPLOAD_DOWNLOADED, written(uow, now))
    action = "upload.downloaded" if leave.without is None else "upload.salvaged"
    audit.record(uow, action, upload=upload, range=asked_range, released=leave.released or None)


def note_cut(uow: UnitOfWork, leave: Leave, why: str) -> None:
    """Write down that a download ended before its end, on the portal's side."""
    upload = uow.session.get_one(Upload, leave.upload_id)
    audit.record(uow, "upload.download_cut", upload=upload, reason=why)
