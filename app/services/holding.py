"""Legal hold: what is held is not deleted, whoever or whatever would do so.

A hold is put on with one guarded UPDATE. Whoever deletes locks the bundle's row, and shares its case's,
before looking (`lifecycle.refuse_held`): so of a hold and a deletion at the same moment one comes first, and
the other sees it.
"""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import func, update

from app.domain import naming
from app.domain.errors import StateConflictError
from app.domain.lifecycle import STORED
from app.models import Case, Upload
from app.queries import cases, uploads
from app.services import audit
from app.services.lifecycle import locked
from app.services.retention import forget_words, refresh
from app.uow import UnitOfWork

_NONE: Mapping[str, object] = {"held_at": None, "held_by": None, "hold_reason": None}


def hold(uow: UnitOfWork, upload_id: UUID, reason: str | None) -> Upload:
    """Hold a bundle for ``reason``, which only staff read.

    Raises:
        NotFoundError: absent, or not visible to the actor.
        StateConflictError: it is held already, or there is no bundle any more, or not yet.
        InvalidInputError: the reason is too short or too long.
    """
    uploads.get(uow.session, uow.actor, upload_id)
    why = naming.clean_reason(reason)
    held = uow.session.scalar(
        update(Upload)
        .where(Upload.id == upload_id, Upload.held_at.is_(None), Upload.state.in_(STORED))
        .values(held_at=func.now(), held_by=uow.actor.label, hold_reason=why, expires_at=None)
        .returning(Upload.id)
        .execution_options(synchronize_session=False)
    )
    if held is None:
        raise StateConflictError("This bundle is on hold already, or there is nothing stored of it to hold.")
    upload = uow.session.get_one(Upload, upload_id, populate_existing=True)
    forget_words(uow, [upload_id])
    audit.record(uow, "upload.held", upload=upload, why=why)
    return upload


def release(uow: UnitOfWork, upload_id: UUID, reason: str | None) -> Upload:
    """Take the hold off a bundle, for ``reason``; then the policies count again.

    Raises:
        NotFoundError: absent, or not visible to the actor.
        StateConflictError: it is not on hold.
        InvalidInputError: the reason is too short or too long.
    """
    upload = locked(uow, upload_id)
    why = naming.clean_reason(reason)
    if upload.held_at is None:
        raise StateConflictError("This bundle is not on hold.", state=upload.state)
    upload.held_at = upload.held_by = upload.hold_reason = None
    audit.record(uow, "upload.hold_ended", upload=upload, why=why)
    return refresh(uow, upload)


def hold_case(uow: UnitOfWork, case_id: UUID, reason: str | None) -> Case:
    """Hold all that is of a case, and all that comes to be, for ``reason``, which only staff read.

    Raises:
        NotFoundError: absent, or not visible to the actor.
        StateConflictError: it is held already.
        InvalidInputError: the reason is too short or too long.
    """
    values = {"held_at": func.now(), "held_by": uow.actor.label}
    return _turn(uow, case_id, "case.held", reason, values, on=True)


def release_case(uow: UnitOfWork, case_id: UUID, reason: str | None) -> Case:
    """Take the hold off a case, for ``reason``.

    Raises:
        NotFoundError: absent, or not visible to the actor.
        StateConflictError: it is not on hold.
        InvalidInputError: the reason is too short or too long.
    """
    return _turn(uow, case_id, "case.hold_ended", reason, _NONE, on=False)


def _turn(
    uow: UnitOfWork, case_id: UUID, action: str, reason: str | None, values: Mapping[str, object], *, on: bool
) -> Case:
    case = cases.get(uow.session, uow.actor, case_id)
    why = naming.clean_reason(reason)
    guard = Case.held_at.is_(None) if on else Case.held_at.is_not(None)
    turned = uow.session.scalar(
        update(Case)
        .where(Case.id == case_id, guard)
        .values({"hold_reason": why, **values, "retention_changed_at": func.now()})
        .returning(Case.id)
        .execution_options(synchronize_session=False)
    )
    if turned is None:
        raise StateConflictError("This case is on hold already." if on else "This case is not on hold.")
    audit.record(uow, action, organisation_id=case.organisation_id, case=case.reference, why=why)
    uow.session.refresh(case)
    return case
