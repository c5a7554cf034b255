"""What people have seen: uploads that they opened, notices that they read."""

from uuid import UUID

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from app.domain.errors import NotFoundError
from app.models import EventRecord, Notice, Upload, UploadSight
from app.queries import notices
from app.queries.accounts import USE_GRAIN
from app.uow import UnitOfWork


def note(uow: UnitOfWork, upload: Upload) -> None:
    """Note that the actor, a person, has an upload before them now; their notices about it are read."""
    last = UploadSight.account_id == uow.actor.id, UploadSight.upload_id == upload.id
    stale = or_(UploadSight.seen_at < func.now() - USE_GRAIN, UploadSight.seen_at < upload.active_at)
    # Asked first: a page that renews itself should not write every time.
    if uow.session.scalar(select(stale).where(*last)) is not False:
        uow.session.execute(
            insert(UploadSight)
            .values(account_id=uow.actor.id, upload_id=upload.id)
            .on_conflict_do_update(
                index_elements=["account_id", "upload_id"], set_={"seen_at": func.now()}, where=stale
            )
        )
    about = select(EventRecord.id).where(EventRecord.upload_id == upload.id)
    uow.session.execute(
        update(Notice)
        .where(
            Notice.account_id == uow.actor.id,
            Notice.read_at.is_(None),
            Notice.record_id.in_(about.scalar_subquery()),
        )
        .values(read_at=func.now())
        .execution_options(synchronize_session=False)
    )


def read(uow: UnitOfWork, notice_id: UUID) -> None:
    """Mark one of the actor's notices as read; one that is so already stays.

    Raises:
        NotFoundError: there is none, or it is somebody else's.
    """
    mine = notices.visible_to(uow.actor).where(Notice.id == notice_id)
    notice = uow.session.scalar(mine)
    if notice is None:
        raise NotFoundError
    _mark(uow, notice.id)


def read_all(uow: UnitOfWork, until: UUID | None = None) -> None:
    """Mark the actor's notices as read, those that came after the notice ``until`` excepted."""
    _mark(uow, None, until)


def _mark(uow: UnitOfWork, notice_id: UUID | None, until: UUID | None = None) -> None:
    query = update(Notice).where(Notice.account_id == uow.actor.id, Notice.read_at.is_(None))
    if notice_id is not None:
        query = query.where(Notice.id == notice_id)
    if until is not None:
        last = select(Notice.created_at).where(Notice.account_id == uow.actor.id, Notice.id == until)
        query = query.where(Notice.created_at <= last.scalar_subquery())
    uow.session.execute(query.values(read_at=func.now()).execution_options(synchronize_session=False))
