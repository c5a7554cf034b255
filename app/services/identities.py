"""Whose account it is that a provider speaks of: by (provider, subject), never by a mail address.

An address that the provider vouches for, and is in charge of, only leads somebody who was invited to
their account the first time.
"""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from app.domain.errors import BadRequestError, ForbiddenError
from app.domain.factors import LinkPurpose
from app.domain.policy import STAFF, Role
from app.models import (
    Account,
    AccountKind,
    Identity,
    IdentityProvider,
    Organisation,
    OrganisationDomain,
)
from app.queries.people import lock_admins
from app.services import accounts, audit, claims, ending, links, people
from app.services.claims import Said
from app.uow import UnitOfWork

#: One sentence for whoever has no account and whoever has one that this provider does not lead to.
NOT_INVITED = "There is no account here for you to use this way. Ask your support contact to invite you."

_LAST_ADMIN = (
    "Your provider says that you are no admin any more. You are the last one who can sign in, so you stay"
    " one, and cannot come in this way. Make somebody else an admin first."
)


def find(uow: UnitOfWork, provider: IdentityProvider, said_of: Mapping[str, Any]) -> Account:
    """Return the account of the person whom verified claims speak of, as the provider has it from now on.

    The first time it may be made, or be one that was invited. Role and organisation become those of
    the claims where the provider maps them.

    Raises:
        ForbiddenError: the person has no account that this provider leads to, or is the last admin and
            would be none any more.
        BadRequestError: the same person signs in for the first time twice at once.
    """
    said = claims.read(provider, said_of)
    # Before any account is read or locked, as whoever takes an admin away does.
    admins = lock_admins(uow.session) if provider.for_staff and provider.mapping.get("roles") else ()
    identity = _identity(uow, provider, said.subject)
    account = identity.account if identity else _invited(uow, provider, said)
    try:
        with uow.session.begin_nested():
            if account is None:
                account = _make(uow, provider, said)
            if identity is None:
                identity = Identity(account_id=account.id, provider_id=provider.id, subject=said.subject)
                uow.session.add(identity)
                audit.record(uow, "identity.linked", person=account, provider=provider.slug)
                accounts.tell_changed(uow, account, f"A way to sign in was added: {provider.name}.")
    except IntegrityError as error:
        raise BadRequestError("You signed in twice at once. Start again.", why="race") from error
    if not _may(provider, account):
        raise _refused("scope", said)
    _apply(uow, provider, account, said, admins)
    if account.activated_at is None:
        account.activated_at = func.now()
        links.end_all(uow, account, LinkPurpose.INVITATION)
        audit.record(uow, "account.activated", person=account, account=account.email, provider=provider.slug)
    identity.email, identity.last_used_at = said.named_email, func.now()
    uow.session.flush()
    uow.session.refresh(account)
    return account


def belongs_to(
    uow: UnitOfWork, provider: IdentityProvider, said_of: Mapping[str, Any], account_id: object
) -> None:
    """Raises ForbiddenError: the claims are about somebody else, or the provider leads there no more."""
    identity = _identity(uow, provider, claims.read(provider, said_of).subject)
    if identity is None or identity.account_id != account_id or not _may(provider, identity.account):
        raise ForbiddenError(
            "You signed in to your provider as somebody else. Start again, as yourself.", why="somebody else"
        )


def _identity(uow: UnitOfWork, provider: IdentityProvider, subject: str) -> Identity | None:
    return uow.session.scalar(
        select(Identity).where(Identity.provider_id == provider.id, Identity.subject == subject)
    )


def _invited(uow: UnitOfWork, provider: IdentityProvider, said: Said) -> Account | None:
    """Return the account that has the address and may be linked to the subject; None: nobody has it.

    Raises:
        ForbiddenError: the provider may not say whose the address is, or its account is not to be linked.
    """
    if said.email is None:
        raise _refused("address not verified", said)
    if not _in_charge(uow, provider, said.domain):
        raise _refused("not in charge of the domain", said)
    account = uow.session.scalar(
        select(Account)
        .where(func.lower(Account.email) == said.email.lower())
        .with_for_update(of=Account, key_share=True)  # two subjects must not both find it unlinked
    )
    if account is None:
        return None
    home = _home(uow, provider, said)
    if account.kind is not AccountKind.PERSON or (home and account.organisation_id not in {home.id, None}):
        raise _refused("not of this organisation", said)
    known = select(Identity.id).where(Identity.account_id == account.id, Identity.provider_id == provider.id)
    if uow.session.scalar(known):
        raise _refused("another subject has the account", said)
    return account


def _make(uow: UnitOfWork, provider: IdentityProvider, said: Said) -> Account:
    """Make an account just in time. Raises ForbiddenError: this provider may not, or not for this person."""
    if not provider.create_accounts or said.email is None:
        raise _refused("not invited", said)
    home = None if provider.for_staff else _home(uow, provider, said)
    role = said.role if provider.mapping.get("roles") or provider.for_staff else Role.CUSTOMER
    if role is None or (role is Role.CUSTOMER) != (home is not None):
        raise _refused("no role or no organisation", said)
    account = Account(
        email=said.email, name=said.name or said.email.partition("@")[0], role=role, organisation=home
    )
    uow.session.add(account)
    uow.session.flush()
    audit.record(
        uow, "account.created", person=account, email=account.email, role=role, provider=provider.slug
    )
    return account


def _in_charge(uow: UnitOfWork, provider: IdentityProvider, domain: str) -> bool:
    """Whether the provider may say whose the addresses of a mail domain are."""
    if domain in provider.domains:
        return True
    return provider.organisation_id is not None and _owner(uow, domain) == provider.organisation_id


def _owner(uow: UnitOfWork, domain: str) -> object:
    return uow.session.scalar(
        select(OrganisationDomain.organisation_id).where(OrganisationDomain.domain == domain)
    )


def _home(uow: UnitOfWork, provider: IdentityProvider, said: Said) -> Organisation | None:
    """Return the organisation of a customer: the provider's, the claims', or the mail domain's."""
    if provider.organisation:
        return provider.organisation
    if provider.mapping.get("organisations"):
        query = (
            select(Organisation).where(Organisation.slug.in_(said.organisations)).order_by(Organisation.slug)
        )
        return uow.session.scalars(query).first()
    owner = _owner(uow, said.domain)
    return uow.session.get(Organisation, owner) if owner else None


def _may(provider: IdentityProvider, account: Account) -> bool:
    """Whether the provider leads to this account: it does to its own people, who may come in."""
    if not account.active or account.kind is not AccountKind.PERSON:
        return False
    if provider.for_staff:
        return account.role in STAFF
    home = account.organisation
    if home is None or home.suspended_at is not None:
        return False
    return provider.organisation_id in {None, home.id}


def _apply(
    uow: UnitOfWork, provider: IdentityProvider, account: Account, said: Said, admins: Collection[UUID]
) -> None:
    """Give the account the role and the organisation of the claims, where the provider maps them.

    Raises:
        ForbiddenError: they give none, or would leave the portal without an admin.
    """
    mapping = provider.mapping
    role, home = account.role, account.organisation
    if mapping.get("roles"):
        if said.role is None:
            raise _refused("no role", said)
        role = said.role
    if mapping.get("organisations") and not (provider.for_staff or provider.organisation):
        home = _home(uow, provider, said)
        if home is None or home.suspended_at is not None:
            raise _refused("no organisation", said)
    before = {"role": account.role, "organisation": account.organisation and account.organisation.slug}
    after = {"role": role, "organisation": home and home.slug}
    if before == after:
        return
    if role is not Role.ADMIN and people.is_last(account, admins):
        raise ForbiddenError(_LAST_ADMIN, why="last admin", email=said.named_email, subject=said.subject)
    account.role = role
    if account.organisation is not home:
        account.organisation, account.manager = home, False
    uow.session.flush()
    ending.end_all(uow, account)
    audit.record(uow, "account.changed", person=account, before=before, after=after, provider=provider.slug)
    accounts.tell_changed(uow, account, f"What you may do in the portal was changed by {provider.name}.")


def _refused(why: str, said: Said) -> ForbiddenError:
    return ForbiddenError(NOT_INVITED, why=why, email=said.named_email, subject=said.subject)
