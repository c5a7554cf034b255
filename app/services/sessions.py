"""Ending one's own sessions, elsewhere than by signing out."""

from uuid import UUID

from sqlalchemy import delete

from app.domain.errors import NotFoundError
from app.models import Account, SignInSession
from app.services import audit, ending, tokens
from app.uow import UnitOfWork


def end_own(uow: UnitOfWork, session_id: UUID) -> None:
    """End one of the actor's sessions at once.

    Raises:
        NotFoundError: there is none, it is somebody else's, or it has ended.
    """
    ended = uow.session.execute(
        delete(SignInSession)
        .where(SignInSession.id == session_id, SignInSession.account_id == uow.actor.id)
        .returning(SignInSession.address, SignInSession.user_agent)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if ended is None:
        raise NotFoundError
    audit.record(uow, "session.ended", person=_own(uow), used_from=ended.address, browser=ended.user_agent)


def end_others(uow: UnitOfWork, current_id: UUID | None, *, and_tokens: bool) -> None:
    """End every session of the actor but the current one; with ``and_tokens`` revoke their tokens too."""
    own = _own(uow)
    ended = ending.sign_out(uow, [own.id], but=current_id)
    if and_tokens:
        tokens.revoke_all(uow, own)
    audit.record(uow, "session.others_ended", person=own, sessions=ended, tokens_too=and_tokens)


def _own(uow: UnitOfWork) -> Account:
    return uow.session.get_one(Account, uow.actor.id)
