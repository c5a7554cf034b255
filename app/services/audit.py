"""The trail: one row per deed, in the deed's own transaction."""

from uuid import UUID

from app.models import Account, AuditEvent, Upload
from app.uow import UnitOfWork

_MEANS = 100  # characters; some name what somebody else named


def record(
    uow: UnitOfWork,
    action: str,
    *,
    upload: Upload | None = None,
    person: Account | None = None,
    organisation_id: UUID | None = None,
    **detail: object,
) -> None:
    """Add one row: ``action`` was done by the unit of work's actor, perhaps to an upload or a ``person``.

    What was changed stands in the details ``before`` and ``after``. Details that are None are left out.
    The row is the organisation's whose upload or person it is, or which is named, or the actor's.
    """
    whose = upload or person
    uow.session.add(
        AuditEvent(
            action=action,
            actor_id=uow.actor.id,
            actor_label=uow.actor.label,
            actor_role=uow.actor.role,
            address=uow.actor.address,
            request_id=uow.request_id,
            on_behalf_of=uow.actor.on_behalf_of,
            means=uow.actor.means and uow.actor.means[:_MEANS],
            organisation_id=whose.organisation_id if whose else organisation_id or uow.actor.organisation_id,
            upload_id=upload.id if upload else None,
            account_id=person.id if person else None,
            detail={key: value for key, value in detail.items() if value is not None},
        )
    )
