"""Web addresses that people type in, taken apart in the one way that everybody takes them."""

from typing import Final
from urllib.parse import SplitResult, urlsplit

MAX_URL: Final = 2000
_AMBIGUOUS: Final = frozenset(' \\"<>^`{|}')


def take_apart(url: str) -> SplitResult:
    """Return the parts of an http(s) address.

    Raises:
        ValueError: it could be read in two ways, or says more than an address should. The words are
            for people.
    """
    if len(url) > MAX_URL or not url.isascii() or not url.isprintable() or set(url) & _AMBIGUOUS:
        raise ValueError("That is not an address that can be fetched.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError("That is not an address that can be fetched.") from error
    if parts.scheme not in {"https", "http"}:
        raise ValueError("The address must begin with https://.")
    if not parts.hostname or "@" in parts.netloc or parts.fragment or port == 0:
        raise ValueError("The address needs a host, and neither a user, a password nor a #.")
    return parts
