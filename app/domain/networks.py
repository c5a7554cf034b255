"""Network addresses, and the networks that they must lie in."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from app.domain.errors import InvalidInputError

Address = IPv4Address | IPv6Address

_GLOBAL_V6: Final = IPv6Network("2000::/3")
_NAT64: Final = IPv6Network("64:ff9b::/96")  # the last four bytes are an IPv4 address (RFC 6052)
#: Within what is called global, and not the public Internet's (RFC 6890 and its registries).
_SPECIAL: Final = (
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.88.99.0/24"),
    IPv6Network("2001::/23"),  # Teredo and other ways into somebody's IPv4
    IPv6Network("2002::/16"),  # 6to4: the same
    IPv6Network("3fff::/20"),
)


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


def is_public(address: Address) -> bool:
    """Whether an address is somebody's on the public Internet, however it is written."""
    if isinstance(address, IPv6Address):
        if inner := address.ipv4_mapped:
            return is_public(inner)
        if address in _NAT64:
            return is_public(IPv4Address(address.packed[-4:]))
        if address not in _GLOBAL_V6 or address.scope_id:
            return False
    special = any(address in network for network in _SPECIAL)
    return address.is_global and not (special or address.is_multicast or address.is_reserved)


def _parse(address: str | None) -> list[Address]:
    """Return the address, in both kinds where it is both: ::ffff:192.0.2.1 is how some sockets show IPv4.

    Nothing for what is none, as over a Unix socket or from a careless proxy.
    """
    try:
        found = ip_address((address or "").partition("%")[0])  # a zone says nothing about a network
    except ValueError:
        return []
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return [found, mapped] if mapped else [found]
