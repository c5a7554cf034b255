"""The code flow with PKCE, by Authlib (RFC 6749, RFC 7636); see `providers` for when it is imported."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus, urlencode

from authlib.common.security import generate_token
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.base import OAuth2Error
from authlib.oauth2.client import OAuth2Client

from app.adapters.openid.metadata import Metadata
from app.domain.errors import BadRequestError, FetchError
from app.ports import Fetched, Fetcher
from app.ports.openid import Client, Departure, Return

_SCOPE = "openid email profile"


def begin(fetcher: Fetcher, client: Client, metadata: Metadata, *, again: bool) -> Departure:
    """Return where to send the browser, and what to know when it is back; ``again``: to prove itself anew."""
    state, nonce, verifier = generate_token(43), generate_token(43), generate_token(64)
    url, _ = _oauth(fetcher, client).create_authorization_url(
        metadata.authorization_endpoint,
        state=state,
        nonce=nonce,
        code_verifier=verifier,
        **({"prompt": "login", "max_age": 0} if again else {}),
    )
    return Departure(url, state, nonce, verifier)


def redeem(fetcher: Fetcher, client: Client, metadata: Metadata, back: Return) -> Mapping[str, Any]:
    """Return what the provider gives for the code: its answer, whose tokens nobody has looked at.

    Raises:
        BadRequestError: the code is good no more.
        FetchError: the provider is away, does not accept the portal, or answers with nonsense.
    """
    try:
        token: Mapping[str, Any] = _oauth(fetcher, client).fetch_token(
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


def _oauth(fetcher: Fetcher, client: Client) -> OAuth2Client:
    return OAuth2Client(
        _Session(fetcher),
        client_id=client.client_id,
        scope=_SCOPE,
        redirect_uri=client.redirect_uri,
        code_challenge_method="S256",
    )


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
