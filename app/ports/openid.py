"""Providers that say who a person is (OpenID Connect Core 1.0), as a Protocol."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Client:
    """The portal as one provider knows it."""

    issuer: str  # the provider's name, a URL
    client_id: str
    client_secret: str | None  # None: a public client, PKCE alone shows who asks
    redirect_uri: str  # where people come back to


@dataclass(frozen=True, slots=True)
class Departure:
    """Where to send a person, and what must be kept until they come back."""

    url: str
    state: str
    nonce: str
    verifier: str  # of PKCE (RFC 7636)


@dataclass(frozen=True, slots=True)
class Return:
    """What a person came back with, and what was kept of their departure. Times are seconds since 1970."""

    code: str
    issuer: str | None  # as the answer names it (RFC 9207)
    nonce: str
    verifier: str
    now: float
    wanted: frozenset[str] = frozenset()  # claims to ask for elsewhere if the ID token has not got them
    flag: str = "email_verified"  # the claim that says that the claim "email" is verified
    since: float | None = None  # the person must have signed in to the provider later than this


class OpenId(Protocol):
    """Never call it with a database connection in hand: it visits the provider."""

    def depart(self, client: Client, *, again: bool) -> Departure:
        """Begin a sign-in; ``again``: the provider shall ask the person anew, signed in there or not.

        Raises:
            FetchError: the provider cannot be reached, or is no such.
        """

    def arrive(self, client: Client, back: Return) -> Mapping[str, Any]:
        """Redeem the code; return the claims about the person, "sub" among them, which were verified.

        Raises:
            BadRequestError: the provider does not take the code: it was used, or is too old.
            ForbiddenError: what the provider says must not be believed, or is of another provider.
            FetchError: the provider cannot be reached, or does not know the portal.
        """

    def look(self, issuer: str) -> Sequence[str]:
        """Visit the provider now; return what is wrong with it, a sentence each."""
