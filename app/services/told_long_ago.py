"""Forgetting what was told long ago. What is counted and what is audited stays: those are other rows."""

from datetime import timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select

from app.domain.events import Event
from app.domain.lifecycle import UploadState
from app.models import Delivery, EventRecord, Notice, Upload
from app.uow import UnitOfWork

#: Who has read a notice finds it for a month yet; the bundle's own page says the same for longer.
READ_FOR: Final = timedelta(days=30)
#: Half a year: longer than anybody looks for a mail that did not come, or comes back to what they never read.
KEPT_FOR: Final = timedelta(days=180)
#: Rows of a kind at a time, so that no run holds locks for long; every ten minutes that is 700,000 a day.
BATCH: Final = 5000


def forget_old(uow: UnitOfWork) -> None:
    """Delete some notices, deliveries and records that nobody needs any more, in this order.

    A record goes once nobody has a notice of it and nothing of it is in the outbox, be it unfinished, or a
    dead letter that may still be sent again.
    """
    long_ago = func.now() - KEPT_FOR
    read = and_(Notice.read_at.is_not(None), Notice.read_at < func.now() - READ_FOR)
    _some(uow, Notice, read)
    _some(uow, Notice, Notice.created_at < long_ago)
    finished = or_(Delivery.sent_at < long_ago, Delivery.dead_at < long_ago)
    _some(uow, Delivery, Delivery.created_at < long_ago, finished)
    _some(
        uow,
        EventRecord,
        EventRecord.created_at < long_ago,
        EventRecord.spread_at.is_not(None),
        ~exists().where(Notice.record_id == EventRecord.id),
        ~exists().where(Delivery.record_id == EventRecord.id),
        # That its deletion was told is asked for until it is deleted (`deadlines`); then the record has gone.
        or_(
            EventRecord.event != Event.UPLOAD_DELETION_DUE,
            ~exists().where(Upload.id == EventRecord.upload_id, Upload.state != UploadState.DELETED),
        ),
    )


def _some(uow: UnitOfWork, table: type[Notice | Delivery | EventRecord], *which: ColumnElement[bool]) -> None:
    # What somebody just works with is left for the next time.
    ids = select(table.id).where(*which).limit(BATCH).with_for_update(skip_locked=True, of=table)
    rows = delete(table).where(table.id.in_(ids))
    uow.session.execute(rows.execution_options(synchronize_session=False))
