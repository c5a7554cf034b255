"""Whether a token was signed with a key (RFC 7515)."""

from app.domain.access_token import MAX_SIZE, TokenRefusedError
from app.ports import SigningKey


def check(token: str, key: SigningKey) -> None:
    """Raises TokenRefusedError: it was not signed with the key and the key's one algorithm."""
    from joserfc.errors import JoseError  # here: `adapters.jwks` says why
    from joserfc.jws import JWSRegistry, deserialize_compact

    # No header is looked at but the algorithm: the others have been judged, or mean nothing to us.
    registry = JWSRegistry(algorithms=[key.algorithm], strict_check_header=False)
    registry.max_header_length = MAX_SIZE
    try:
        deserialize_compact(token, key.key, registry=registry)
    except (JoseError, ValueError, TypeError) as error:
        raise TokenRefusedError("not signed with the issuer's key") from error
