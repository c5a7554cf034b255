"""JWTs with which machines come: taken apart, and compared with what we know (RFC 7519, RFC 9068).

Nothing here looks at the signature: until that is checked, all of it is only what somebody says.
"""

import json
import math
import re
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.domain.policy import Scope

ALGORITHMS: Final = ("RS256", "ES256")
MAX_SIZE: Final = 8000  # characters
LEEWAY: Final = 60.0  # seconds by which clocks may differ
_MAX_AUDIENCES = 20
_TYPES = {"jwt", "at+jwt", "application/at+jwt"}
_NO_TEXT = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


class TokenRefusedError(Exception):
    """Why a token is not taken: for our log, and for nobody else."""


@dataclass(frozen=True, slots=True)
class Said:
    """What an unproven token says of itself."""

    algorithm: str
    key_id: str | None
    issuer: str
    audiences: tuple[str, ...]
    client: str  # claim "client_id", else "azp", else "sub"
    scopes: frozenset[str]
    expires: float  # seconds since 1970
    not_before: float  # the later of "nbf" and "iat", if it has any


def looks_like_one(token: str) -> bool:
    """Whether it has the shape of a JWT: three parts."""
    return token.count(".") == 2


def read(token: str) -> Said:
    """Take a token apart. Raises TokenRefusedError for everything that we would not take anyway."""
    if len(token) > MAX_SIZE:
        raise TokenRefusedError("too long")
    if not _SHAPE.fullmatch(token):
        raise TokenRefusedError("not three parts in base64url")
    first, second, _ = token.split(".")
    header, claims = _object(first), _object(second)
    return Said(
        algorithm=_algorithm(header),
        key_id=_optional_text(header, "kid"),
        issuer=_text(claims, "iss"),
        audiences=_audiences(claims.get("aud")),
        client=_text(claims, next((name for name in ("client_id", "azp") if name in claims), "sub")),
        scopes=_scopes(claims),
        expires=_moment(claims["exp"]) if "exp" in claims else -math.inf,
        not_before=max((_moment(claims[name]) for name in ("nbf", "iat") if name in claims), default=0.0),
    )


def check_time(said: Said, now: datetime) -> None:
    """Raises TokenRefusedError: it is no longer good, or not yet, give or take `LEEWAY`."""
    at = now.timestamp()
    if at >= said.expires + LEEWAY:
        raise TokenRefusedError("expired, or never expires")
    if at < said.not_before - LEEWAY:
        raise TokenRefusedError("from the future (nbf, iat)")


def granted(said: Said, allowed: list[str]) -> frozenset[Scope]:
    """Return what the token may do: what it asks for, of what its issuer's tokens may do at most."""
    return frozenset(Scope(name) for name in said.scopes & set(allowed)) - {Scope.ADMIN}


def _object(part: str) -> dict[str, Any]:
    try:
        found = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise TokenRefusedError("not JSON in base64url") from error
    if not isinstance(found, dict):
        raise TokenRefusedError("not a JSON object")
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(name)  # NaN and the infinities, which JSON does not have


def _algorithm(header: dict[str, Any]) -> str:
    """Return the algorithm. What else a header offers, as keys or where to fetch some, is not looked at."""
    algorithm = header.get("alg")
    if algorithm not in ALGORITHMS:
        raise TokenRefusedError("signed by another algorithm")
    if "crit" in header:
        raise TokenRefusedError("wants something understood (crit)")
    kind = header.get("typ", "jwt")
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise TokenRefusedError("of another type (typ)")
    return str(algorithm)


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value or _NO_TEXT.search(value):
        raise TokenRefusedError(f"{name} is missing or not text")
    return value


def _optional_text(header: dict[str, Any], name: str) -> str | None:
    return _text(header, name) if name in header else None


def _audiences(value: Any) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else [value]
    if not 1 <= len(listed) <= _MAX_AUDIENCES:
        raise TokenRefusedError("aud is empty or too long")
    return tuple(_text({"aud": each}, "aud") for each in listed)


def _scopes(claims: dict[str, Any]) -> frozenset[str]:
    """Return what is asked for: claim "scope" (RFC 8693), or "scp", each as words or as a list."""
    value = claims.get("scope", claims.get("scp", ""))
    words = value.split(" ") if isinstance(value, str) else value
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise TokenRefusedError("scope is neither text nor a list of texts")
    return frozenset(words)


def _moment(value: Any) -> float:
    """Return a NumericDate."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenRefusedError("a time is not a number")
    try:
        moment = float(value)
    except OverflowError as error:
        raise TokenRefusedError("a time is no time") from error
    if not math.isfinite(moment):
        raise TokenRefusedError("a time is no time")
    return moment
