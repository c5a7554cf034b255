"""Quotas for tests, and what the counters say beside what is true."""

from uuid import UUID

from sqlalchemy import func, select, update

from app.models import Organisation, Upload
from app.system import System


def set_quota(
    system: System, organisation_id: UUID | None, *, size: int | None = None, uploads: int | None = None
) -> None:
    with system.work() as uow:
        uow.session.execute(
            update(Organisation)
            .where(Organisation.id == organisation_id)
            .values(quota_bytes=size, quota_uploads=uploads)
        )


def counted(system: System, organisation_id: UUID | None) -> tuple[int, int]:
    """Return (bytes, uploads) as the organisation's row has them."""
    with system.work() as uow:
        row = uow.session.execute(
            select(Organisation.used_bytes, Organisation.used_uploads).where(
                Organisation.id == organisation_id
            )
        ).one()
    return row.used_bytes, row.used_uploads


def summed(system: System, organisation_id: UUID | None) -> tuple[int, int]:
    """Return the same as the sums over the organisation's uploads."""
    with system.work() as uow:
        held, number = uow.session.execute(
            select(func.sum(Upload.held_bytes), func.count().filter(~Upload.partial)).where(
                Upload.organisation_id == organisation_id, Upload.held_bytes.is_not(None)
            )
        ).one()
    return int(held or 0), int(number)
