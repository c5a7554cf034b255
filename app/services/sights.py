"""What people have seen: uploads that they opened, notices that they read."""

from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from app.domain.errors import NotFoundError
from app.domain.lifecycle import UploadState
from app.models import Case, EventRecord, Notice, Upload, UploadSight
from app.queries import notices
from app.queries.accounts import USE_GRAIN
from app.uow import UnitOfWork


def note(uow: UnitOfWork, upload: Upload) -> None:
    """Note that the actor, a person, has an upload before them now; their notices about it are read.

    Of what is deleted nobody keeps who has seen it.
    """
    last = UploadSight.account_id == uow.actor.id, UploadSight.upload_id == upload.id
    stale = or_(UploadSight.seen_at < func.now() - USE_GRAIN, UploadSight.seen_at < upload.active_at)
    kept = upload.state is not UploadState.DELETED
    # Asked first: a page that renews itself should not write every time.
    if kept and uow.session.scalar(select(stale).where(*last)) is not False:
        uow.session.execute(
            insert(UploadSight)
            .values(account_id=uow.actor.id, upload_id=upload.id)
            .on_conflict_do_update(
                index_elements=["account_id", "upload_id"], set_={"seen_at": func.now()}, where=stale
            )
        )
    _mark_about(uow, EventRecord.upload_id == upload.id)


def note_case(uow: UnitOfWork, case: Case) -> None:
    """Note that the actor, a person, has a case's page before them: notices of it, of no bundle, are read."""
    _mark_about(uow, EventRecord.case_id == case.id, EventRecord.upload_id.is_(None))


def _mark_about(uow: UnitOfWork, *which: ColumnElement[bool]) -> None:
    about = select(EventRecord.id).where(*which)
    _mark(uow, Notice.record_id.in_(about.scalar_subquery()))


def read(uow: UnitOfWork, notice_id: UUID) -> None:
    """Mark one of the actor's notices as read; one that is so already stays.

    Raises:
        NotFoundError: there is none, or it is somebody else's.
    """
    mine = notices.visible_to(uow.actor).where(Notice.id == notice_id)
    notice = uow.session.scalar(mine)
    if notice is None:
        raise NotFoundError
    _mark(uow, Notice.id == notice.id)


def read_all(uow: UnitOfWork, until: UUID | None = None) -> None:
    """Mark the actor's notices as read, those that came after the notice ``until`` excepted."""
    last = select(Notice.created_at).where(Notice.account_id == uow.actor.id, Notice.id == until)
    _mark(uow, *([Notice.created_at <= last.scalar_subquery()] if until is not None else []))


def _mark(uow: UnitOfWork, *which: ColumnElement[bool]) -> None:
    """Mark the actor's notices as read, locked in the order in which all lock several."""
    unread = (
        select(Notice.id)
        .where(Notice.account_id == uow.actor.id, Notice.read_at.is_(None), *which)
        .order_by(Notice.id)
        .with_for_update(of=Notice)
    )
    ids = uow.session.scalars(unread).all()
    if ids:
        marked = update(Notice).where(Notice.id.in_(ids)).values(read_at=func.now())
        uow.session.execute(marked.execution_options(synchronize_session=False))
