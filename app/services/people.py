"""What admins do with people. Nobody ever sees or chooses somebody's password.

Whatever takes something from somebody holds at once: sessions, half-done sign-ins and tokens end in
the same transaction (ASVS 7.4.2, 8.3.2).
"""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from app.domain import people as rules
from app.domain.errors import ForbiddenError, StateConflictError
from app.domain.naming import clean_email, clean_reason
from app.domain.people import PersonState
from app.domain.policy import Role
from app.models import Account, Organisation
from app.queries import organisations, people
from app.services import accounts, audit, ending, factors, forgotten, tokens
from app.uow import UnitOfWork


@dataclass(frozen=True, slots=True)
class Place:
    """Who somebody is to be. ``organisation`` is a slug; None or "" for staff."""

    name: str
    role: Role
    organisation: str | None = None
    manager: bool = False


def invite(uow: UnitOfWork, email: str, place: Place) -> Account:
    """Add a person, and mail them how to come in.

    Whom another organisation invited and who never came, is moved from there: no organisation keeps an
    address by having been first. Links of before end.

    Raises:
        InvalidInputError: the address, the name, or what does not go together.
        NotFoundError: there is no such organisation.
        StateConflictError: the address has an account, or the organisation is suspended.
    """
    home = _home(uow, place)
    if home and home.suspended_at is not None:
        raise StateConflictError(f"{home.name} is suspended: nobody can be invited there.")
    claimed = people.unclaimed(uow.session, clean_email(email))
    if claimed and claimed.organisation_id != (home.id if home else None):
        return _take_over(uow, claimed, place)
    return accounts.invite(
        uow,
        email=email,
        name=rules.clean_name(place.name),
        role=place.role,
        organisation=home,
        manager=place.manager,
    )


def change(uow: UnitOfWork, account_id: UUID, place: Place) -> Account:
    """Give somebody another name, role or organisation.

    Who gets another role or organisation is signed out, and loses their tokens. What they sent
    stays with the organisation that they sent it for.

    Raises:
        NotFoundError: there is nobody, or not for the actor to see.
        InvalidInputError: the name, or what does not go together.
        ForbiddenError: it is the actor's own role.
        StateConflictError: nobody else could sign in as an admin.
    """
    home = _home(uow, place)
    admins = people.lock_admins(uow.session)
    account = people.get(uow.session, uow.actor, account_id, lock=True)
    _check_still_admin(uow, admins)
    before = _as_told(account)
    moved = (account.role, account.organisation_id) != (place.role, home.id if home else None)
    if account.role is Role.ADMIN and place.role is not Role.ADMIN:
        _check_removable(uow, account, admins)
    demoted = account.manager and not place.manager
    account.name, account.role = rules.clean_name(place.name), place.role
    account.organisation, account.manager = home, place.manager
    uow.session.flush()
    after = _as_told(account)
    changed = [name for name in after if after[name] != before[name]]
    if not changed:
        return account
    if moved:
        ending.end_all(uow, account)
    elif demoted:
        ending.sign_out(uow, [account.id])
    audit.record(
        uow,
        "account.changed",
        person=account,
        before={name: before[name] for name in changed},
        after={name: after[name] for name in changed},
    )
    if changed != ["name"]:
        ended = " Sign in again." if moved or demoted else ""
        accounts.tell_changed(uow, account, f"What you may do in the portal was changed.{ended}")
    return account


def suspend(uow: UnitOfWork, account_id: UUID, reason: str | None) -> Account:
    """Let somebody in no more, from now on; their tokens end for good.

    Raises:
        NotFoundError: there is nobody, or not for the actor to see.
        InvalidInputError: the reason is none.
        ForbiddenError: it is the actor.
        StateConflictError: they are suspended already, or nobody else could sign in as an admin.
            Staff may where a manager did it: then that manager cannot let them in again.
    """
    why = clean_reason(reason)
    admins = people.lock_admins(uow.session)
    account = people.get(uow.session, uow.actor, account_id, lock=True)
    of_manager = not account.active and not people.suspended_by_support(uow.session, account)
    if not account.active and not (uow.actor.sees_all and of_manager):
        raise StateConflictError(f"{account.email} is suspended already.")
    _check_still_admin(uow, admins)
    _check_removable(uow, account, admins)
    account.active = False
    uow.session.flush()
    ending.sign_out(uow, [account.id])
    tokens.revoke_all(uow, account)
    audit.record(uow, "account.suspended", person=account, reason=why)
    return account


def resume(uow: UnitOfWork, account_id: UUID) -> Account:
    """Let somebody in again.

    Raises:
        NotFoundError: there is nobody, or not for the actor to see.
        StateConflictError: they are not suspended.
    """
    account = people.get(uow.session, uow.actor, account_id, lock=True)
    if account.active:
        raise StateConflictError(f"{account.email} is not suspended.")
    ending.sign_out(uow, [account.id])  # who was just signing in when they were suspended
    account.active = True
    audit.record(uow, "account.resumed", person=account)
    return account


def end_sessions(uow: UnitOfWork, account_id: UUID) -> Account:
    """Sign somebody out everywhere. Raises NotFoundError."""
    account = people.get(uow.session, uow.actor, account_id, lock=True)
    ended = ending.sign_out(uow, [account.id])
    audit.record(uow, "account.sessions_ended", person=account, sessions=ended)
    return account


def revoke_tokens(uow: UnitOfWork, account_id: UUID) -> Account:
    """End every API token that somebody has. Raises NotFoundError."""
    account = people.get(uow.session, uow.actor, account_id, lock=True)
    tokens.revoke_all(uow, account)
    audit.record(uow, "account.tokens_revoked", person=account)
    return account


def _take_over(uow: UnitOfWork, account: Account, place: Place) -> Account:
    """Move somebody who never came, and invite them again.

    Raises:
        StateConflictError: support suspended them, or they come at this moment.
    """
    if not account.active and not people.suspended_by_support(uow.session, account):
        resume(uow, account.id)  # a manager there shall not keep them out of where they belong
    change(uow, account.id, place)
    accounts.invite_again(uow, account)
    return account


def is_last(account: Account, admins: Collection[UUID]) -> bool:
    """Whether nobody else of ``admins``, who are locked, could sign in as one."""
    return set(admins) == {account.id}


def _home(uow: UnitOfWork, place: Place) -> Organisation | None:
    rules.check_place(place.role, in_organisation=bool(place.organisation), manager=place.manager)
    return organisations.by_slug(uow.session, place.organisation) if place.organisation else None


def _check_removable(uow: UnitOfWork, account: Account, admins: Collection[UUID]) -> None:
    """Refuse to take an admin away who is the actor, or the last.

    ``admins`` were locked before: of two who would take each other away, one finds the other gone.
    """
    if account.id == uow.actor.id:
        raise ForbiddenError("You cannot take away your own admin rights. Ask another admin.")
    if is_last(account, admins):
        raise StateConflictError(f"{account.email} is the last admin who can sign in. Make another first.")


def _check_still_admin(uow: UnitOfWork, admins: Collection[UUID]) -> None:
    """Refuse an admin who was one when they asked, and is none any more."""
    if uow.actor.role is Role.ADMIN and uow.actor.id not in admins:
        raise ForbiddenError("Your account may not do this.")


def _as_told(account: Account) -> dict[str, object]:
    """Return what the trail keeps of somebody."""
    home = account.organisation
    return {
        "name": account.name,
        "role": str(account.role),
        "organisation": home.slug if home else None,
        "manager": account.manager,
    }


def invite_again(uow: UnitOfWork, account_id: UUID) -> Account:
    """Mail a new invitation. Raises NotFoundError, StateConflictError: they have come, or are suspended."""
    account = people.get(uow.session, uow.actor, account_id, lock=True)
    accounts.invite_again(uow, account)
    return account


def reset_factors(uow: UnitOfWork, account_id: UUID) -> Account:
    """Take every second factor from somebody who has lost theirs. Raises NotFoundError."""
    account = people.get(uow.session, uow.actor, account_id, lock=True)
    factors.reset(uow, account)
    return account


def send_reset(uow: UnitOfWork, account_id: UUID) -> Account:
    """Mail somebody a link by which they choose a new password.

    Raises:
        NotFoundError: there is nobody, or not for the actor to see.
        StateConflictError: they are suspended, or have not come yet.
    """
    account = people.get(uow.session, uow.actor, account_id, lock=True)
    state = people.state_of(account)
    if state is PersonState.SUSPENDED:
        raise StateConflictError(f"{account.email} is suspended. Let them in again first.")
    if state is PersonState.INVITED:
        raise StateConflictError(f"{account.email} has not come yet. Invite them again instead.")
    forgotten.ask(uow, account.email, None)
    audit.record(uow, "account.reset_sent", person=account)
    return account
