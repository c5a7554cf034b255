"""Network addresses, and the networks that they must lie in."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from app.domain.errors import InvalidInputError


def clean_networks(typed: Iterable[str], most: int) -> tuple[str, ...]:
    """Return networks as they are kept (CIDR); an address alone is a network of one.

    Raises:
        InvalidInputError: one is none, or there are more than ``most``.
    """
    networks: dict[str, None] = {}
    for text in typed:
        try:
            networks[str(ip_network(text.strip()))] = None
        except ValueError as error:
            raise InvalidInputError(
                f"{text.strip()[:50]!r} is not a network. Write networks as 192.0.2.0/24 or 2001:db8::/32."
            ) from error
    if len(networks) > most:
        raise InvalidInputError(f"Name {most} networks at most.")
    return tuple(networks)


def is_from(networks: Iterable[str], address: str | None) -> bool:
    """Whether a network address lies in one of ``networks`` (CIDR), of which no one means everywhere."""
    allowed = [ip_network(network) for network in networks]
    if not allowed:
        return True
    return any(found in network for found in _parse(address) for network in allowed)


def _parse(address: str | None) -> list[IPv4Address | IPv6Address]:
    """Return the address, in both kinds where it is both: ::ffff:192.0.2.1 is how some sockets show IPv4.

    Nothing for what is none, as over a Unix socket or from a careless proxy.
    """
    try:
        found = ip_address((address or "").partition("%")[0])  # a zone says nothing about a network
    except ValueError:
        return []
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return [found, mapped] if mapped else [found]
