"""Finding what got stuck. Nothing here needs Redis; every step may run on any node, any time."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import aliased

from app.domain.jobs import JobName
from app.domain.lifecycle import RESUMABLE, STORED, UploadState
from app.models import Ticket, Upload
from app.queries import engine
from app.services import (
    challenges,
    deliveries,
    devices,
    forgotten,
    gate,
    half_way,
    links,
    provider_sign_in,
    spreading,
    tickets,
    told_long_ago,
    tries,
)
from app.services.intake import records
from app.services.scanning import claims, due
from app.services.scanning.verdicts import edition
from app.uow import UnitOfWork

_BATCH = 100
_FEW = 20  # bells that nobody waits for
_SILENT = "Nothing came any more, so it was given up. Send the file again."


def lead(uow: UnitOfWork, step: str) -> bool:
    """Whether this node may run ``step`` now; the right ends with the transaction."""
    return bool(uow.session.scalar(select(func.pg_try_advisory_xact_lock(func.hashtextextended(step, 0)))))


def ring_scans(uow: UnitOfWork, waited: int) -> int:
    """Ring again for uploads that have waited for a scan for ``waited`` seconds; return how many."""
    return _ring_scans(uow, JobName.SCAN_UPLOAD, lambda: claims.waiting(uow, waited, _BATCH, large=False))


def ring_large_scans(uow: UnitOfWork, waited: int) -> int:
    """Do the same for large uploads."""
    return _ring_scans(
        uow, JobName.SCAN_LARGE_UPLOAD, lambda: claims.waiting(uow, waited, _BATCH, large=True)
    )


def ring_rescans(uow: UnitOfWork, waited: int) -> int:
    """Ring again for second scans that were asked for ``waited`` seconds ago; return how many."""
    return _ring_scans(uow, JobName.RESCAN_UPLOAD, lambda: due.waiting(uow, waited, _BATCH))


def _ring_scans(uow: UnitOfWork, job: JobName, waiting: Callable[[], Sequence[UUID]]) -> int:
    """Ring, but not while the gate is closed: nobody would answer."""
    return _ring(uow, job, waiting()) if gate.is_open(uow) else 0


def ring_outdated(uow: UnitOfWork) -> int:
    """Ring for a few ready bundles that the newest signatures have not seen; return how many.

    None as long as the gate is closed, or anybody waits for the scanner.
    """
    current = engine.current(uow.session)
    if current is None or not gate.is_open(uow) or due.others_first(uow):
        return 0
    return _ring(uow, JobName.RESCAN_UPLOAD, due.newest_outdated(uow, edition(current), _FEW))


def ring_events(uow: UnitOfWork, waited: int) -> int:
    """Ring again for what happened ``waited`` seconds ago and was not spread; return how many."""
    return _ring(uow, JobName.SPREAD_EVENT, spreading.waiting(uow, waited, _BATCH))


def ring_deliveries(uow: UnitOfWork, waited: int) -> int:
    """Ring again for mails whose time came ``waited`` seconds ago; return how many."""
    return _ring(uow, JobName.DELIVER, deliveries.due(uow, waited, _BATCH))


def _ring(uow: UnitOfWork, job: JobName, ids: Sequence[UUID]) -> int:
    for row_id in ids:
        uow.enqueue(job, str(row_id))
    return len(ids)


def abandon_stale(uow: UnitOfWork) -> list[tuple[str, str]]:
    """Give up uploads from which nothing came for too long; return (storage name, key) of each."""

    def silent(seconds: int) -> ColumnElement[bool]:
        return Upload.active_at < func.now() - timedelta(seconds=seconds)

    whole = aliased(Upload)
    revoked = Upload.ticket_id.in_(select(Ticket.id).where(Ticket.revoked_at.is_not(None)))
    stale = uow.session.execute(
        select(Upload.id, Upload.storage_name, Upload.storage_key, revoked)
        .where(
            Upload.state == UploadState.RECEIVING,
            or_(
                # What was joined into a whole is kept for as long as that is.
                and_(
                    Upload.door.in_(RESUMABLE),
                    Upload.joined_into.is_(None),
                    silent(uow.settings.resumable_for),
                ),
                and_(Upload.door.not_in(RESUMABLE), silent(uow.settings.abandoned_after)),
                # Nobody can go on with what was never begun at the store.
                and_(
                    Upload.door == "direct",
                    Upload.multipart_id.is_(None),
                    silent(uow.settings.abandoned_after),
                ),
                # What is to be done with a part is done, and whoever did it died before it was ended.
                Upload.joined_into.in_(select(whole.id).where(whole.state != UploadState.RECEIVING)),
                # Its ticket was revoked, and whoever did it died before this was given up.
                revoked,
            ),
        )
        .with_for_update(skip_locked=True, of=Upload)
        .limit(_BATCH)
    ).all()
    for upload_id, _, _, cut_short in stale:
        records.abandon(uow, upload_id, tickets.CUT_SHORT if cut_short else _SILENT)
    return [(name, key) for _, name, key, _ in stale]


def forget_old(uow: UnitOfWork) -> None:
    """Delete what nobody needs to know any more of how people signed in, or of what was told."""
    for passing in (tries, links, forgotten, half_way, challenges, devices, provider_sign_in, told_long_ago):
        passing.forget_old(uow)


def without_row(uow: UnitOfWork, storage_name: str, keys: Iterable[str]) -> list[str]:
    """Return those of a store's ``keys`` that no row has a use for."""
    asked = list(keys)
    wanted = uow.session.scalars(
        select(Upload.storage_key).where(
            Upload.storage_name == storage_name,
            Upload.storage_key.in_(asked),
            Upload.state.in_([*STORED, UploadState.RECEIVING]),
        )
    )
    return sorted(set(asked) - set(wanted))


def unheard_of(uow: UnitOfWork, keys: Iterable[str]) -> list[str]:
    """Return those ``keys`` that no row was ever about, in whatever state it is and wherever it lies now.

    What was deleted, given up or moved away has a row that says so; in the wrong database it has none.
    """
    asked = list(keys)
    ids = {key: upload_id for key in asked if (upload_id := _upload_of(key))}
    known = uow.session.execute(
        select(Upload.id, Upload.storage_key).where(
            or_(Upload.storage_key.in_(asked), Upload.id.in_(ids.values()))
        )
    ).all()
    names, heard = {row.storage_key for row in known}, {row.id for row in known}
    return [key for key in asked if key not in names and ids.get(key) not in heard]


def _upload_of(key: str) -> UUID | None:
    """Return which upload a key was made for. What was moved has another, which names none."""
    with suppress(ValueError):
        return UUID(key.rpartition("/")[2])
    return None
