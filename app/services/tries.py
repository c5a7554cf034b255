"""Limits on trying: passwords, codes, links. Counted in Postgres, where no restart forgets them.

A try counts as failed until it has succeeded, so that a crowd of tries at once gets no more than
one after the other. What is counted is one subject in one network: whoever tries at somebody's
account from elsewhere does not lock its owner out.
"""

import hashlib
from datetime import timedelta
from enum import StrEnum
from ipaddress import ip_address, ip_network

from sqlalchemy import case, delete, func, update
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
    LINK = "link"
    TICKET = "ticket"
    PROVIDER = "provider"


def begin(uow: UnitOfWork, kind: Kind, subject: str, address: str | None) -> None:
    """Count a try as failed, before it is made; commit before making it.

    ``subject`` is whom it is tried as, for example a mail address as typed; only its SHA-256 is kept.

    Raises:
        TooManyTriesError: enough have failed lately; this one must not be made.
    """
    limits = ((_digest(subject), uow.settings.max_tries), ("", uow.settings.max_network_tries))
    for key, most in limits:
        failures, wait = _count(uow, kind, key, _network(address))
        if failures > most:
            raise TooManyTriesError(
                "Too many tries. Wait a little, then try again.", max(1, wait), kind=kind, of_network=not key
            )


def succeeded(uow: UnitOfWork, kind: Kind, subject: str, address: str | None) -> None:
    """Take back what `begin` counted, and forget what had failed for this subject in this network."""
    network = _network(address)
    uow.session.execute(
        delete(TryCount).where(
            TryCount.kind == kind, TryCount.subject == _digest(subject), TryCount.network == network
        )
    )
    of_all = TryCount.kind == kind, TryCount.subject == "", TryCount.network == network
    uow.session.execute(
        update(TryCount).where(*of_all, TryCount.failures > 0).values(failures=TryCount.failures - 1)
    )


def forget_old(uow: UnitOfWork) -> None:
    """Delete what counts no more."""
    window = timedelta(seconds=uow.settings.tries_window)
    uow.session.execute(delete(TryCount).where(TryCount.since < func.now() - window))


def _count(uow: UnitOfWork, kind: Kind, subject: str, network: str) -> tuple[int, int]:
    """Add one failure; return how many there are in the window, and the seconds until it ends."""
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
    return row[0], int(row[1])


def _digest(subject: str) -> str:
    return hashlib.sha256(subject.strip().lower().encode("utf-8", "surrogatepass")).hexdigest()


def _network(address: str | None) -> str:
    """Return the network that one sender can take addresses from: a /24, or a /64 of IPv6."""
    if address is None:
        return ""
    known = ip_address(address)
    if known.version == 6 and known.ipv4_mapped:
        known = known.ipv4_mapped
    return str(ip_network(f"{known}/{24 if known.version == 4 else 64}", strict=False))
