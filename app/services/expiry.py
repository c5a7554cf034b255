"""How long an unfinished upload is kept for its sender to go on with, and the word before it goes.

`sweeping.abandon_stale` ends it. Every moment is the database's: when bytes came last, and now.
"""

from datetime import datetime, timedelta

from sqlalchemy import exists, func, or_, select

from app.domain.events import Event
from app.domain.lifecycle import RESUMABLE, UploadState
from app.models import Account, EventRecord, Ticket, Upload
from app.services import notices
from app.settings import Settings
from app.uow import UnitOfWork

_BATCH = 100
_DAY = 24 * 3600  # seconds


def ends_at(upload: Upload, settings: Settings) -> datetime | None:
    """Return when an unfinished upload is given up if nothing more comes; None for any other."""
    if upload.state is not UploadState.RECEIVING or upload.door not in RESUMABLE:
        return None
    return upload.active_at + timedelta(seconds=settings.resumable_for)


def warn(uow: UnitOfWork) -> int:
    """Tell senders of uploads that are given up within a day, once per stall; return of how many.

    Where uploads are kept for less than two days, the word comes half-way.
    """
    kept = uow.settings.resumable_for
    silent = func.now() - timedelta(seconds=kept - min(_DAY, kept // 2))
    stalled = uow.session.scalars(
        select(Upload)
        .outerjoin(Account, Account.id == Upload.uploader_id)
        .outerjoin(Ticket, Ticket.id == Upload.ticket_id)
        .where(
            Upload.state == UploadState.RECEIVING,
            Upload.door.in_(RESUMABLE),
            ~Upload.partial,
            Upload.active_at < silent,
            or_(Account.active, Ticket.recipient.is_not(None)),
            # Not a mail: who chose to have none has heard of it, too.
            ~exists().where(
                EventRecord.upload_id == Upload.id,
                EventRecord.event == Event.UPLOAD_EXPIRING,
                EventRecord.created_at > Upload.active_at,
            ),
        )
        .order_by(Upload.active_at)
        .limit(_BATCH)
    ).all()
    for upload in stalled:
        until = upload.active_at + timedelta(seconds=kept)
        notices.announce(
            uow,
            Event.UPLOAD_EXPIRING,
            upload,
            occasion=upload.active_at.isoformat(),
            told={"until": until.isoformat()},
        )
    return len(stalled)
