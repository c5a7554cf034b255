"""What operators say of organisations: how much they may store, and that the counters are true."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select, update

from app.domain.errors import InvalidInputError
from app.domain.lifecycle import STORED, UploadState
from app.models import Organisation, Upload
from app.queries import organisations
from app.services import audit
from app.uow import UnitOfWork


@dataclass(frozen=True, slots=True)
class Drift:
    """An organisation whose counters were not the sums over its uploads: (bytes, uploads)."""

    slug: str
    counted: tuple[int, int]
    true: tuple[int, int]


def set_quota(uow: UnitOfWork, slug: str, *, size: int | None, uploads: int | None) -> Organisation:
    """Let an organisation store up to ``size`` bytes in so many ``uploads``; None: as much as there is room.

    What is stored already stays, even if it is more.

    Raises:
        NotFoundError: there is no such organisation.
        InvalidInputError: less than nothing.
    """
    if min(size or 0, uploads or 0) < 0:
        raise InvalidInputError("A quota is not negative.")
    organisation = organisations.by_slug(uow.session, slug)
    uow.session.refresh(organisation, with_for_update={"key_share": True})
    before = {"bytes": organisation.quota_bytes, "uploads": organisation.quota_uploads}
    organisation.quota_bytes, organisation.quota_uploads = size, uploads
    audit.record(
        uow,
        "organisation.quota_set",
        organisation_id=organisation.id,
        before=before,
        after={"bytes": size, "uploads": uploads},
    )
    return organisation


def recount(uow: UnitOfWork, organisation_id: UUID) -> Drift | None:
    """Put an organisation's counters right; return what was wrong, None if nothing was.

    Exact whatever happens meanwhile: who changes a sum changes the counter in the same transaction,
    and waits for the row that is held here, or was waited for.
    """
    uow.session.execute(  # what a release received that knew no quotas
        update(Upload)
        .where(
            Upload.organisation_id == organisation_id,
            Upload.held_bytes.is_(None),
            Upload.state.in_([*STORED, UploadState.RECEIVING]),
            ~Upload.partial,
        )
        .values(held_bytes=func.coalesce(Upload.size, Upload.declared_bytes, Upload.received_bytes))
    )
    uow.session.execute(  # what such a release ended
        update(Upload)
        .where(
            Upload.organisation_id == organisation_id,
            Upload.held_bytes.is_not(None),
            Upload.state.not_in([*STORED, UploadState.RECEIVING]),
        )
        .values(held_bytes=None)
    )
    row = uow.session.execute(
        select(Organisation.slug, Organisation.used_bytes, Organisation.used_uploads)
        .where(Organisation.id == organisation_id)
        .with_for_update(key_share=True)
    ).one()
    held, number = uow.session.execute(
        select(func.coalesce(func.sum(Upload.held_bytes), 0), func.count().filter(~Upload.partial)).where(
            Upload.organisation_id == organisation_id, Upload.held_bytes.is_not(None)
        )
    ).one()
    drift = Drift(row.slug, (row.used_bytes, row.used_uploads), (int(held or 0), int(number)))
    if drift.counted == drift.true:
        return None
    uow.session.execute(
        update(Organisation)
        .where(Organisation.id == organisation_id)
        .values(used_bytes=drift.true[0], used_uploads=drift.true[1])
        .execution_options(synchronize_session=False)
    )
    audit.record(
        uow,
        "organisation.recounted",
        organisation_id=organisation_id,
        before=drift.counted,
        after=drift.true,
    )
    return drift
