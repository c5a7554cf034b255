"""Cases: what uploads are about."""

from uuid import UUID

from sqlalchemy import ColumnElement, delete, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.domain import naming
from app.domain.errors import InvalidInputError, StateConflictError
from app.models import Case, EventRecord, Organisation, Ticket, Upload
from app.queries import cases
from app.services import audit, lifecycle, retention
from app.uow import UnitOfWork


def ensure(uow: UnitOfWork, organisation_id: UUID, reference: str | None) -> str | None:
    """Return the reference as it is kept, of a case that there is now; None for no case.

    A closed one stays closed, and takes what comes: nobody's bytes are refused for it.

    Raises:
        InvalidInputError: no case has such a reference.
    """
    clean = naming.clean_case(reference)
    while clean is not None and not (
        _hold(uow, organisation_id, clean) or _add(uow, organisation_id, clean, title="")
    ):
        pass  # somebody else makes it just now, or has just removed it
    return clean


def _hold(uow: UnitOfWork, organisation_id: UUID, reference: str) -> bool:
    """Whether there is the case; if so, nobody removes it before the unit of work ends."""
    return (
        uow.session.scalar(
            select(Case.id)
            .where(Case.organisation_id == organisation_id, Case.reference == reference)
            .with_for_update(read=True, key_share=True)
        )
        is not None
    )


def create(uow: UnitOfWork, organisation: str, reference: str | None, title: str | None) -> Case:
    """Make a case of the organisation with that short name.

    Raises:
        InvalidInputError: there is no such organisation, or reference or title will not do.
        StateConflictError: there is that case already.
    """
    clean, organisation_id = naming.clean_case(reference), _id_of(uow, organisation)
    if clean is None:
        raise InvalidInputError("A case needs a reference, for example CS-1234.")
    made = _add(uow, organisation_id, clean, title=naming.clean_title(title))
    if made is None:
        raise StateConflictError(f"There is a case {clean} of this organisation already.")
    return uow.session.get_one(Case, made)


def _id_of(uow: UnitOfWork, slug: str) -> UUID:
    found = uow.session.scalar(select(Organisation.id).where(Organisation.slug == slug))
    if found is None:
        raise InvalidInputError("Choose the organisation that the case is of.")
    return found


def _add(uow: UnitOfWork, organisation_id: UUID, reference: str, *, title: str) -> UUID | None:
    """Return the new case's id; None if there was one."""
    made = uow.session.scalar(
        insert(Case)
        .values(organisation_id=organisation_id, reference=reference, title=title)
        .on_conflict_do_nothing(index_elements=["organisation_id", "reference"])
        .returning(Case.id)
    )
    if made is not None:
        audit.record(uow, "case.created", organisation_id=organisation_id, case=reference)
    return made


def retitle(uow: UnitOfWork, case_id: UUID, title: str | None) -> Case:
    """Give a case another title.

    Raises:
        NotFoundError: absent, or not visible to the actor.
        InvalidInputError: it is too long.
    """
    clean = naming.clean_title(title)
    case = cases.get(uow.session, uow.actor, case_id, lock=True)
    before, case.title = case.title, clean
    audit.record(
        uow,
        "case.retitled",
        organisation_id=case.organisation_id,
        case=case.reference,
        before=before,
        after=clean,
    )
    return case


def close(uow: UnitOfWork, case_id: UUID) -> Case:
    """Close a case, and with it its tickets.

    Raises:
        NotFoundError: absent, or not visible to the actor.
        StateConflictError: it is closed.
    """
    return _turn(uow, case_id, "case.closed", Case.closed_at.is_(None), {"closed_at": func.now()})


def reopen(uow: UnitOfWork, case_id: UUID) -> Case:
    """Open a closed case. Its tickets are what they would have been.

    Raises:
        NotFoundError: absent, or not visible to the actor.
        StateConflictError: it is open.
    """
    return _turn(uow, case_id, "case.reopened", Case.closed_at.is_not(None), {"closed_at": None})


def _turn(
    uow: UnitOfWork, case_id: UUID, action: str, guard: ColumnElement[bool], values: dict[str, object]
) -> Case:
    case = cases.get(uow.session, uow.actor, case_id)
    turned = uow.session.scalar(
        update(Case)
        .where(Case.id == case_id, guard)
        .values({**values, "retention_changed_at": func.now()})  # some bundles are kept since it was closed
        .returning(Case.id)
        .execution_options(synchronize_session=False)
    )
    if turned is None:
        raise StateConflictError("Somebody else was faster: the case is so already.")
    audit.record(uow, action, organisation_id=case.organisation_id, case=case.reference)
    uow.session.refresh(case)
    return case


def attach(uow: UnitOfWork, upload_id: UUID, reference: str | None) -> Upload:
    """Put an upload into a case of its organisation, made now if there was none; or into no case.

    The case that it leaves goes away if there is nothing else to it.

    Raises:
        NotFoundError: absent, or not visible to the actor.
        InvalidInputError: no case has such a reference.
        HeldError: it has to be kept where it is.
    """
    upload = lifecycle.locked(uow, upload_id)
    before, after = upload.case_reference, ensure(uow, upload.organisation_id, reference)
    if before == after:
        return lifecycle.written(uow, upload)
    lifecycle.refuse_held(uow, upload, "put into another case")
    upload.case_reference = after
    audit.record(uow, "upload.attached", upload=upload, before=before, after=after)
    upload = retention.refresh(uow, upload)
    heir = _take_along(uow, upload)
    if before is not None:
        _remove_empty(uow, upload.organisation_id, before, heir)
    return upload


def _take_along(uow: UnitOfWork, upload: Upload) -> UUID | None:
    """Let what is told of an upload be of its case from now on; return that case, None for none."""
    case = cases.of_upload(uow.session, upload)
    uow.session.execute(
        update(EventRecord)
        .where(EventRecord.upload_id == upload.id)
        .values(case_id=case.id if case else None)
        .execution_options(synchronize_session=False)
    )
    return case.id if case else None


def _remove_empty(uow: UnitOfWork, organisation_id: UUID, reference: str, heir: UUID | None) -> None:
    """Remove an open case without title, uploads and tickets: nothing is known of it but how it is called.

    Otherwise one upload could make any number of them. One that somebody just begins to use stays. Who
    watched it, or has muted it, does so of the ``heir`` from now on.
    """
    case_id = uow.session.scalar(
        select(Case.id)
        .where(
            Case.organisation_id == organisation_id,
            Case.reference == reference,
            Case.title == "",
            Case.closed_at.is_(None),
            Case.held_at.is_(None),
            Case.retention_days.is_(None),
        )
        .with_for_update(skip_locked=True, of=Case)
    )
    if case_id is None:
        return
    # Asked once nobody can begin to use it, and not with the same statement, which would not see all.
    used = uow.session.scalar(
        select(
            exists().where(Upload.organisation_id == organisation_id, Upload.case_reference == reference)
            | exists().where(Ticket.case_id == case_id)
        )
    )
    if used:
        return
    if heir is not None:
        uow.session.execute(select(func.case_succeeds(case_id, heir)))  # of staff as well (0017)
    uow.session.execute(delete(Case).where(Case.id == case_id).execution_options(synchronize_session=False))
    audit.record(uow, "case.removed", organisation_id=organisation_id, case=reference)
