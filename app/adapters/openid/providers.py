"""Signing in through providers: the code flow with PKCE (OpenID Connect Core 1.0, RFC 9700)."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote_plus, urlencode

from authlib.common.security import generate_token
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.base import OAuth2Error
from authlib.oauth2.client import OAuth2Client

from app.adapters.openid import id_tokens
from app.adapters.openid.metadata import KnownProviders, Metadata
from app.domain.errors import BadRequestError, FetchError, ForbiddenError
from app.ports import Fetched, Fetcher, SigningKeys
from app.ports.openid import Client, Departure, Return

_SCOPE = "openid email profile"


class OpenIdProviders:
    """`app.ports.openid.OpenId` with Authlib for OAuth, joserfc for tokens, and a guarded fetcher."""

    def __init__(self, fetcher: Fetcher, keys: SigningKeys, *, loopback: bool = False) -> None:
        self._fetcher, self._keys = fetcher, keys
        self._known = KnownProviders(fetcher, loopback=loopback)

    def depart(self, client: Client, *, again: bool) -> Departure:
        """See the port."""
        metadata = self._known.of(client.issuer)
        state, nonce, verifier = generate_token(43), generate_token(43), generate_token(64)
        url, _ = self._oauth(client).create_authorization_url(
            metadata.authorization_endpoint,
            state=state,
            nonce=nonce,
            code_verifier=verifier,
            **({"prompt": "login", "max_age": 0} if again else {}),
        )
        return Departure(url, state, nonce, verifier)

    def arrive(self, client: Client, back: Return) -> Mapping[str, Any]:
        """See the port."""
        metadata = self._known.of(client.issuer)
        # Whose answer this is: another provider's must not be taken for this one's (RFC 9207).
        if back.issuer != metadata.issuer and (back.issuer is not None or metadata.names_itself):
            raise ForbiddenError(
                "The answer came from another provider than the one you were sent to. Start again.",
                why="issuer of the answer",
            )
        token = self._redeem(client, metadata, back)
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

    def _oauth(self, client: Client) -> OAuth2Client:
        return OAuth2Client(
            _Session(self._fetcher),
            client_id=client.client_id,
            scope=_SCOPE,
            redirect_uri=client.redirect_uri,
            code_challenge_method="S256",
        )

    def _redeem(self, client: Client, metadata: Metadata, back: Return) -> Mapping[str, Any]:
        try:
            token: Mapping[str, Any] = self._oauth(client).fetch_token(
                metadata.token_endpoint,
                grant_type="authorization_code",
                code=back.code,
                code_verifier=back.verifier,
                auth=_client_auth(client, metadata),
            )
        except OAuth2Error as error:
            if error.error == "invalid_grant":
                raise BadRequestError(
                    "This sign-in was used already, or took too long. Start again.", why="invalid_grant"
                ) from error
            raise FetchError(
                "The provider does not accept the portal. Tell support: its settings need a look.",
                why=str(error.error)[:100],
            ) from error
        except (ValueError, TypeError, RecursionError) as error:
            raise FetchError(
                "The provider gave an answer that cannot be read. Try again later.", cause=repr(error)
            ) from error
        return token

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


def _client_auth(client: Client, metadata: Metadata) -> ClientAuth:
    """Choose how the portal says who it is: as clients that were not told otherwise do, if that is taken."""
    if not client.client_secret:
        return ClientAuth(client.client_id, None, "none")
    if "client_secret_post" in metadata.auth_methods and "client_secret_basic" not in metadata.auth_methods:
        return ClientAuth(client.client_id, client.client_secret, "client_secret_post")
    # RFC 6749 section 2.3.1: urlencoded first
    return ClientAuth(quote_plus(client.client_id), quote_plus(client.client_secret), "client_secret_basic")


class _Session:
    """What Authlib sends its requests through: in place of a session of `requests`."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher

    def post(self, url: str, data: Mapping[str, str], headers: Mapping[str, str], auth: Any) -> "_Answer":
        url, headers, body = auth.prepare("POST", url, dict(headers), urlencode(data))
        return _Answer(self._fetcher.post(url, body, headers))


class _Answer:
    def __init__(self, fetched: Fetched) -> None:
        self._fetched = fetched
        self.status_code = fetched.status

    def json(self) -> Any:
        return json.loads(self._fetched.content)

    def raise_for_status(self) -> None:
        if self.status_code >= 400:
            raise FetchError(f"The provider answers with status {self.status_code}.")
