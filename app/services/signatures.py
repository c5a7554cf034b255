"""Whether a token was signed with a key (RFC 7515)."""

from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry, deserialize_compact

from app.domain.access_token import MAX_SIZE, TokenRefusedError
from app.ports import SigningKey


class _Registry(JWSRegistry):
    """Looks at no header but the algorithm: the others have been judged, or mean nothing to us."""

    max_header_length = MAX_SIZE


def check(token: str, key: SigningKey) -> None:
    """Raises TokenRefusedError: it was not signed with the key and the key's one algorithm."""
    registry = _Registry(algorithms=[key.algorithm], strict_check_header=False)
    try:
        deserialize_compact(token, key.key, registry=registry)
    except (JoseError, ValueError, TypeError) as error:
        raise TokenRefusedError("not signed with the issuer's key") from error
