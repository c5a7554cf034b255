"""An organisation's own issuer of tokens, its keys and what it signs."""

import json
import time
from functools import cache
from itertools import count
from typing import Any
from uuid import UUID

from joserfc import jws
from joserfc.jwk import ECKey, Key, RSAKey

from app.domain.policy import Scope
from app.models import Organisation, TokenIssuer
from app.services import issuers
from app.system import System
from tests.fakes import FakeFetcher

ISSUER, AUDIENCE, CLIENT = "https://id.acme.example", "https://diagport.example", "build-server"
_number = count(1)


@cache
def rsa_key(name: str = "rsa-1", bits: int = 2048) -> RSAKey:
    return RSAKey.generate_key(bits, {"kid": name})


@cache
def ec_key(name: str = "ec-1", curve: Any = "P-256") -> ECKey:
    return ECKey.generate_key(curve, {"kid": name})


def jwk_set(*keys: Key, **more: Any) -> bytes:
    """Return what an issuer publishes of its keys; ``more`` members go into each."""
    return json.dumps({"keys": [key.as_dict(private=False) | more for key in keys]}).encode()


def make_terms(**other: Any) -> issuers.Terms:
    terms = {
        "name": "Build server",
        "issuer": ISSUER,
        "audience": AUDIENCE,
        "client_id": CLIENT,
        "jwks_url": f"{ISSUER}/jwks",
        "algorithms": ["ES256", "RS256"],
        "scopes": [str(scope) for scope in issuers.SCOPES],
    }
    return issuers.Terms(**(terms | other))


def make_issuer(
    system: System, fetcher: FakeFetcher, organisation_id: UUID | None, *keys: Key, **terms: Any
) -> TokenIssuer:
    """Make an issuer and publish its keys: those of `rsa_key` and `ec_key`, unless others are given."""
    number = next(_number)
    own = {"client_id": f"{CLIENT}-{number}", "jwks_url": f"{ISSUER}/{number}/jwks"}
    with system.work() as uow:
        organisation = uow.session.get_one(Organisation, organisation_id)
        issuer = issuers.create(uow, organisation.id, make_terms(**(own | terms)))
    fetcher.pages[issuer.jwks_url] = jwk_set(*(keys or (rsa_key(), ec_key())))
    return issuer


def claims_of(issuer: TokenIssuer, *scopes: str, **other: Any) -> dict[str, Any]:
    """Return what a good token of the issuer says, but for ``other``; what is None there is left out."""
    now = int(time.time())
    claims = {
        "iss": issuer.issuer,
        "aud": issuer.audience,
        "sub": issuer.client_id,
        "client_id": issuer.client_id,
        "iat": now,
        "exp": now + 300,
        "jti": str(next(_number)),
        "scope": " ".join(scopes or (Scope.WRITE, Scope.READ, Scope.DOWNLOAD)),
    }
    return {name: value for name, value in (claims | other).items() if value is not None}


def sign(claims: dict[str, Any], key: Key | None = None, **header: Any) -> str:
    """Sign as an issuer does: by `rsa_key` unless another key is given."""
    key = key or rsa_key()
    algorithm = {"RSA": "RS256", "EC": "ES256"}[key.key_type]
    protected = {"alg": algorithm, "typ": "at+jwt", "kid": key.kid} | header
    protected = {name: value for name, value in protected.items() if value is not None}
    registry = jws.JWSRegistry(algorithms=[protected["alg"]], strict_check_header=False)
    return jws.serialize_compact(protected, json.dumps(claims), key, registry=registry)


def with_jwt(issuer: TokenIssuer, *scopes: str, **other: Any) -> dict[str, str]:
    """Return the Authorization header of a good token; see `claims_of`."""
    return {"Authorization": f"Bearer {sign(claims_of(issuer, *scopes, **other))}"}
