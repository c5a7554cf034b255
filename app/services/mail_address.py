"""Another mail address for somebody, which is what they sign in with: only an admin gives it."""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from app.domain.errors import ForbiddenError, StateConflictError
from app.domain.factors import LinkPurpose
from app.domain.naming import clean_email
from app.domain.people import PersonState
from app.domain.policy import Role
from app.models import Account
from app.queries import people
from app.services import accounts, audit, links
from app.uow import UnitOfWork


def change(uow: UnitOfWork, account_id: UUID, email: str) -> Account:
    """Give somebody another mail address, and tell them at both.

    All that the account holds open ends, as for a new password, and links that were mailed to the old
    address. Who was only invited is invited anew, at the new address alone.

    Raises:
        NotFoundError: there is nobody, or not for the actor to see.
        InvalidInputError: it is no mail address.
        ForbiddenError: the actor was an admin when they asked, and is none any more.
        StateConflictError: the address has an account, or is theirs already.
    """
    wanted = clean_email(email)
    admins = people.lock_admins(uow.session)
    account = people.get(uow.session, uow.actor, account_id, lock=True)
    if uow.actor.role is Role.ADMIN and uow.actor.id not in admins:
        raise ForbiddenError("Your account may not do this.")
    before = account.email
    if before == wanted:
        raise StateConflictError(f"{wanted} is their address already.")
    _take(uow, account, wanted)
    accounts.end_what_is_open(uow, account)
    links.end_all(uow, account, LinkPurpose.INVITATION)
    audit.record(
        uow, "account.mail_changed", person=account, before={"email": before}, after={"email": wanted}
    )
    if people.state_of(account) is PersonState.INVITED:
        accounts.invite_again(uow, account)
    for left in (before, None):
        accounts.tell_changed(uow, account, _told(before, wanted), left=left)
    return account


def _take(uow: UnitOfWork, account: Account, wanted: str) -> None:
    taken = StateConflictError(f"There is already an account for {wanted}.")
    same = func.lower(Account.email) == wanted.lower()
    if uow.session.scalar(select(Account.id).where(same, Account.id != account.id)):
        raise taken
    try:
        with uow.session.begin_nested():
            account.email = wanted
            uow.session.flush()
    except IntegrityError as error:  # taken at this moment
        raise taken from error


def _told(before: str, after: str) -> str:
    return (
        f"Its mail address was {before} and is {after} now. Everybody was signed out, and all tokens were"
        " withdrawn. Sign in with the new address."
    )
