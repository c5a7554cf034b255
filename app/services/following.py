"""Watching a case, and muting it."""

from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from app.domain.errors import InvalidInputError
from app.domain.subscriptions import Follow
from app.models import Account, CaseFollow
from app.queries import cases, subscriptions
from app.services import audit
from app.uow import UnitOfWork

NEITHER = "neither"


def follow(uow: UnitOfWork, case_id: UUID, how: str | None) -> None:
    """Let the actor watch a case, mute it, or do ``NEITHER``.

    Raises:
        NotFoundError: there is no such case, or the actor may not see it.
        InvalidInputError: ``how`` is none of these.
    """
    chosen = next((each for each in Follow if each == how), None)
    if chosen is None and how != NEITHER:
        raise InvalidInputError("Choose whether to watch the case, to mute it, or neither.")
    case = cases.get(uow.session, uow.actor, case_id)
    own = uow.session.get_one(Account, uow.actor.id)
    before = subscriptions.follow_of(uow.session, own.id, case.id)
    if chosen is before:
        return
    if chosen is None:
        mine = (CaseFollow.account_id == own.id, CaseFollow.case_id == case.id)
        uow.session.execute(delete(CaseFollow).where(*mine))
    else:
        uow.session.execute(
            insert(CaseFollow)
            .values(account_id=own.id, case_id=case.id, follow=chosen)
            .on_conflict_do_update(index_elements=["account_id", "case_id"], set_={"follow": chosen})
        )
    audit.record(
        uow,
        "account.case_followed",
        person=own,
        case=case.reference,
        before=before or NEITHER,
        after=chosen or NEITHER,
    )
