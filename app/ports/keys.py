"""The public keys with which issuers sign their tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from joserfc.jwk import Key


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A public key, RSA of 2,048 bits or more (RS256) or on the curve P-256 (ES256)."""

    id: str | None  # the member "kid" of its JWK
    algorithm: str
    key: "Key"


@dataclass(frozen=True, slots=True)
class KeyReport:
    """What an issuer publishes: the keys that are of use, and why others are not."""

    keys: Sequence[SigningKey]
    problems: Sequence[str]  # a sentence each


class SigningKeys(Protocol):
    """JWK sets (RFC 7517) by their addresses."""

    def find(self, url: str, algorithm: str, key_id: str | None) -> SigningKey | None:
        """Return the key that is named so, or the only one of ``algorithm`` if no name is given.

        Keys are kept for a while, so this seldom waits for the network; never call it with a
        database connection in hand.

        Raises:
            FetchError: the keys cannot be had.
        """

    def look(self, url: str) -> KeyReport:
        """Fetch the keys now, to say what is wrong with them. Raises FetchError."""
