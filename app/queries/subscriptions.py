"""How people want to hear of things."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.domain.events import Event
from app.domain.policy import Actor
from app.domain.subscriptions import Follow, Way, Wishes
from app.models import Account, Case, CaseFollow, EventRecord, Organisation, Subscription
from app.queries import cases


@dataclass(frozen=True, slots=True)
class Narrower:
    """A wish for one organisation, or for one case."""

    id: UUID
    event: Event
    way: Way
    organisation: str | None  # its name
    case_id: UUID | None
    case: str | None  # its reference


def general(session: Session, account_id: UUID | None) -> dict[Event, Way]:
    """Return what somebody has chosen in general, by event."""
    query = select(Subscription.event, Subscription.way).where(
        Subscription.account_id == account_id,
        Subscription.organisation_id.is_(None),
        Subscription.case_id.is_(None),
    )
    return {row.event: row.way for row in session.execute(query)}


def wishes_for(session: Session, record: EventRecord, people: Iterable[Account]) -> dict[UUID, Wishes]:
    """Return what each of ``people`` has chosen for an event such as ``record``, by account."""
    by_id = {each.id: each for each in people}
    chosen: dict[UUID, dict[str, Way]] = defaultdict(dict)
    rows = session.execute(
        select(
            Subscription.account_id, Subscription.organisation_id, Subscription.case_id, Subscription.way
        ).where(
            Subscription.event == record.event,
            Subscription.account_id.in_(by_id),
            or_(
                Subscription.organisation_id.is_(None), Subscription.organisation_id == record.organisation_id
            ),
            or_(Subscription.case_id.is_(None), Subscription.case_id == record.case_id),
        )
    )
    for account_id, organisation_id, case_id, way in rows:
        chosen[account_id]["case" if case_id else "organisation" if organisation_id else "general"] = way
    follows = follows_of(session, record.case_id)
    return {
        id_: Wishes(role=account.role, follow=follows.get(id_), **chosen[id_])
        for id_, account in by_id.items()
    }


def follows_of(session: Session, case_id: UUID | None) -> dict[UUID, Follow]:
    """Return who watches a case or has muted it, by account."""
    rows = session.execute(
        select(CaseFollow.account_id, CaseFollow.follow).where(CaseFollow.case_id == case_id)
    )
    return {row.account_id: row.follow for row in rows}


def follow_of(session: Session, account_id: UUID | None, case_id: UUID) -> Follow | None:
    """Return whether one person watches a case or has muted it."""
    mine = (CaseFollow.account_id == account_id, CaseFollow.case_id == case_id)
    return session.scalar(select(CaseFollow.follow).where(*mine))


def followed(session: Session, actor: Actor) -> list[tuple[Case, Follow]]:
    """Return the cases that the actor watches or has muted, of those that they may see."""
    query = cases.visible_to(actor).join(CaseFollow, CaseFollow.case_id == Case.id)
    query = query.where(CaseFollow.account_id == actor.id).order_by(Case.reference, Case.id)
    return [(case, follow) for case, follow in session.execute(query.add_columns(CaseFollow.follow))]


def narrower(session: Session, actor: Actor) -> list[Narrower]:
    """Return what the actor has chosen for one organisation or case, of what they may see."""
    seen = cases.visible_to(actor).with_only_columns(Case.id)
    rows = session.execute(
        select(Subscription, Organisation.name, Case.reference)
        .outerjoin(Organisation, Organisation.id == Subscription.organisation_id)
        .outerjoin(Case, Case.id == Subscription.case_id)
        .where(
            Subscription.account_id == actor.id,
            or_(Case.id.in_(seen), *([Organisation.id.is_not(None)] if actor.sees_all else [])),
        )
        .order_by(Organisation.name, Case.reference, Subscription.event)
    )
    return [Narrower(row.id, row.event, row.way, name, row.case_id, case) for row, name, case in rows]
