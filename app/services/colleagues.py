"""What a customer does who manages the people of their organisation.

They invite customers, suspend them, and let them in again. Another manager they leave alone, and
nobody becomes one through them: that is for admins. Everything runs within the organisation's wall
in the database, so that what is forgotten here does not reach beyond it.
"""

from typing import Final
from uuid import UUID

from sqlalchemy import exists, select

from app.domain.errors import ForbiddenError, InvalidInputError, StateConflictError
from app.domain.mail_domain import domain_of
from app.domain.naming import clean_email
from app.domain.people import clean_name
from app.domain.policy import Role
from app.models import Account, IdentityProvider, Organisation, OrganisationDomain
from app.queries import people
from app.services import accounts, tries
from app.uow import UnitOfWork

#: Said of every address that is not free for them, so that it does not tell whose it is.
_NOT_THEIRS: Final = (
    "Somebody with this address cannot be invited. If they are not in your list, ask support."
)


def count_invitation(uow: UnitOfWork, manager_id: UUID | None, address: str | None) -> None:
    """Count an invitation before it is made; commit before making it.

    A manager learns from a refusal that somebody has an account elsewhere. Few can be tried.

    Raises:
        TooManyTriesError: that were enough for now.
    """
    tries.begin(uow, tries.Kind.INVITE, str(manager_id), address)


def check_not_elsewhere(uow: UnitOfWork, organisation_id: UUID | None, email: str) -> None:
    """Refuse an address whose domain says that it is not one of ``organisation_id``'s people.

    Who was invited elsewhere could not be let in where they belong. To be asked as the system, before
    `invite`: no customer sees the domains of others, nor providers. An organisation that has domains of its
    own is held to those anyway.

    Raises:
        StateConflictError: the domain is another organisation's, or a provider's that is not for this one
            alone. Disabled providers count: they may come back.
    """
    domain = domain_of(email)
    provider, mine = IdentityProvider, OrganisationDomain.organisation_id == organisation_id
    if uow.session.scalar(select(exists().where(mine))):
        return
    others = exists().where(OrganisationDomain.domain == domain)
    providers = exists().where(
        provider.domains.contains([domain]), provider.organisation_id.is_distinct_from(organisation_id)
    )
    if uow.session.scalar(select(others | providers)):
        raise StateConflictError(_NOT_THEIRS)


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
        raise StateConflictError(_NOT_THEIRS) from error


def out_of_reach(uow: UnitOfWork, account: Account) -> str | None:
    """Return why the actor may do nothing about one of their colleagues; None if they may."""
    if account.id == uow.actor.id:
        return "This is you. What you hold yourself is on your account page."
    if account.manager:
        return "This is a manager, like you. Ask support if something is to change."
    if account.active:
        return None
    if people.suspended_by_support(uow.session, account):
        return "Support suspended this person. Ask support to let them in again."
    return None


def check_within_reach(uow: UnitOfWork, account_id: UUID, *, lock: bool = False) -> Account:
    """Return a colleague about whom the actor may do something.

    With ``lock`` it stays so until the transaction ends: nobody makes them a manager meanwhile.

    Raises:
        NotFoundError: there is nobody, or they are of another organisation.
        ForbiddenError: they may not; see `out_of_reach`.
    """
    account = people.get(uow.session, uow.actor, account_id, lock=lock)
    if why := out_of_reach(uow, account):
        raise ForbiddenError(why)
    return account
