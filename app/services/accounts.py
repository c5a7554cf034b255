"""People: how they come to be, and the passwords that they choose."""

from uuid import uuid4

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from app.domain import naming
from app.domain.errors import InvalidInputError, StateConflictError
from app.domain.events import Event
from app.domain.factors import LinkPurpose
from app.domain.organisations import clean_slug
from app.domain.policy import STAFF, Role
from app.models import Account, Organisation
from app.services import audit, ending, links, notices, passwords, tokens
from app.settings import Settings
from app.uow import UnitOfWork


def ensure_organisation(uow: UnitOfWork, slug: str, name: str | None = None) -> Organisation:
    """Return the organisation with this slug, made now if there was none.

    Raises:
        InvalidInputError: not a slug.
    """
    slug = clean_slug(slug)
    found = uow.session.scalar(select(Organisation).where(Organisation.slug == slug))
    if found is not None:
        return found
    organisation = Organisation(slug=slug, name=name or slug.capitalize())
    uow.session.add(organisation)
    uow.session.flush()
    audit.record(uow, "organisation.created", organisation_id=organisation.id, slug=slug)
    return organisation


def create(
    uow: UnitOfWork,
    *,
    email: str,
    role: Role,
    password: str,
    name: str | None = None,
    organisation: Organisation | None = None,
) -> Account:
    """Add a person with a password, from a shell: admins choose nobody's (ASVS 6.4.6).

    Raises:
        InvalidInputError: the address, the password or the pairing of role and organisation.
        StateConflictError: the address is taken.
    """
    account = _add(uow, email=email, role=role, name=name, organisation=organisation, manager=False)
    account.password_hash = _hash(account, organisation, password)
    account.activated_at = func.now()
    uow.session.flush()
    audit.record(uow, "account.created", person=account, email=account.email, role=role)
    return account


def invite(
    uow: UnitOfWork,
    *,
    email: str,
    name: str | None,
    role: Role,
    organisation: Organisation | None,
    manager: bool = False,
) -> Account:
    """Add a person who cannot sign in yet, and mail them a link by which they choose how to.

    Raises:
        InvalidInputError: the address, the name or the pairing of role and organisation.
        StateConflictError: the address is taken.
    """
    account = _add(uow, email=email, role=role, name=name, organisation=organisation, manager=manager)
    audit.record(
        uow, "account.invited", person=account, email=account.email, role=role, manager=manager or None
    )
    _mail_invitation(uow, account, organisation)
    return account


def invite_again(uow: UnitOfWork, account: Account) -> None:
    """Mail a new link to somebody who was invited and has not come; the one of before ends.

    Raises:
        StateConflictError: they have come already, or are suspended.
    """
    if account.activated_at is not None:
        raise StateConflictError(f"{account.email} has signed in already, and needs no invitation.")
    if not account.active:
        raise StateConflictError(f"{account.email} is suspended. Let them in again first.")
    audit.record(uow, "account.invited", person=account, email=account.email, role=account.role, again=True)
    _mail_invitation(uow, account, account.organisation)


def activate(uow: UnitOfWork, account: Account, password: str | None) -> None:
    """Let somebody in who followed the invitation; without a password they make a passkey next.

    Raises:
        InvalidInputError: the password is too easy, or people in this role come through a provider.
    """
    _refuse_where_none(uow.settings, account)
    if password is not None:
        account.password_hash = _hash(account, account.organisation, password)
    account.activated_at = func.now()
    links.end_all(uow, account, LinkPurpose.INVITATION)
    audit.record(
        uow, "account.activated", person=account, account=account.email, password=password is not None
    )


def set_password(uow: UnitOfWork, account: Account, password: str) -> None:
    """Replace the password, tell its owner, and end all that the account holds open (ASVS 7.4.3).

    Every session and token ends, sign-ins that are half done, and links to choose another password.

    Raises:
        InvalidInputError: the password is too easy, or its owner may have none.
    """
    _refuse_where_none(uow.settings, account)
    account.password_hash = _hash(account, account.organisation, password)
    end_what_is_open(uow, account)
    audit.record(uow, "account.password_set", person=account, account=account.email)
    tell_changed(
        uow, account, "A new password was set. Everybody was signed out, and all tokens were withdrawn."
    )


def end_what_is_open(uow: UnitOfWork, account: Account) -> None:
    """End sessions, half-done sign-ins, tokens, and links to choose another password."""
    ending.sign_out(uow, [account.id])
    tokens.revoke_all(uow, account)
    links.end_all(uow, account, LinkPurpose.RESET)


def tell_changed(
    uow: UnitOfWork, account: Account, what: str, *, left: str | None = None, occasion: str | None = None
) -> None:
    """Mail the account's owner that something about how they sign in, or what they may, has changed.

    ``what`` is one or two sentences of ours, for example "An authenticator app was added."
    The mail goes to ``left`` instead where that was the account's address before. Of one ``occasion``
    it goes once.
    """
    if account.activated_at is None:
        return  # whoever was only invited has not seen what it was before
    by = uow.actor.label if uow.actor.id not in {None, account.id} else None
    notices.tell(
        uow,
        Event.ACCOUNT_CHANGED,
        left or account.email,
        occasion=occasion or str(uuid4()),
        what=what,
        at=uow.session.scalars(select(func.now())).one().isoformat(),
        address=uow.actor.address if by is None else None,
        by=by,
        staff=account.role in STAFF,
        left=left is not None,
    )


def may_have_password(settings: Settings, role: Role) -> bool:
    """Whether people in this role may sign in with a password of the portal's."""
    return role not in STAFF or settings.staff_sign_in == "any"


def _add(
    uow: UnitOfWork,
    *,
    email: str,
    role: Role,
    name: str | None,
    organisation: Organisation | None,
    manager: bool,
) -> Account:
    email = naming.clean_email(email)
    if (role is Role.CUSTOMER) != (organisation is not None):
        raise InvalidInputError("A customer belongs to an organisation; engineers and admins to none.")
    if manager and role is not Role.CUSTOMER:
        raise InvalidInputError("Only customers can be managers of their organisation.")
    taken = StateConflictError(f"There is already an account for {email}.")
    if uow.session.scalar(select(Account.id).where(func.lower(Account.email) == email.lower())):
        raise taken
    account = Account(
        email=email,
        name=naming.clean_name(name) or email.partition("@")[0],
        role=role,
        organisation_id=organisation.id if organisation else None,
        manager=manager,
    )
    try:
        with uow.session.begin_nested():
            uow.session.add(account)
    except IntegrityError as error:  # made at this moment, or one that the actor may not see
        raise taken from error
    return account


def _mail_invitation(uow: UnitOfWork, account: Account, organisation: Organisation | None) -> None:
    issued = links.issue(uow, account, LinkPurpose.INVITATION)
    notices.tell(
        uow,
        Event.ACCOUNT_INVITED,
        account.email,
        occasion=str(issued.id),
        code=issued.token,  # forgotten when the mail has gone, or cannot go (`deliveries`)
        until=issued.expires_at.isoformat(),
        organisation=organisation.name if organisation else None,
        by=uow.actor.label if uow.actor.id else None,
        role=account.role,
    )


def _refuse_where_none(settings: Settings, account: Account) -> None:
    if not may_have_password(settings, account.role):
        raise InvalidInputError("Your role signs in through your company's own sign-in, without a password.")


def _hash(account: Account, organisation: Organisation | None, password: str) -> str:
    home = (organisation.name, organisation.slug) if organisation else ()
    passwords.check(password, (account.email, account.name, *home))
    return passwords.hash_password(password)
