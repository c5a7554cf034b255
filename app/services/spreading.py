"""Who hears of what happened, and how: notices in the portal, mails, channels."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, false, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from app.domain.events import AUDIENCE, BEFORE_VERDICT, MANDATORY
from app.domain.jobs import JobName
from app.domain.policy import Role
from app.domain.subscriptions import Way, after_quiet, next_digest, way_for
from app.models import Account, AccountKind, CaseFollow, Channel, Delivery, EventRecord, Notice, Upload
from app.queries import clock, subscriptions
from app.services.notices import key_of
from app.uow import UnitOfWork


def waiting(uow: UnitOfWork, waited: int, limit: int) -> Sequence[UUID]:
    """Return what happened ``waited`` seconds ago or earlier and was not spread, oldest first."""
    old = EventRecord.created_at <= func.now() - timedelta(seconds=waited)
    query = select(EventRecord.id).where(EventRecord.spread_at.is_(None), old)
    return uow.session.scalars(query.order_by(EventRecord.created_at).limit(limit)).all()


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
    people = uow.session.scalars(select(Account).where(_concerned(record, upload))).all()
    wishes = subscriptions.wishes_for(uow.session, record, people)
    for person in people:
        _tell_person(uow, record, person, way_for(record.event, wishes[person.id]))
    if upload and upload.ticket and upload.ticket.recipient and AUDIENCE[record.event].uploader:
        _put(uow, record, upload.ticket.recipient)  # whoever the ticket was sent to
    if record.event not in BEFORE_VERDICT:
        for channel in uow.session.scalars(select(Channel).where(_listening(record))):
            _put(uow, record, channel.name, channel=channel)


def _concerned(record: EventRecord, upload: Upload | None) -> ColumnElement[bool]:
    """Select the people with an active account who may hear of it."""
    people = and_(Account.active, Account.kind == AccountKind.PERSON)
    if record.account_id:
        return and_(people, Account.id == record.account_id)
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


def _tell_person(uow: UnitOfWork, record: EventRecord, person: Account, way: Way) -> None:
    if way is Way.OFF:
        return
    now = clock.now(uow.session)
    digest_at = next_digest(now, person.time_zone, person.digest_at) if way is Way.DIGEST else None
    uow.session.execute(
        insert(Notice)
        .values(account_id=person.id, record_id=record.id, digest_at=digest_at)
        .on_conflict_do_nothing(index_elements=["account_id", "record_id"])
    )
    if way is Way.NOW:
        quiet = (person.quiet_from, person.quiet_until) if person.quiet_from and person.quiet_until else None
        quiet = None if record.event in MANDATORY else quiet
        _put(uow, record, person.email, person=person, next_at=after_quiet(now, person.time_zone, quiet))


def _put(
    uow: UnitOfWork,
    record: EventRecord,
    recipient: str,
    *,
    person: Account | None = None,
    channel: Channel | None = None,
    next_at: object = None,
) -> None:
    """Put one row into the outbox, and ring for it."""
    delivery_id = uow.session.scalar(
        insert(Delivery)
        .values(
            event=record.event,
            record_id=record.id,
            channel_id=channel.id if channel else None,
            account_id=person.id if person else None,
            upload_id=record.upload_id,
            recipient=recipient,
            dedupe_key=key_of(record.dedupe_key, str(channel.id) if channel else recipient.lower()),
            told=record.told,
            next_at=next_at or func.now(),
        )
        .on_conflict_do_nothing(index_elements=["dedupe_key"])
        .returning(Delivery.id)
    )
    if delivery_id is not None:
        uow.enqueue(JobName.DELIVER, str(delivery_id))
