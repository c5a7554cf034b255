"""The right to scan one bundle for a while: a lease with a fence.

Whoever holds the newest epoch may renew, hand back and record; everybody else finds that zero
rows match and writes nothing. All times are the database's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, case, func, or_, update

from app.domain.lifecycle import UploadState
from app.models import Upload
from app.uow import UnitOfWork

#: How long a bundle rests after the scanner could not be reached.
REST_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to scan one upload, as long as ``epoch`` and ``state`` are the row's.

    ``attempts`` counts the tries since the last verdict, this one included. ``sha256`` is None if
    the bytes never went through the portal, so that this scan is the first to read them;
    ``announced`` is what their sender said it is.
    """

    upload_id: UUID
    epoch: int
    state: UploadState
    attempts: int
    storage_name: str
    storage_key: str
    storage_version: str
    size: int
    sha256: str | None
    announced: str | None = None
    gate: datetime | None = None  # open since then, when the claim was made
    trace: str | None = None  # of the request that sealed it (`app.tracing`)


def free() -> ColumnElement[bool]:
    """Nobody scans it now, and it has rested."""
    return or_(Upload.lease_until.is_(None), Upload.lease_until < func.now())


def take(
    uow: UnitOfWork, upload_id: UUID, *guards: ColumnElement[bool], **values: object
) -> tuple[Upload, Claim] | None:
    """Begin a lease if it is free and all ``guards`` hold; set ``values`` with it.

    The count of tries begins anew where the last scan ended with a verdict.
    """
    taken = uow.session.scalars(
        update(Upload)
        .where(Upload.id == upload_id, free(), *guards)
        .values(
            lease_until=from_now(uow.settings.scan_lease),
            epoch=Upload.epoch + 1,
            attempts=case((Upload.lease_until.is_(None), 1), else_=Upload.attempts + 1),
            **values,
        )
        .returning(Upload)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if taken is None:
        return None
    assert taken.size is not None  # noqa: S101  # sealed_is_whole guarantees both
    assert taken.storage_version is not None  # noqa: S101
    return taken, Claim(
        taken.id,
        taken.epoch,
        taken.state,
        taken.attempts,
        taken.storage_name,
        taken.storage_key,
        taken.storage_version,
        taken.size,
        taken.sha256,
        taken.declared_sha256,
        trace=taken.trace,
    )


def renew(uow: UnitOfWork, held: Claim) -> bool:
    """Extend the lease; False when the claim is no longer ours."""
    return write(uow, held, {"lease_until": from_now(uow.settings.scan_lease)})


def rest(
    uow: UnitOfWork, held: Claim, *, counted: bool, seconds: float = REST_SECONDS, **values: object
) -> bool:
    """End the lease without a verdict, let the bundle rest, and set ``values`` with it.

    ``counted`` is false when the bundle cannot be to blame. False when the claim is no longer ours.
    """
    attempts = Upload.attempts if counted else Upload.attempts - 1
    return write(uow, held, {"lease_until": from_now(seconds), "attempts": attempts, **values})


def write(uow: UnitOfWork, held: Claim, values: Mapping[str, object]) -> bool:
    """Set ``values``; False when the claim is no longer ours and nothing was written."""
    return (
        uow.session.execute(
            update(Upload)
            .where(Upload.id == held.upload_id, Upload.epoch == held.epoch, Upload.state == held.state)
            .values(**values)
            .returning(Upload.id)
        ).one_or_none()
        is not None
    )


def from_now(seconds: float) -> ColumnElement[datetime]:
    """Return the database's time in so many seconds."""
    return func.now() + timedelta(seconds=seconds)
