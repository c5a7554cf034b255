"""Forgotten passwords. Asking is the same work whoever asks; who it was about is looked up by a worker."""

from datetime import timedelta

from sqlalchemy import delete, func, select

from app.domain import naming
from app.domain.errors import DependencyError
from app.domain.events import Event
from app.domain.factors import LinkPurpose
from app.models import Account, Delivery, Identity, IdentityProvider
from app.queries import accounts as accounts_query
from app.services import accounts, audit, links, notices, sealed_codes
from app.uow import UnitOfWork

_APART = (
    300  # seconds: an address gets one mail in each span of so many, from however many networks it is asked
)
_REMEMBERED = timedelta(days=1)


def ask(uow: UnitOfWork, email: str, address: str | None) -> None:
    """Let whoever has this mail address choose a new password, if there is anybody.

    ``address`` is the network address that it is asked from, for the mail.

    Raises:
        InvalidInputError: no mail address.
    """
    span = uow.session.scalar(select(func.floor(func.extract("epoch", func.now()) / _APART)))
    notices.tell(uow, Event.ACCOUNT_RESET, naming.clean_email(email), occasion=str(span), address=address)


def prepare(uow: UnitOfWork, delivery: Delivery) -> bool:
    """Write into an outbox row what its mail is to say; return False if it is for nobody.

    The link is made here, minutes after it was asked for at most, or again if it ran out meanwhile.
    """
    account = accounts_query.by_email(uow.session, delivery.recipient)
    if account is None:
        return False
    told = {"address": delivery.told.get("address")}
    providers = _providers_of(uow, account)
    if not accounts.may_have_password(uow.settings, account.role):
        told["providers"] = providers
    elif account.activated_at is None:
        told["invited"] = True
    elif account.password_hash is None and providers:
        told["providers"] = providers
    else:
        told |= _link(uow, account, delivery.told)
    delivery.told = told
    delivery.recipient = account.email  # as it was set up, not as somebody typed it
    return True


def _link(uow: UnitOfWork, account: Account, told: dict[str, str]) -> dict[str, str]:
    """Return what tells of a link: the one that an earlier try to mail it made, if that is still good."""
    try:
        code = sealed_codes.unseal(uow.settings, told)
    except DependencyError:
        code = None  # sealed with a key that is gone
    if code and links.is_good(uow, code, LinkPurpose.RESET):
        return {**sealed_codes.seal(uow.settings, code), "until": told["until"]}
    issued = links.issue(uow, account, LinkPurpose.RESET)
    audit.record(
        uow, "account.reset_asked", person=account, account=account.email, address=told.get("address")
    )
    return {**sealed_codes.seal(uow.settings, issued.token), "until": issued.expires_at.isoformat()}


def _providers_of(uow: UnitOfWork, account: Account) -> list[str]:
    """Return the names of the providers through which an account signs in."""
    query = (
        select(IdentityProvider.name)
        .join(Identity, Identity.provider_id == IdentityProvider.id)
        .where(Identity.account_id == account.id, IdentityProvider.disabled_at.is_(None))
        .order_by(IdentityProvider.name)
    )
    return list(uow.session.scalars(query))


def forget_old(uow: UnitOfWork) -> None:
    """Delete the rows of what was asked for, for addresses that nobody has as well."""
    old = Delivery.created_at < func.now() - _REMEMBERED
    uow.session.execute(delete(Delivery).where(Delivery.event == Event.ACCOUNT_RESET, old))
