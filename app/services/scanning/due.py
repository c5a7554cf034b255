"""Which bundles are to be scanned again, and whether it is their turn."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, lateral, literal, select, true

from app.domain.lifecycle import RESCANNABLE, UploadState
from app.models import Upload
from app.services.scanning import leases
from app.services.scanning.claims import unjudged
from app.uow import UnitOfWork

_CLEAN = Upload.state == UploadState.CLEAN


def asked() -> ColumnElement[bool]:
    """Somebody asked for it."""
    return and_(Upload.rescan_asked_at.is_not(None), Upload.state.in_(RESCANNABLE))


def outdated(uow: UnitOfWork, edition: str) -> ColumnElement[bool]:
    """It is ready, young enough, and was last scanned, or tried, with other signatures."""
    return and_(_CLEAN, Upload.scanned_for != edition, _young(uow))


def _young(uow: UnitOfWork) -> ColumnElement[bool]:
    return Upload.created_at >= func.now() - timedelta(days=uow.settings.rescan_days)


def others_first(uow: UnitOfWork) -> bool:
    """Whether anything goes before what is scanned again on account of new signatures alone."""
    fresh = exists().where(unjudged())
    wanted = exists().where(asked(), leases.free())
    return bool(uow.session.scalar(select(fresh | wanted)))


def waiting(uow: UnitOfWork, waited: int, limit: int) -> Sequence[UUID]:
    """Return what somebody asked for ``waited`` seconds ago and nobody scans, the longest first."""
    return uow.session.scalars(
        select(Upload.id)
        .where(asked(), leases.free(), Upload.rescan_asked_at <= leases.from_now(-waited))
        .order_by(Upload.rescan_asked_at)
        .limit(limit)
    ).all()


def newest_outdated(uow: UnitOfWork, edition: str, limit: int) -> Sequence[UUID]:
    """Return what is `outdated` and nobody scans, the newest first.

    It goes from one edition to the next in an index and takes the newest of each, so that a
    million bundles that are up to date, or too old, cost nothing.
    """
    least = select(func.min(Upload.scanned_for)).where(_CLEAN)
    editions = select(least.scalar_subquery().label("edition")).cte("editions", recursive=True)
    following = least.where(Upload.scanned_for > editions.c.edition).correlate(editions).scalar_subquery()
    editions = editions.union_all(select(following).where(editions.c.edition.is_not(None)))
    newest = lateral(
        select(Upload.id, Upload.created_at)
        .where(_CLEAN, Upload.scanned_for == editions.c.edition, _young(uow), leases.free())
        .order_by(Upload.created_at.desc())
        .limit(limit)
    )
    return uow.session.scalars(
        select(newest.c.id)
        .select_from(editions.join(newest, true()))
        .where(editions.c.edition != literal(edition))
        .order_by(newest.c.created_at.desc())
        .limit(limit)
    ).all()
