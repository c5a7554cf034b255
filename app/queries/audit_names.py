"""What the ids in rows of the trail mean to whoever reads them, and what they may not mean to them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.domain.policy import STAFF, Actor, Role
from app.models import Account, AuditEvent, Case, Organisation, Ticket, Upload

PORTAL: Final = "Diagport"
SUPPORT: Final = "Support"

_STAFF: Final = frozenset(str(role) for role in STAFF)
_AS_WHAT: Final = {str(Role.ENGINEER): "engineer", str(Role.ADMIN): "administrator"}


@dataclass(frozen=True, slots=True)
class Named:
    """A row of the trail, and in words that its reader may know: who, about whom or what.

    To customers people of the staff are all "Support": their ``who`` says no name, their ``role``
    says as what they acted. ``ours``: to a customer, whether it was somebody of their organisation.
    """

    row: AuditEvent
    who: str
    name: str | None = None  # of an account, where it says more than ``who``
    role: str | None = None
    ours: bool = True
    organisation: str | None = None  # name
    filename: str | None = None
    person: str | None = None  # mail address of whom it was done to


def named(session: Session, actor: Actor, rows: Sequence[AuditEvent]) -> list[Named]:
    """Look up what ``rows`` name, in one query for each kind of thing."""
    accounts = _accounts(session, actor, rows)
    files = _texts(session, Upload.id, Upload.filename, (row.upload_id for row in rows))
    homes = _texts(session, Organisation.id, Organisation.name, (row.organisation_id for row in rows))
    known = frozenset(accounts) if actor.sees_all else frozenset(accounts) | _tickets(session, actor, rows)
    done = []
    for row in rows:
        who, ours = (_to_staff(row), True) if actor.sees_all else _to_customer(row, known)
        by, to = accounts.get(row.actor_id), accounts.get(row.account_id)
        done.append(
            Named(
                row,
                who,
                name=by.name if by and by.name != who else None,
                role=_AS_WHAT.get(row.actor_role or ""),
                ours=ours,
                organisation=homes.get(row.organisation_id),
                filename=files.get(row.upload_id),
                person=to.email if to and to is not by else None,
            )
        )
    return done


def _to_staff(row: AuditEvent) -> str:
    if row.actor_id is not None:
        return row.actor_label
    if row.on_behalf_of:
        return f"{row.on_behalf_of}, {row.means}"
    return "Somebody not signed in" if row.request_id else PORTAL


def _to_customer(row: AuditEvent, ours: frozenset[UUID | None]) -> tuple[str, bool]:
    """Return who did it, and whether it was one of theirs.

    Rows of releases that wrote down no role: of whoever is not known to be theirs, nothing is told.
    """
    if row.actor_id is None:
        return PORTAL, False
    theirs = row.actor_id in ours if row.actor_role is None else row.actor_role not in _STAFF
    return (row.actor_label, True) if theirs else (SUPPORT, False)


def _accounts(session: Session, actor: Actor, rows: Iterable[AuditEvent]) -> dict[UUID | None, Account]:
    """Return the accounts that rows name; to a customer those of their organisation."""
    ids = {id_ for row in rows for id_ in (row.actor_id, row.account_id) if id_}
    query = select(Account).where(Account.id.in_(ids))
    if not actor.sees_all:
        query = query.where(Account.organisation_id == actor.organisation_id)
    return {account.id: account for account in session.scalars(query)} if ids else {}


def _tickets(session: Session, actor: Actor, rows: Iterable[AuditEvent]) -> frozenset[UUID]:
    ids = {row.actor_id for row in rows if row.actor_id}
    query = select(Ticket.id).join(Ticket.case)
    query = query.where(Ticket.id.in_(ids), Case.organisation_id == actor.organisation_id)
    return frozenset(session.scalars(query)) if ids else frozenset()


def _texts(
    session: Session,
    key: InstrumentedAttribute[UUID],
    text: InstrumentedAttribute[str],
    ids: Iterable[UUID | None],
) -> dict[UUID | None, str]:
    wanted = {id_ for id_ in ids if id_}
    query: Any = select(key, text).where(key.in_(wanted))
    return {row[0]: row[1] for row in session.execute(query)} if wanted else {}
