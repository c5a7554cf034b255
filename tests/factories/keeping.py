"""Retention: policies, and days that pass for everything."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, text

from app.domain.events import Event
from app.domain.lifecycle import UploadState
from app.domain.organisations import Details
from app.domain.policy import Actor, Role
from app.domain.retention import Policy, RetentionSince
from app.domain.subscriptions import Way
from app.jobs import keeping
from app.models import Case, Organisation, Subscription, Upload
from app.queries import organisations
from app.services import organisations as organisations_service
from app.services import retention
from app.system import System
from app.uow import UnitOfWork
from tests.factories.people import make_actor

WHY = "A court has asked for what is there."


def admin(system: System) -> Actor:
    return make_actor(system, Role.ADMIN)


def hear_at_once(system: System, actor: Actor, event: Event = Event.UPLOAD_DELETION_DUE) -> None:
    """Let somebody have a mail of their own of every ``event``."""
    with system.work() as uow:
        uow.session.add(Subscription(account_id=actor.id, event=event, way=Way.NOW))


def set_policy(
    system: System, home: UUID | None, days: int | None, since: RetentionSince = RetentionSince.RECEIVED
) -> None:
    """Let the bundles of an organisation be kept for so many days, and write their dates."""
    assert home
    with system.work(admin(system)) as uow:
        found = organisations.get(uow.session, uow.actor, home)
        details = Details(name=found.name, retention_days=days, retention_since=since)
        organisations_service.change(uow, home, details)
    write_dates(system)


def set_case_policy(system: System, case_id: UUID, days: int | None, since: RetentionSince) -> None:
    with system.work(admin(system)) as uow:
        retention.set_for_case(uow, case_id, Policy(days, since))
    write_dates(system)


def write_dates(system: System) -> None:
    keeping.write_dates(system)


def case_of(uow: UnitOfWork, reference: str) -> Case:
    return uow.session.scalars(select(Case).where(Case.reference == reference)).one()


_MOMENTS = {
    "upload": (
        *("created_at", "sealed_at", "first_downloaded_at", "last_downloaded_at"),
        *("kept_until", "expires_at", "lease_until"),
    ),
    "support_case": ("closed_at", "retention_changed_at"),
    "organisation": ("retention_changed_at",),
    "event_record": ("created_at",),
}
_TOLD = (
    "UPDATE event_record"
    " SET told = jsonb_set(told, '{until}', to_jsonb((told->>'until')::timestamptz - :ago))"
    " WHERE told->>'until' IS NOT NULL"
)


def pass_days(system: System, days: float) -> None:
    """Let everything that is kept be so much older."""
    with system.work() as uow:
        for table, columns in _MOMENTS.items():
            older = ", ".join(f"{column} = {column} - :ago" for column in columns)
            statement = f"UPDATE {table} SET {older}"  # noqa: S608  # names of our own
            uow.session.execute(text(statement), {"ago": timedelta(days=days)})
        uow.session.execute(text(_TOLD), {"ago": timedelta(days=days)})
        uow.session.expire_all()


def run(system: System) -> None:
    """Run the scheduler's steps about what is kept once."""
    keeping.write_dates(system)
    keeping.warn_deletion(system)
    keeping.delete_due(system)


def state_after(system: System, upload_id: UUID, days: float) -> UploadState:
    """Return what has become of a bundle so many days later, the scheduler having run half a day before."""
    pass_days(system, days - 0.6)
    run(system)
    pass_days(system, 0.6)
    run(system)
    with system.work() as uow:
        return uow.session.get_one(Upload, upload_id, populate_existing=True).state


def organisation(system: System, home: UUID | None) -> Organisation:
    with system.work() as uow:
        uow.session.expire_all()
        return uow.session.get_one(Organisation, home)
