"""ID tokens: whether to believe them (OpenID Connect Core 1.0 section 3.1.3.7)."""

import hmac
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwt import JWTClaimsRegistry

from app.adapters.openid.metadata import Metadata
from app.domain.errors import ForbiddenError
from app.ports import SigningKeys
from app.ports.openid import Return

LEEWAY = 60  # seconds that clocks may differ by
MAX_AGE = 600  # seconds since it was issued: the code was redeemed just now
_MAX_LENGTH = 64 * 1024
_MAX_SUBJECT = 255  # OpenID Connect Core 1.0 section 2


def verify(
    token: object, metadata: Metadata, client_id: str, back: Return, keys: SigningKeys
) -> dict[str, Any]:
    """Return the claims of an ID token.

    Raises:
        ForbiddenError: it must not be believed.
        FetchError: the provider's keys cannot be had.
    """
    if not isinstance(token, str) or len(token) > _MAX_LENGTH:
        raise _unbelievable("no ID token, or an overlong one")
    try:
        header = jws.extract_compact(token.encode()).headers()
        algorithm, key_id = header.get("alg"), header.get("kid")
        if not isinstance(algorithm, str) or algorithm not in metadata.algorithms:
            raise _unbelievable("algorithm", alg=algorithm)
        # A token of another kind is no ID token, though the same provider signed it (ASVS 9.2.2).
        if str(header.get("typ", "JWT")).upper() != "JWT":
            raise _unbelievable("type", typ=header["typ"])
        if key_id is not None and not isinstance(key_id, str):
            raise _unbelievable("key id")
        key = keys.find(metadata.jwks_uri, algorithm, key_id)
        if key is None:
            raise _unbelievable("unknown key", kid=key_id)
        claims = jwt.decode(token, key.key, algorithms=[algorithm]).claims
        _registry(metadata.issuer, client_id, back.now).validate(claims)
    except (JoseError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise _unbelievable("not valid", cause=repr(error)) from error
    _check_rest(claims, client_id, back)
    return claims


def _registry(issuer: str, client_id: str, now: float) -> JWTClaimsRegistry:
    return JWTClaimsRegistry(
        now=int(now),
        leeway=LEEWAY,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": client_id},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True},
    )


def _check_rest(claims: dict[str, Any], client_id: str, back: Return) -> None:
    audience, party = claims["aud"], claims.get("azp")
    if (isinstance(audience, list) and len(audience) > 1 and party is None) or (
        party is not None and party != client_id  # of whatever type: JSON has lists, which no set takes
    ):
        raise _unbelievable("authorized party")
    nonce = claims["nonce"]
    if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(), back.nonce.encode()):
        raise _unbelievable("nonce")
    if claims["iat"] < back.now - MAX_AGE:
        raise _unbelievable("issued long ago")
    subject = claims["sub"]
    if not isinstance(subject, str) or not 1 <= len(subject) <= _MAX_SUBJECT or not subject.isprintable():
        raise _unbelievable("subject")
    if back.since is not None:
        at = claims.get("auth_time")
        if isinstance(at, bool) or not isinstance(at, int | float) or not at >= back.since - LEEWAY:
            raise ForbiddenError(
                "Your provider did not ask you anew who you are. Sign out, sign in again, and go on then.",
                why="auth_time",
            )


def _unbelievable(why: str, **context: object) -> ForbiddenError:
    return ForbiddenError(
        "What the provider said about you cannot be verified. Start again; if it stays so, tell support.",
        why=f"ID token: {why}",
        **context,
    )
