"""Signing in through providers: the code flow with PKCE (OpenID Connect Core 1.0, RFC 9700)."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from app.adapters.openid.metadata import KnownProviders
from app.domain.errors import FetchError, ForbiddenError
from app.ports import Fetcher, SigningKeys
from app.ports.openid import Client, Departure, Return


class OpenIdProviders:
    """`app.ports.openid.OpenId` with Authlib for OAuth, joserfc for tokens, and a guarded fetcher.

    Both libraries cost a process 3 MB: they are imported where somebody comes through a provider.
    """

    def __init__(self, fetcher: Fetcher, keys: SigningKeys, *, loopback: bool = False) -> None:
        self._fetcher, self._keys = fetcher, keys
        self._known = KnownProviders(fetcher, loopback=loopback)

    def depart(self, client: Client, *, again: bool) -> Departure:
        """See the port."""
        from app.adapters.openid import code_flow

        return code_flow.begin(self._fetcher, client, self._known.of(client.issuer), again=again)

    def arrive(self, client: Client, back: Return) -> Mapping[str, Any]:
        """See the port."""
        from app.adapters.openid import code_flow, id_tokens

        metadata = self._known.of(client.issuer)
        # Whose answer this is: another provider's must not be taken for this one's (RFC 9207).
        if back.issuer != metadata.issuer and (back.issuer is not None or metadata.names_itself):
            raise ForbiddenError(
                "The answer came from another provider than the one you were sent to. Start again.",
                why="issuer of the answer",
            )
        token = code_flow.redeem(self._fetcher, client, metadata, back)
        claims = id_tokens.verify(token.get("id_token"), metadata, client.client_id, back, self._keys)
        if metadata.userinfo_endpoint and back.wanted - claims.keys():
            said = self._userinfo(metadata.userinfo_endpoint, token, claims["sub"])
            return _joined(claims, said, back.flag)
        return claims

    def look(self, issuer: str) -> Sequence[str]:
        """See the port."""
        try:
            metadata = self._known.fetch(issuer)
            report = self._keys.look(metadata.jwks_uri)
        except FetchError as error:
            return [error.message]
        problems = []
        if not metadata.algorithms:
            problems.append("The provider signs with neither RS256 nor ES256.")
        if not report.keys:
            problems.extend(report.problems or ["The provider publishes no keys."])
        return problems

    def _userinfo(self, url: str, token: Mapping[str, Any], subject: str) -> Mapping[str, Any]:
        """Return what else the provider says of the person (OpenID Connect Core 1.0 section 5.3)."""
        answer = self._fetcher.get(url, str(token.get("access_token")))
        try:
            said = json.loads(answer.content) if answer.status == 200 else {}
        except (ValueError, RecursionError):  # signed, perhaps: then it is not for us
            said = {}
        if not isinstance(said, dict) or said.get("sub") != subject:
            return {}
        return said


def _joined(claims: Mapping[str, Any], said: Mapping[str, Any], flag: str) -> Mapping[str, Any]:
    """Add what userinfo says to the claims of the ID token, whose word is worth more.

    That an address is verified, the claim ``flag``, is said of the address in the same document.
    """
    if claims.get("email") is None:
        claims = _without(claims, flag)
    elif said.get("email") != claims["email"]:
        said = _without(said, flag)
    return {**said, **claims}


def _without(document: Mapping[str, Any], flag: str) -> Mapping[str, Any]:
    return {name: value for name, value in document.items() if name not in {"email", flag}}
