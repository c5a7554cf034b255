"""From a JWT of an organisation's own issuer to who acts (RFC 6750, RFC 9068).

Such a token may come again and again until it expires: it is a pass, not a ticket for one journey.
"""

from app.domain import access_token
from app.domain.access_token import TokenRefusedError
from app.domain.errors import FetchError
from app.domain.policy import Actor, Pass
from app.log import get_logger
from app.queries import accounts
from app.queries import issuers as issuers_query
from app.services import issuers, signatures
from app.web.context import system, system_work

log = get_logger(__name__)


def actor_with(token: str, address: str | None) -> Actor | None:
    """Return who acts by the token; None if it is not good, and only our log says why."""
    try:
        return _actor_with(token, address)
    except TokenRefusedError as error:
        log.info("jwt_refused", why=str(error))
    except FetchError as error:
        log.warning("jwt_refused", why=error.message, **error.context)
    return None


def _actor_with(token: str, address: str | None) -> Actor:
    said = access_token.read(token)
    with system_work() as uow:
        named = issuers_query.named_by(uow.session, said)
    if named is None:
        raise TokenRefusedError(f"no integration for {said.issuer[:200]}, {said.client[:200]}")
    issuer = named.issuer
    if said.algorithm not in issuer.algorithms:
        raise TokenRefusedError(f"signed by {said.algorithm}, which {issuer.name} does not use")
    access_token.check_time(said, named.now)  # the database's clock, as everywhere
    # The keys may have to be fetched: nothing of the database is held meanwhile.
    key = system().adapters.keys.find(issuer.jwks_url, said.algorithm, said.key_id)
    if key is None:
        raise TokenRefusedError(f"{issuer.name} publishes no such key")
    signatures.check(token, key)
    if named.unnoted:
        with system_work() as uow:
            issuers.touch(uow, issuer.id)
    scopes = access_token.granted(said, issuer.scopes)
    came_by = Pass(issuer_id=issuer.id)
    return accounts.actor_of(issuer.account, address, scopes, means=f"issuer {issuer.name}", came_by=came_by)
