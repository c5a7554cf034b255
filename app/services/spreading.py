"""Who hears of what happened, and how: notices in the portal, mails, channels."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, false, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from app.domain.events import AUDIENCE, BEFORE_VERDICT, MANDATORY, Event, heard_by
from app.domain.jobs import JobName
from app.domain.lifecycle import SETTLED
from app.domain.policy import Role
from app.domain.retention import LEAST_WARNING
from app.domain.subscriptions import Way, after_quiet, digest_before, next_digest, way_for
from app.log import get_logger
from app.models import Account, AccountKind, CaseFollow, Channel, Delivery, EventRecord, Notice, Upload
from app.queries import clock, subscriptions
from app.services.notices import key_of
from app.services.outcomes import back_off
from app.uow import UnitOfWork

log = get_logger(__name__)

#: What an address is told that a ticket was sent to: what became of what was sent with it. Not when
#: that is deleted, as many bundles may be on one day and no account can ask for one mail of them all:
#: the ticket's page has the day, and then the receipt.
_FOR_TICKETS: Final = frozenset(
    {
        Event.UPLOAD_RECEIVED,
        Event.UPLOAD_EXPIRING,
        Event.UPLOAD_REJECTED,
        Event.UPLOAD_CLEAN,
        Event.UPLOAD_INFECTED,
        Event.UPLOAD_UNSCANNABLE,
        Event.UPLOAD_RECALLED,
    }
)


def waiting(uow: UnitOfWork, waited: int, limit: int) -> Sequence[UUID]:
    """Return what could have been spread ``waited`` seconds ago or earlier and was not, oldest first."""
    ready = EventRecord.next_at <= func.now() - timedelta(seconds=waited)
    query = select(EventRecord.id).where(EventRecord.spread_at.is_(None), ready)
    return uow.session.scalars(query.order_by(EventRecord.created_at).limit(limit)).all()


def put_off(uow: UnitOfWork, record_id: UUID) -> None:
    """Let what could not be spread wait, longer each time. The row is not read: it may be what is wrong."""
    failures = uow.session.scalar(
        update(EventRecord)
        .where(EventRecord.id == record_id, EventRecord.spread_at.is_(None))
        .values(failures=EventRecord.failures + 1)
        .returning(EventRecord.failures)
    )
    if failures is None:
        return
    later = func.now() + back_off(failures)
    uow.session.execute(update(EventRecord).where(EventRecord.id == record_id).values(next_at=later))
    log.error("event_put_off", record_id=record_id, failures=failures)


def spread(uow: UnitOfWork, record_id: UUID) -> None:
    """Put an event into the notices and the outbox of everybody whom it concerns, unless that is done."""
    # Its bundle's row first, as whoever deletes the bundle and all that was told of it has it.
    of_record = select(EventRecord.upload_id).where(EventRecord.id == record_id).scalar_subquery()
    uow.session.execute(
        select(Upload.id).where(Upload.id == of_record).with_for_update(read=True, key_share=True)
    )
    record = uow.session.scalars(
        update(EventRecord)
        .where(EventRecord.id == record_id, EventRecord.spread_at.is_(None))
        .values(spread_at=func.now())
        .returning(EventRecord)
    ).one_or_none()
    if record is None:
        return
    upload = uow.session.get(Upload, record.upload_id) if record.upload_id else None
    now = clock.now(uow.session)
    inside = _stays_inside(record, upload)
    rows = _show_people(uow, record, upload, now, inside=inside)
    if upload and upload.ticket and upload.ticket.recipient and record.event in _FOR_TICKETS:
        rows.append(_row(record, upload.ticket.recipient, now))
    if not inside:
        listening = uow.session.scalars(select(Channel).where(_listening(record)))
        rows += [_row(record, channel.name, now, channel=channel) for channel in listening]
    _put(uow, rows)


def concerns(uow: UnitOfWork, record: EventRecord, person: Account) -> bool:
    """Whether somebody may hear of it as things are now."""
    upload = uow.session.get(Upload, record.upload_id) if record.upload_id else None
    query = select(Account.id).where(Account.id == person.id, _concerned(record, upload))
    return uow.session.scalar(query) is not None


def _stays_inside(record: EventRecord, upload: Upload | None) -> bool:
    """Whether it is shown in the portal and told nowhere else: it is of a bundle without a verdict."""
    early = record.event is Event.UPLOAD_ASSIGNED and upload is not None and upload.state not in SETTLED
    return early or record.event in BEFORE_VERDICT


def _concerned(record: EventRecord, upload: Upload | None) -> ColumnElement[bool]:
    """Select the people with an active account who may hear of it."""
    people = and_(Account.active, Account.kind == AccountKind.PERSON)
    if record.account_id:
        about_them = record.event.startswith("account.")
        roles = [role for role in Role if about_them or record.event in heard_by(role)]
        return and_(people, Account.id == record.account_id, Account.role.in_(roles))
    audience = AUDIENCE[record.event]
    home = Account.organisation_id == record.organisation_id
    ways: list[ColumnElement[bool]] = [Account.role.in_(audience.roles)]
    if audience.managers:
        ways.append(and_(Account.manager, home))
    if upload and audience.uploader:
        # Who has moved to another organisation has nothing to do with it any more.
        ways.append(and_(Account.id == upload.uploader_id, func.coalesce(home, True)))
    if upload and audience.assignee and upload.assignee_id:
        ways.append(Account.id == upload.assignee_id)
    if record.case_id:
        watch = select(CaseFollow.account_id).where(CaseFollow.case_id == record.case_id)
        staff = Account.role != Role.CUSTOMER if audience.roles or audience.assignee else false()
        customers = home if audience.uploader else false()
        ways.append(and_(Account.id.in_(watch), or_(staff, customers)))
    return and_(people, or_(*ways))


def _listening(record: EventRecord) -> ColumnElement[bool]:
    """Select the channels that are told of it."""
    return and_(
        Channel.removed_at.is_(None),
        Channel.events.contains([str(record.event)]),
        or_(Channel.organisation_id.is_(None), Channel.organisation_id == record.organisation_id),
    )


def _show_people(
    uow: UnitOfWork, record: EventRecord, upload: Upload | None, now: datetime, *, inside: bool
) -> list[dict[str, Any]]:
    """Write a notice for everybody who wants one, and return the rows of their mails.

    Who cannot be told, for whatever reason of their own, keeps nobody else from hearing.
    """
    people = uow.session.scalars(select(Account).where(_concerned(record, upload))).all()
    wishes = subscriptions.wishes_for(uow.session, record, people)
    shown: list[dict[str, Any]] = []
    mailed: list[dict[str, Any]] = []
    for person in people:
        way = way_for(record.event, wishes[person.id])
        if way is Way.OFF:
            continue
        way = Way.PORTAL if inside else way
        try:
            digest_at = _digest_at(record, person, now) if way is Way.DIGEST else None
            next_at = _awake(record, person, now) if way is Way.NOW else now
        except Exception:
            log.exception("person_not_told", account_id=person.id, record_id=record.id)
            continue
        shown.append({"account_id": person.id, "record_id": record.id, "digest_at": digest_at})
        if way is Way.NOW:
            mailed.append(_row(record, person.email, next_at, person=person))
    if shown:
        once = insert(Notice).on_conflict_do_nothing(index_elements=["account_id", "record_id"])
        uow.session.execute(once, shown)
    return mailed


def _digest_at(record: EventRecord, person: Account, now: datetime) -> datetime:
    """Return in which daily mail somebody hears of it: not when it is over."""
    if record.event is Event.UPLOAD_DELETION_DUE and (until := record.told.get("until")):
        end = max(datetime.fromisoformat(until), now + LEAST_WARNING)
        return digest_before(end, now, person.time_zone, person.digest_at)
    return next_digest(now, person.time_zone, person.digest_at)


def _awake(record: EventRecord, person: Account, now: datetime) -> datetime:
    """Return when somebody may be mailed of it at the earliest."""
    if record.event in MANDATORY or not (person.quiet_from and person.quiet_until):
        return now
    return after_quiet(now, person.time_zone, (person.quiet_from, person.quiet_until))


def _row(
    record: EventRecord,
    recipient: str,
    next_at: datetime,
    *,
    person: Account | None = None,
    channel: Channel | None = None,
) -> dict[str, Any]:
    """Return a row of the outbox."""
    return {
        "event": record.event,
        "record_id": record.id,
        "channel_id": channel.id if channel else None,
        "account_id": person.id if person else None,
        "upload_id": record.upload_id,
        "recipient": recipient,
        "dedupe_key": key_of(record.dedupe_key, str(channel.id) if channel else recipient.lower()),
        "told": record.told,
        "next_at": next_at,
    }


def _put(uow: UnitOfWork, rows: Sequence[dict[str, Any]]) -> None:
    """Put rows into the outbox, and ring for them."""
    if not rows:
        return
    once = insert(Delivery).on_conflict_do_nothing(index_elements=["dedupe_key"]).returning(Delivery.id)
    for delivery_id in uow.session.scalars(once, rows):
        uow.enqueue(JobName.DELIVER, str(delivery_id))
