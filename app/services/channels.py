"""Where the portal tells of things besides to people: topics, webhooks, chats, shared mailboxes."""

import base64
import json
import secrets
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import func

from app.domain import channel_address, naming
from app.domain.channels import ChannelKind
from app.domain.errors import DependencyError, InvalidInputError, StateConflictError
from app.domain.events import FOR_CHANNELS, Event
from app.domain.jobs import JobName
from app.models import Channel, Delivery, Organisation
from app.queries import channels as channels_query
from app.services import audit, vault
from app.services.notices import key_of
from app.settings import Settings
from app.uow import UnitOfWork

MAX_NAME: Final = 100
_PURPOSE = "channel"
_SECRET_BYTES = 32  # Standard Webhooks asks for 24 to 64


@dataclass(frozen=True, slots=True)
class Address:
    """Where a channel writes to, and with what it signs: also with the secret before, so that none fails."""

    address: str
    secret: str | None = None
    secret_before: str | None = None

    @property
    def secrets(self) -> str | None:
        """All secrets, apart by blanks, the newest first."""
        return " ".join(filter(None, (self.secret, self.secret_before))) or None


@dataclass(frozen=True, slots=True)
class Terms:
    """What an admin says of a channel. ``address`` empty: as it was; ``organisation_id`` None: all."""

    name: str
    address: str
    organisation_id: UUID | None
    events: Collection[str]


def seal(settings: Settings, address: Address) -> str:
    """Return what a channel's row keeps of its address."""
    kept = {"address": address.address, "secret": address.secret, "secret_before": address.secret_before}
    return vault.seal(settings, _PURPOSE, json.dumps(kept))


def unseal(settings: Settings, channel: Channel) -> Address:
    """Return where a channel writes to.

    Raises:
        DependencyError: the portal's key was changed, and the old one is not there.
    """
    return Address(**json.loads(vault.unseal(settings, _PURPOSE, channel.sealed)))


def make(uow: UnitOfWork, kind: ChannelKind, terms: Terms, channel_id: UUID) -> tuple[Channel, str | None]:
    """Make a channel; return it, and the secret with which a webhook signs: it cannot be read again.

    Raises:
        InvalidInputError: a field.
        StateConflictError: a channel with this id was made already.
    """
    if uow.session.get(Channel, channel_id) is not None:
        raise StateConflictError("This channel was made already.")
    secret = _new_secret() if kind is ChannelKind.WEBHOOK else None
    address = channel_address.clean(kind, terms.address, plain=_plain(uow))
    channel = Channel(id=channel_id, kind=kind)
    _write(uow, channel, terms)
    _keep(uow, channel, Address(address, secret))
    uow.session.add(channel)
    uow.session.flush()
    audit.record(uow, "channel.created", channel_id=str(channel.id), kind=kind, after=_facts(channel))
    return channel, secret


def change(uow: UnitOfWork, channel_id: UUID, terms: Terms) -> None:
    """Change what is said of a channel; it holds from the next message on.

    Raises:
        NotFoundError: there is none.
        InvalidInputError: a field.
        DependencyError: its secret cannot be read any more.
    """
    channel = channels_query.get(uow.session, channel_id)
    before = _facts(channel)
    _write(uow, channel, terms)
    moved = bool(terms.address.strip())
    if moved:
        address = channel_address.clean(channel.kind, terms.address, plain=_plain(uow))
        _keep(uow, channel, replace(_secrets_of(uow, channel), address=address))
    uow.session.flush()
    after = _facts(channel)
    changed = [name for name in after if before[name] != after[name]]
    if changed or moved:
        audit.record(
            uow,
            "channel.changed",
            channel_id=str(channel.id),
            name=channel.name,
            before={name: before[name] for name in changed},
            after={name: after[name] for name in changed},
            address="set anew" if moved else None,
        )


def remove(uow: UnitOfWork, channel_id: UUID) -> None:
    """Tell it nothing any more. Its log stays, its address does not. Raises NotFoundError."""
    channel = channels_query.get(uow.session, channel_id)
    channel.removed_at, channel.paused_at, channel.paused_why = func.now(), None, None
    _keep(uow, channel, Address(""), shown=channel.shown)
    audit.record(uow, "channel.removed", channel_id=str(channel.id), before=_facts(channel))


def test(uow: UnitOfWork, channel_id: UUID) -> None:
    """Send a test through the outbox, as everything else goes, also if it is paused. Raises NotFoundError."""
    channel = channels_query.get(uow.session, channel_id)
    row_id = uuid4()
    uow.session.add(
        Delivery(
            id=row_id,
            event=Event.CHANNEL_TEST,
            channel_id=channel.id,
            recipient=channel.name,
            dedupe_key=key_of(Event.CHANNEL_TEST, str(channel.id), str(row_id)),
            told={"channel": str(channel.id), "name": channel.name},
        )
    )
    uow.enqueue(JobName.DELIVER, str(row_id))
    audit.record(uow, "channel.tested", channel_id=str(channel.id), name=channel.name)


def exchange_secret(uow: UnitOfWork, channel_id: UUID) -> tuple[Channel, str]:
    """Give a webhook a new secret and return both. It signs with the old one, too, until that is forgotten.

    Raises:
        NotFoundError: there is no such channel.
        StateConflictError: it does not sign.
    """
    channel, known = _signing(uow, channel_id)
    secret = _new_secret()
    # Made twice, perhaps by a double click, the one that somebody verifies with must stay.
    _keep(uow, channel, replace(known, secret=secret, secret_before=known.secret_before or known.secret))
    audit.record(uow, "channel.secret_made", channel_id=str(channel.id), name=channel.name)
    return channel, secret


def forget_secret(uow: UnitOfWork, channel_id: UUID) -> None:
    """Sign with the newest secret alone. Raises NotFoundError, StateConflictError: it does not sign."""
    channel, known = _signing(uow, channel_id)
    if known.secret_before is not None:
        _keep(uow, channel, replace(known, secret_before=None))
        audit.record(uow, "channel.secret_forgotten", channel_id=str(channel.id), name=channel.name)


def _signing(uow: UnitOfWork, channel_id: UUID) -> tuple[Channel, Address]:
    channel = channels_query.get(uow.session, channel_id)
    if channel.kind is not ChannelKind.WEBHOOK:
        raise StateConflictError("Only webhooks are signed.")
    return channel, unseal(uow.settings, channel)


def _new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def _plain(uow: UnitOfWork) -> bool:
    return uow.settings.environment == "development"  # there it may be this machine, without TLS


def _secrets_of(uow: UnitOfWork, channel: Channel) -> Address:
    """Return what is kept; of a webhook without a readable secret nothing would be worth keeping."""
    try:
        return unseal(uow.settings, channel)
    except DependencyError:
        if channel.kind is ChannelKind.WEBHOOK:
            raise
        return Address("")


def _keep(uow: UnitOfWork, channel: Channel, address: Address, shown: str | None = None) -> None:
    channel.sealed = seal(uow.settings, address)
    channel.shown = channel_address.shown(channel.kind, address.address) if shown is None else shown


def _write(uow: UnitOfWork, channel: Channel, terms: Terms) -> None:
    """Raises InvalidInputError."""
    name = " ".join(naming.plain_text(terms.name).split())
    if not 1 <= len(name) <= MAX_NAME:
        raise InvalidInputError(f"Give it a name of 1 to {MAX_NAME} characters.")
    if channels_query.is_named(uow.session, name, besides=channel.id):
        raise InvalidInputError("Another channel has this name. Choose a name that tells them apart.")
    if not terms.events or not set(terms.events) <= set(FOR_CHANNELS):
        raise InvalidInputError("Choose what it is told.")
    if terms.organisation_id and uow.session.get(Organisation, terms.organisation_id) is None:
        raise InvalidInputError("There is no such organisation.")
    channel.name, channel.organisation_id = name, terms.organisation_id
    channel.events = [str(event) for event in FOR_CHANNELS if event in terms.events]


def _facts(channel: Channel) -> dict[str, Any]:
    """Return what the trail says of a channel: nothing that lets anybody write to it."""
    return {
        "name": channel.name,
        "organisation_id": str(channel.organisation_id) if channel.organisation_id else None,
        "events": channel.events,
        "shown": channel.shown,
    }
