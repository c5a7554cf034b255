"""Idempotency keys: sent twice under one key, it is one upload."""

from sqlalchemy import func, select

from app.domain.errors import InvalidInputError, StateConflictError
from app.domain.lifecycle import STORED, UploadState
from app.queries import uploads
from app.services.lifecycle import transition
from app.uow import UnitOfWork


def claim(uow: UnitOfWork, key: str | None) -> str | None:
    """Take over a key whose upload came to nothing, or was interrupted.

    Whoever sends again under a key has given up the first try, even where this side still
    waits for its bytes. The first try then finds its row gone when it seals: one upload.

    Raises:
        InvalidInputError: it is too long, or no text.
        StateConflictError: it has brought its upload meanwhile.
    """
    if key is None:
        return None
    if not 1 <= len(key) <= 255 or "\x00" in key:
        raise InvalidInputError("Idempotency-Key has 1 to 255 characters.")
    # Two requests with one new key would both find nothing: the lock lets the second wait and see.
    uow.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"{uow.actor.id}:{key}", 0))))
    previous = uploads.by_idempotency_key(uow.session, uow.actor, key)
    if previous is None:
        return key
    if previous.state in STORED:
        raise StateConflictError("This Idempotency-Key has just brought its upload. Ask again.")
    if previous.state is UploadState.RECEIVING:
        previous = transition(
            uow, previous.id, UploadState.ABANDONED, reason="Sent again before it was complete."
        )
    previous.idempotency_key = None
    uow.session.flush()
    return key
