"""The trail: one row per deed, in the deed's own transaction."""

from uuid import UUID

from app.models import AuditEvent, Upload
from app.uow import UnitOfWork


def record(
    uow: UnitOfWork,
    action: str,
    *,
    upload: Upload | None = None,
    organisation_id: UUID | None = None,
    **detail: object,
) -> None:
    """Add one row: ``action`` was done by the unit of work's actor. Details that are None are left out."""
    uow.session.add(
        AuditEvent(
            action=action,
            actor_id=uow.actor.id,
            actor_label=uow.actor.label,
            address=uow.actor.address,
            request_id=uow.request_id,
            organisation_id=upload.organisation_id if upload else organisation_id,
            upload_id=upload.id if upload else None,
            detail={key: value for key, value in detail.items() if value is not None},
        )
    )
