"""Whose work a bundle is. Customers never learn of it.

Somebody who was suspended, or is no longer of the staff, keeps no bundle from others: what was theirs
is new again (`queries.inbox`), and anybody may take it.
"""

from typing import Final
from uuid import UUID, uuid4

from app.domain import naming
from app.domain.errors import InvalidInputError, StateConflictError
from app.domain.events import Event
from app.domain.lifecycle import UploadState
from app.domain.policy import STAFF
from app.models import Account, Upload
from app.queries import accounts
from app.services import audit, notices, sights
from app.services.lifecycle import locked, written
from app.uow import UnitOfWork

_GONE: Final = frozenset({UploadState.REJECTED, UploadState.ABANDONED, UploadState.DELETED})
_NOBODY: Final = "nobody"


def may_be_assigned(upload: Upload) -> bool:
    """Whether there is anything to work on."""
    return upload.state not in _GONE


def check_assignable(upload: Upload) -> None:
    """Raise StateConflictError unless there is anything to work on."""
    if not may_be_assigned(upload):
        raise StateConflictError("There is nothing left of this bundle to work on.", state=upload.state)


def take(uow: UnitOfWork, upload_id: UUID) -> Upload:
    """Make it the actor's work; it stays so if it is.

    Raises:
        NotFoundError: absent, or not visible to the actor.
        StateConflictError: somebody else was faster, or it is not there any more.
    """
    upload, holder = _assignable(uow, upload_id)
    if holder is not None and holder.id != uow.actor.id and is_staff(holder):
        raise StateConflictError(f"{_named(holder)} has taken this bundle already.")
    return _give(uow, upload, holder, uow.session.get_one(Account, uow.actor.id))


def hand_over(
    uow: UnitOfWork, upload_id: UUID, to: str | None, note: str | None = None, *, was: str | None = None
) -> Upload:
    """Make it somebody's work and tell them, with a ``note`` that only staff read.

    Args:
        uow: of somebody of the staff.
        upload_id: the bundle's.
        to: the id of their account.
        note: what the next one should know.
        was: the id of the account whose work it was when the actor looked; empty for nobody's, None
            if it does not matter.

    Raises:
        NotFoundError: absent, or not visible to the actor.
        InvalidInputError: there is no such person among the staff, or the note is too long.
        StateConflictError: meanwhile somebody else has it, or it is not there any more.
    """
    words, person = naming.clean_note(note), _person(uow, to)
    upload, holder = _assignable(uow, upload_id)
    _check_unchanged(holder, was)
    return _give(uow, upload, holder, person, words)


def give_back(uow: UnitOfWork, upload_id: UUID, *, was: str | None = None) -> Upload:
    """Make it nobody's work; it stays so if it is. ``was`` and errors as of `hand_over`."""
    upload, holder = _assignable(uow, upload_id)
    _check_unchanged(holder, was)
    return _give(uow, upload, holder, None)


def is_staff(account: Account) -> bool:
    """Whether somebody can do the work: they get in, and belong to support."""
    return account.active and account.role in STAFF


def _assignable(uow: UnitOfWork, upload_id: UUID) -> tuple[Upload, Account | None]:
    """Return the bundle, which nobody else changes now, and whose work it is."""
    upload = locked(uow, upload_id)
    check_assignable(upload)
    # Not by the relationship: a join that waited for the lock still has who it was before.
    return upload, uow.session.get(Account, upload.assignee_id) if upload.assignee_id else None


def _check_unchanged(holder: Account | None, was: str | None) -> None:
    if was is None or was == str(holder.id if holder else ""):
        return
    now = f"{_named(holder)} has it now" if holder else "it was given back"
    raise StateConflictError(f"Somebody else was faster: {now}. Look again.")


def _person(uow: UnitOfWork, account_id: str | None) -> Account:
    try:
        is_meant = Account.id == UUID(account_id or "")
    except ValueError:
        found = None
    else:
        found = uow.session.scalar(accounts.in_roles(STAFF).where(is_meant))
    if found is None:
        raise InvalidInputError("Choose somebody of the support team.")
    return found


def _give(
    uow: UnitOfWork, upload: Upload, before: Account | None, to: Account | None, note: str | None = None
) -> Upload:
    if before is to:
        return upload
    upload.assignee_id = to.id if to else None
    written(uow, upload)
    audit.record(
        uow,
        "upload.assigned",
        upload=upload,
        before=before.email if before else _NOBODY,
        after=to.email if to else _NOBODY,
        why=note,
    )
    sights.note(uow, upload)
    if to is not None and to.id != uow.actor.id:
        notices.announce(
            uow,
            Event.UPLOAD_ASSIGNED,
            upload,
            account_id=to.id,
            occasion=uuid4().hex,  # each time it becomes theirs
            told={"by": uow.actor.name or uow.actor.label, "note": note},
        )
    return upload


def _named(account: Account) -> str:
    return account.name or account.email
