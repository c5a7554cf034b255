"""The daily mail: what somebody chose to read once a day, gathered and mailed once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import contains_eager

from app.domain.events import Event
from app.domain.jobs import JobName
from app.domain.lifecycle import UploadState
from app.domain.policy import STAFF
from app.domain.subscriptions import next_digest
from app.models import Account, Delivery, EventRecord, Notice, Upload
from app.queries import clock, notices
from app.services.notices import key_of
from app.uow import UnitOfWork

_BATCH: Final = 100  # people at a time
MOST: Final = 100  # notices in one mail


def gather(uow: UnitOfWork) -> int:
    """Put a mail into the outbox for some of those whose daily mail is due; return how many that made.

    Notices leave for the mail in the transaction that makes it: who dies in between has done nothing, and
    of two at once the later one finds none left.
    """
    now = clock.now(uow.session)
    due = select(Notice.account_id).where(Notice.digest_at <= now).distinct().limit(_BATCH)
    # Each account before its notices, as whoever unsubscribes has them.
    people = uow.session.scalars(
        select(Account)
        .where(Account.id.in_(due))
        .order_by(Account.id)
        .with_for_update(key_share=True, of=Account)
    ).all()
    return sum(_gather_for(uow, person, now) for person in people)


def _gather_for(uow: UnitOfWork, person: Account, now: datetime) -> bool:
    waiting = (Notice.account_id == person.id, Notice.digest_at <= now)
    rows = uow.session.execute(
        select(Notice.id, Notice.created_at, Notice.digest_at, Notice.read_at)
        .where(*waiting)
        .order_by(Notice.id)  # as all who lock several
        .with_for_update(of=Notice)
    ).all()
    newest = sorted(rows, key=lambda row: row.created_at, reverse=True)
    unread = [str(row.id) for row in newest if row.read_at is None]
    if unread and person.active:
        moment = max(row.digest_at for row in rows)
        if not _put(uow, person, moment, unread):
            # The mail of that moment has gone without what came at the very same: it comes tomorrow.
            later = next_digest(now, person.time_zone, person.digest_at)
            uow.session.execute(update(Notice).where(*waiting).values(digest_at=later))
            return False
    uow.session.execute(update(Notice).where(*waiting).values(digest_at=None))
    return bool(unread) and person.active


def _put(uow: UnitOfWork, person: Account, moment: datetime, unread: Sequence[str]) -> bool:
    """Put the mail into the outbox and ring for it; False if there was one of that moment."""
    delivery_id = uow.session.scalar(
        insert(Delivery)
        .values(
            event=Event.DIGEST,
            account_id=person.id,
            recipient=person.email,
            dedupe_key=key_of(Event.DIGEST, str(person.id), moment.isoformat()),
            told={"notices": list(unread[:MOST]), "more": len(unread) > MOST},
        )
        .on_conflict_do_nothing(index_elements=["dedupe_key"])
        .returning(Delivery.id)
    )
    if delivery_id is not None:
        uow.enqueue(JobName.DELIVER, str(delivery_id))
    return delivery_id is not None


def still_unread(uow: UnitOfWork, delivery: Delivery) -> Sequence[Notice]:
    """Return what a daily mail is to tell, oldest first, at the moment it goes.

    Not what was read since, nor anything about what was deleted since, nor about another organisation's
    of whom has moved to one, nor what only staff hears of.
    """
    person = uow.session.get(Account, delivery.account_id) if delivery.account_id else None
    if person is None or not person.active:
        return []
    alive = or_(
        EventRecord.upload_id.is_(None),
        EventRecord.event == Event.UPLOAD_DELETED,
        Upload.state != UploadState.DELETED,
    )
    home = EventRecord.organisation_id == person.organisation_id
    theirs = [] if person.role in STAFF else [home, notices.for_customers()]
    return uow.session.scalars(
        select(Notice)
        .join(Notice.record)
        .outerjoin(Upload, Upload.id == EventRecord.upload_id)
        .options(contains_eager(Notice.record))
        .where(
            Notice.id.in_([UUID(each) for each in delivery.told["notices"]]),
            Notice.account_id == person.id,
            Notice.read_at.is_(None),
            alive,
            *theirs,
        )
        .order_by(Notice.created_at, Notice.id)
    ).all()


def has_any(uow: UnitOfWork, delivery: Delivery) -> bool:
    """Whether a daily mail has anything left to tell."""
    return bool(still_unread(uow, delivery))
