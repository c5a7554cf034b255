"""What a customer does who manages the people of their organisation.

They invite customers, suspend them, and let them in again. Another manager they leave alone, and
nobody becomes one through them: that is for admins. Everything runs within the organisation's wall
in the database, so that what is forgotten here does not reach beyond it.
"""

from uuid import UUID

from app.domain.errors import ForbiddenError, InvalidInputError, StateConflictError
from app.domain.mail_domain import domain_of
from app.domain.naming import clean_email
from app.domain.people import clean_name
from app.domain.policy import Role
from app.models import Account, Organisation
from app.queries import people
from app.services import accounts, tries
from app.uow import UnitOfWork


def count_invitation(uow: UnitOfWork, manager_id: UUID | None, address: str | None) -> None:
    """Count an invitation before it is made; commit before making it.

    A manager learns from a refusal that somebody has an account elsewhere. Few can be tried.

    Raises:
        TooManyTriesError: that were enough for now.
    """
    tries.begin(uow, tries.Kind.INVITE, str(manager_id), address)


def invite(uow: UnitOfWork, email: str, name: str) -> Account:
    """Invite a customer into the actor's organisation.

    Where it has mail domains, the address must be of one of them: they say who its people are.

    Raises:
        InvalidInputError: the address or the name.
        StateConflictError: the address has an account already, here or elsewhere.
    """
    home = uow.session.get_one(Organisation, uow.actor.organisation_id)
    email = clean_email(email)
    domains = [each.domain for each in home.domains]
    if domains and domain_of(email) not in domains:
        raise InvalidInputError(
            f"Your organisation's mail addresses end in {', '.join(domains)}. Ask support to invite others."
        )
    try:
        return accounts.invite(uow, email=email, name=clean_name(name), role=Role.CUSTOMER, organisation=home)
    except StateConflictError as error:
        raise StateConflictError(
            "Somebody with this address cannot be invited. If they are not in your list, ask support."
        ) from error


def out_of_reach(uow: UnitOfWork, account: Account) -> str | None:
    """Return why the actor may do nothing about one of their colleagues; None if they may."""
    if account.id == uow.actor.id:
        return "This is you. What you hold yourself is on your account page."
    if account.manager:
        return "This is a manager, like you. Ask support if something is to change."
    if account.active:
        return None
    suspended = people.suspension(uow.session, account)
    if suspended is None or suspended.by is None:  # within the wall nobody sees staff
        return "Support suspended this person. Ask support to let them in again."
    return None


def check_within_reach(uow: UnitOfWork, account_id: UUID) -> Account:
    """Return a colleague about whom the actor may do something.

    Raises:
        NotFoundError: there is nobody, or they are of another organisation.
        ForbiddenError: they may not; see `out_of_reach`.
    """
    account = people.get(uow.session, uow.actor, account_id)
    if why := out_of_reach(uow, account):
        raise ForbiddenError(why)
    return account
