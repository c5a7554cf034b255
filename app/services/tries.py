"""Limits on trying: passwords, codes, tickets. Counted in Postgres, where no restart forgets them.

A try counts as failed until it has succeeded, so that a crowd of tries at once gets no more than
one after the other. What is counted is one subject in one network: whoever tries at somebody's
account from elsewhere does not lock its owner out. Only where nobody gets without a password or a
session of that account is the subject counted over all networks as well.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import ip_address, ip_network

from sqlalchemy import case, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.domain.errors import TooManyTriesError
from app.models import TryCount
from app.uow import UnitOfWork


class Kind(StrEnum):
    """What is tried; each is counted by itself."""

    SIGN_IN = "sign_in"
    SECOND_FACTOR = "second_factor"
    CONFIRM = "confirm"  # who one is, once more
    RESET = "reset"  # asked for: every one counts
    PASSKEY = "passkey"  # that signs in by itself
    TICKET = "ticket"
    PROVIDER = "provider"
    DEPARTURE = "departure"  # to a provider: until they come back
    INVITE = "invite"  # a colleague: every one counts, for a refusal tells of an account elsewhere


@dataclass(frozen=True, slots=True)
class Failed:
    """How often, and when it was the first time of those that count."""

    times: int
    since: datetime


#: Tried by nobody who has not proved something of the account's: strangers cannot lock its owner out.
_EVERYWHERE = frozenset({Kind.SECOND_FACTOR, Kind.CONFIRM})
_ALL_NETWORKS = "*"
_NETWORKS = 3  # so many times what one network may fail, all may

_TOO_MANY = "That was tried too often from your network. For safety, it has to wait a little."
_TOO_MANY_EVERYWHERE = "That was tried too often for your account. For safety, it has to wait a little."


def begin(uow: UnitOfWork, kind: Kind, subject: str | None, address: str | None) -> int:
    """Count a try as failed, before it is made; commit before making it.

    ``subject`` is whom it is tried as, for example a mail address as typed; only its SHA-256 is kept.
    None: who it is will be seen, and only the network counts.
    Return how many have failed for it before, lately and in this network.

    Raises:
        TooManyTriesError: enough have failed lately; this one must not be made.
    """
    network, most = _network(address), uow.settings.max_tries
    failures = 1
    # In this order, as in `succeeded`: two at once must not wait for each other.
    if subject is not None:
        failures = _count_one(uow, kind, _digest(subject), network, most)
        if kind in _EVERYWHERE:
            _count_one(uow, kind, _digest(subject), _ALL_NETWORKS, most * _NETWORKS)
    _count_one(uow, kind, "", network, uow.settings.max_network_tries)
    return failures - 1


def succeeded(uow: UnitOfWork, kind: Kind, subject: str | None, address: str | None) -> None:
    """Take back what `begin` counted, and forget what had failed for this subject in this network.

    What failed for it in other networks stays: it was somebody else, perhaps.
    """
    network = _network(address)
    if subject is not None:
        row = TryCount.kind == kind, TryCount.subject == _digest(subject)
        uow.session.execute(delete(TryCount).where(*row, TryCount.network == network))
        _take_back(uow, kind, _digest(subject), _ALL_NETWORKS)
    _take_back(uow, kind, "", network)


def everywhere(uow: UnitOfWork, kind: Kind, subject: str) -> Failed:
    """Return what has failed for ``subject`` in all networks, with the try that `begin` has just counted."""
    row = select(TryCount.failures, TryCount.since).where(
        TryCount.kind == kind, TryCount.subject == _digest(subject), TryCount.network == _ALL_NETWORKS
    )
    return Failed(*uow.session.execute(row).one())


def forget_old(uow: UnitOfWork) -> None:
    """Delete what counts no more."""
    window = timedelta(seconds=uow.settings.tries_window)
    uow.session.execute(delete(TryCount).where(TryCount.since < func.now() - window))


def _take_back(uow: UnitOfWork, kind: Kind, subject: str, network: str) -> None:
    row = TryCount.kind == kind, TryCount.subject == subject, TryCount.network == network
    uow.session.execute(
        update(TryCount).where(*row, TryCount.failures > 0).values(failures=TryCount.failures - 1)
    )


def _count_one(uow: UnitOfWork, kind: Kind, subject: str, network: str, most: int) -> int:
    """Add one failure; return how many there are in the window. Raises TooManyTriesError: over ``most``."""
    window = timedelta(seconds=uow.settings.tries_window)
    over = TryCount.since < func.now() - window
    row = uow.session.execute(
        insert(TryCount)
        .values(kind=str(kind), subject=subject, network=network, failures=1)
        .on_conflict_do_update(
            index_elements=["kind", "subject", "network"],
            set_={
                "failures": case((over, 1), else_=TryCount.failures + 1),
                "since": case((over, func.now()), else_=TryCount.since),
                "last_at": func.now(),
            },
        )
        .returning(TryCount.failures, func.extract("epoch", TryCount.since + window - func.now()))
    ).one()
    failures, wait = row[0], max(1, int(row[1]))
    if failures > most:
        words = _TOO_MANY_EVERYWHERE if network == _ALL_NETWORKS else _TOO_MANY
        raise TooManyTriesError(words, wait, kind=kind, of_network=not subject)
    return int(failures)


def _digest(subject: str) -> str:
    return hashlib.sha256(subject.strip().lower().encode("utf-8", "surrogatepass")).hexdigest()


def _network(address: str | None) -> str:
    """Return the network that one sender can take addresses from: a /24, or a /64 of IPv6."""
    if not address:  # it came over a Unix socket
        return ""
    known = ip_address(address.partition("%")[0])
    if known.version == 6 and known.ipv4_mapped:
        known = known.ipv4_mapped
    return str(ip_network(f"{known}/{24 if known.version == 4 else 64}", strict=False))
