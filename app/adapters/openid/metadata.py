"""What providers publish about themselves (OpenID Connect Discovery 1.0), kept for a while."""

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from app.domain.errors import FetchError
from app.ports import Fetcher

TTL = 600.0  # seconds for which it is taken as it is
GRAIN = 10.0  # seconds for which nobody asks again a provider that failed
MAX_KEPT = 200

#: By which an ID token may be signed. Never "none", and nothing with a secret that is shared.
ALGORITHMS = ("RS256", "ES256")
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True, slots=True)
class Metadata:
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    algorithms: Sequence[str]  # those of `ALGORITHMS` that it signs with
    auth_methods: Sequence[str]  # by which it lets a client say who it is
    names_itself: bool  # in every answer (RFC 9207)


class KnownProviders:
    """Fetches what a provider says of itself when that is not known, or is old."""

    def __init__(
        self, fetcher: Fetcher, *, loopback: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._fetcher, self._loopback, self._clock = fetcher, loopback, clock
        self._kept: dict[str, tuple[float, Metadata | FetchError]] = {}
        self._lock = threading.Lock()

    def of(self, issuer: str) -> Metadata:
        """Return what the issuer says of itself. Raises FetchError."""
        with self._lock:
            at, known = self._kept.get(issuer, (0.0, None))
        age = self._clock() - at
        if isinstance(known, Metadata) and age < TTL:
            return known
        if isinstance(known, FetchError) and age < GRAIN:
            raise FetchError(known.message, **known.context)
        return self.fetch(issuer)

    def fetch(self, issuer: str) -> Metadata:
        """Ask now, and keep the answer. Raises FetchError."""
        found: Metadata | FetchError
        try:
            found = self._read(issuer, self._fetcher.get(address(issuer)))
        except FetchError as error:
            found = error
        with self._lock:
            self._kept.pop(issuer, None)
            self._kept[issuer] = (self._clock(), found)
            if len(self._kept) > MAX_KEPT:
                del self._kept[next(iter(self._kept))]
        if isinstance(found, FetchError):
            raise found
        return found

    def _read(self, issuer: str, answer: Any) -> Metadata:
        if answer.status != 200:
            raise FetchError(f"{address(issuer)} answers with status {answer.status} instead of 200.")
        try:
            document = json.loads(answer.content)
        except (ValueError, RecursionError) as error:
            raise FetchError(f"{address(issuer)} is not JSON.", cause=repr(error)) from error
        if not isinstance(document, dict):
            raise FetchError(f"{address(issuer)} is not a JSON object.")
        if document.get("issuer") != issuer:
            raise FetchError("The provider calls itself by another name: the issuer must be exactly its own.")
        signs = _words(document, "id_token_signing_alg_values_supported", ["RS256"])
        return Metadata(
            issuer=issuer,
            authorization_endpoint=self._endpoint(document, "authorization_endpoint"),
            token_endpoint=self._endpoint(document, "token_endpoint"),
            jwks_uri=self._endpoint(document, "jwks_uri"),
            userinfo_endpoint=(
                self._endpoint(document, "userinfo_endpoint") if document.get("userinfo_endpoint") else None
            ),
            algorithms=[name for name in ALGORITHMS if name in signs],
            auth_methods=_words(document, "token_endpoint_auth_methods_supported", ["client_secret_basic"]),
            names_itself=document.get("authorization_response_iss_parameter_supported") is True,
        )

    def _endpoint(self, document: dict[str, Any], name: str) -> str:
        url = document.get(name)
        try:
            parts = urlsplit(url if isinstance(url, str) else "")
        except ValueError:
            parts = urlsplit("")
        plain = self._loopback and parts.scheme == "http" and parts.hostname in _LOOPBACK
        if not isinstance(url, str) or not parts.hostname or not (parts.scheme == "https" or plain):
            raise FetchError(f"The provider's {name} is missing, or does not begin with https://.")
        return url


def address(issuer: str) -> str:
    """Return where an issuer says what it is (OpenID Connect Discovery 1.0 section 4)."""
    return issuer.rstrip("/") + "/.well-known/openid-configuration"


def _words(document: dict[str, Any], name: str, default: list[str]) -> list[str]:
    value = document.get(name, default)
    return [word for word in value if isinstance(word, str)] if isinstance(value, list) else default
