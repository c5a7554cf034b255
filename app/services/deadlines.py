"""What is kept as long as was agreed: the word before it is deleted, and deleting it.

Every moment is the database's. Nothing is deleted without a word half a day before, however late the portal
is, or however sudden a policy; but for what never arrived, of which there is nothing to tell.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, cast
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, tuple_

from app.domain.events import Event
from app.domain.lifecycle import STORED
from app.domain.retention import LEAST_WARNING, WARNED_BEFORE, RetentionSince
from app.models import Case, EventRecord, Organisation, Upload
from app.queries import cases, clock
from app.queries.retention import HALF_A_DAY, dated, expiry, told_until
from app.services import notices, removal
from app.services.retention import forget_words
from app.services.scanning import leases
from app.uow import UnitOfWork

BATCH: Final = 200

_COUNTED: Final = {
    RetentionSince.RECEIVED: "it was received",
    RetentionSince.DOWNLOADED: "it was last downloaded",
    RetentionSince.CLOSED: "its case was closed",
}


@dataclass(frozen=True, slots=True)
class Told:
    """Of how many bundles a batch told, and the place of the last of them; None: there are no more."""

    count: int
    last: tuple[datetime, UUID] | None


def warn(uow: UnitOfWork, after: tuple[datetime, UUID] | None = None) -> Told:
    """Tell of the next bundles that are deleted soon, once per date; one node does so at a time."""
    place = tuple_(Upload.expires_at, Upload.id)
    days = func.coalesce(Case.retention_days, Organisation.retention_days)
    soon = uow.session.scalars(
        select(Upload)
        .join(Organisation, Organisation.id == Upload.organisation_id)
        .outerjoin(
            Case,
            and_(Case.organisation_id == Upload.organisation_id, Case.reference == Upload.case_reference),
        )
        .where(
            Upload.state.in_(STORED),
            Upload.held_at.is_(None),
            Case.held_at.is_(None),
            Upload.expires_at <= func.now() + WARNED_BEFORE,
            Upload.expires_at <= func.now() + days * HALF_A_DAY,
            ~_told(),
            *([place > tuple_(*after)] if after else []),
        )
        .order_by(Upload.expires_at, Upload.id)
        .limit(BATCH)
        # Whoever changes a date meanwhile waits, and then finds the word to be forgotten.
        .with_for_update(skip_locked=True, key_share=True, of=Upload)
    ).all()
    now = clock.now(uow.session).isoformat()  # a date that comes back is another occasion, and another mail
    for upload in soon:
        until = cast("datetime", upload.expires_at).isoformat()
        notices.announce(
            uow, Event.UPLOAD_DELETION_DUE, upload, occasion=f"{until} {now}", told={"until": until}
        )
    last = soon[-1] if len(soon) == BATCH else None
    return Told(len(soon), (cast("datetime", last.expires_at), last.id) if last else None)


def _told(before: timedelta | None = None) -> ColumnElement[bool]:
    """Say that people were told of this very date; ``before``, at least so long ago."""
    told = [
        EventRecord.upload_id == Upload.id,
        EventRecord.event == Event.UPLOAD_DELETION_DUE,
        told_until() == Upload.expires_at,
    ]
    if before is not None:
        told.append(EventRecord.created_at <= func.now() - before)
    return exists().where(*told).correlate(Upload)


def _due() -> ColumnElement[bool]:
    """Say that it may be deleted now, by the date in its row: never what is being scanned."""
    return and_(
        dated(),
        Upload.expires_at <= func.now(),
        Upload.held_at.is_(None),
        leases.free(),
        or_(Upload.state.not_in(STORED), _told(LEAST_WARNING)),
    )


def due(uow: UnitOfWork, limit: int = BATCH) -> Sequence[UUID]:
    """Return what is to be deleted, the longest overdue first."""
    return uow.session.scalars(
        select(Upload.id).where(_due()).order_by(Upload.expires_at, Upload.id).limit(limit)
    ).all()


def delete(uow: UnitOfWork, upload_id: UUID) -> Upload | None:
    """Delete a bundle if it is due now; the caller then removes the bytes. None if it is not.

    Under the row's lock the rule itself is asked, not the date in the row: a download, a longer time or a
    hold may have come since that was found. Somebody who works with the row just now goes first.
    """
    upload = uow.session.scalar(
        select(Upload)
        .where(Upload.id == upload_id, _due())
        .with_for_update(skip_locked=True, of=Upload)
        .execution_options(populate_existing=True)
    )
    if upload is None:
        return None
    true = uow.session.scalar(select(expiry()).where(Upload.id == upload_id))
    now = uow.session.scalars(select(func.now())).one()
    if true is None or true > now:
        upload.expires_at = true  # it was not rewritten yet
        forget_words(uow, [upload_id])
        return None
    return removal.delete(uow, upload_id, _why(uow, upload))


def _why(uow: UnitOfWork, upload: Upload) -> str:
    """Return the sentence for whoever sent it."""
    case = cases.of_upload(uow.session, upload)
    days, since = upload.organisation.retention_days, upload.organisation.retention_since
    if case and case.retention_days is not None and case.retention_since is not None:
        days, since = case.retention_days, case.retention_since
    if (since is RetentionSince.DOWNLOADED and upload.last_downloaded_at is None) or (
        since is RetentionSince.CLOSED and case is None
    ):
        since = RetentionSince.RECEIVED
    span = "1 day" if days == 1 else f"{days:,} days"
    return f"Kept for {span} since {_COUNTED[since]}, as agreed."
