"""An OpenID provider that does whatever a test wants, without a network: a Fetcher that answers itself."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from app.domain.errors import FetchError
from app.ports import Fetched
from tests.fakes import FakeFetcher

Sign = Callable[["Hostile", dict[str, Any]], str]

#: Who somebody is, unless a test says otherwise.
PERSON = {"sub": "248289761001", "email": "jane@example.com", "email_verified": True, "name": "Jane Doe"}


@cache
def rsa_key(kid: str = "first") -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig", "alg": "RS256"}, private=True)


@cache
def ec_key() -> ECKey:
    return ECKey.generate_key("P-256", {"kid": "curve", "use": "sig", "alg": "ES256"}, private=True)


def rs256(provider: "Hostile", claims: dict[str, Any]) -> str:
    header = {"alg": "RS256", "typ": "JWT", "kid": provider.key.kid, **provider.header}
    text = f"{_b64(json.dumps(header).encode())}.{_b64(json.dumps(claims).encode())}"
    return f"{text}.{_b64(_private(provider.key).sign(text.encode(), PKCS1v15(), SHA256()))}"


def _private(key: RSAKey) -> RSAPrivateKey:
    assert isinstance(key.private_key, RSAPrivateKey)
    return key.private_key


def es256(_provider: "Hostile", claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "ES256", "kid": "curve"}, claims, ec_key(), ["ES256"])


def unsigned(_provider: "Hostile", claims: dict[str, Any]) -> str:
    return f"{_b64(json.dumps({'alg': 'none', 'typ': 'JWT'}).encode())}.{_b64(json.dumps(claims).encode())}."


def hs256_with_the_public_key(provider: "Hostile", claims: dict[str, Any]) -> str:
    """Use what everybody knows as if it were a secret that two share."""
    header = {"alg": "HS256", "kid": provider.key.kid, "typ": "JWT"}
    text = f"{_b64(json.dumps(header).encode())}.{_b64(json.dumps(claims).encode())}"
    return f"{text}.{_b64(hmac.digest(provider.key.as_pem(private=False), text.encode(), 'sha256'))}"


def tampered(provider: "Hostile", claims: dict[str, Any]) -> str:
    header, _, signature = rs256(provider, claims).split(".")
    return f"{header}.{_b64(json.dumps(claims | {'sub': 'somebody else'}).encode())}.{signature}"


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Asked:
    """What the portal sent somebody to the provider with."""

    client_id: str
    redirect_uri: str
    nonce: str
    challenge: str
    query: Mapping[str, str]


@dataclass
class Hostile:
    """One provider. What is None in ``claims``, ``said`` or ``metadata`` is left out."""

    issuer: str = "https://id.example"
    person: dict[str, Any] = field(default_factory=lambda: dict(PERSON))
    claims: dict[str, Any] = field(default_factory=dict)  # of the ID token, over what is right
    said: dict[str, Any] = field(default_factory=dict)  # of userinfo, besides
    metadata: dict[str, Any] = field(default_factory=dict)  # over what is right
    header: dict[str, Any] = field(default_factory=dict)  # of the ID token
    key: RSAKey = field(default_factory=rsa_key)  # it signs with
    published: list[Any] = field(default_factory=lambda: [rsa_key(), ec_key()])
    sign: Sign = rs256
    codes_last: bool = False  # it takes a code again and again
    answers: dict[str, Fetched] = field(default_factory=dict)  # by the end of the address, instead
    codes: dict[str, Asked] = field(default_factory=dict)
    redeemed: list[dict[str, str]] = field(default_factory=list)  # forms that came to the token endpoint
    visits: list[str] = field(default_factory=list)

    def consent(self, url: str, **more: str) -> str:
        """Let the person agree at ``url``; return where the browser is sent back to, with ``more``."""
        query = dict(parse_qsl(urlsplit(url).query))
        code = f"code-{self.issuer}-{len(self.codes)}"
        self.codes[code] = Asked(
            query["client_id"], query["redirect_uri"], query["nonce"], query["code_challenge"], query
        )
        back = {"code": code, "state": query["state"], "iss": self.issuer} | more
        place = urlsplit(query["redirect_uri"])
        return f"{place.path}?{urlencode({name: value for name, value in back.items() if value})}"

    def get(self, url: str, bearer: str | None) -> Fetched:
        self.visits.append(url)
        for end, answer in self.answers.items():
            if url.endswith(end):
                return answer
        if url.endswith("/.well-known/openid-configuration"):
            return _json(_without_none(self._metadata() | self.metadata))
        if url.endswith("/jwks"):
            return _json({"keys": [key.as_dict(private=False) for key in self.published]})
        if url.endswith("/userinfo") and bearer == "access":
            return _json({"sub": self.person["sub"]} | self.said)
        return Fetched(404, b"")

    def post(self, url: str, form: str, headers: Mapping[str, str]) -> Fetched:
        """Redeem a code, as RFC 7636 says."""
        assert url == f"{self.issuer}/token"
        sent = {name: values[0] for name, values in parse_qs(form).items()}
        self.redeemed.append(sent | {"Authorization": headers.get("Authorization", "")})
        if "/token" in self.answers:
            return self.answers["/token"]
        asked = self.codes.get(sent["code"])
        challenge = _b64(hashlib.sha256(sent["code_verifier"].encode()).digest())
        if asked is None or asked.challenge != challenge or asked.redirect_uri != sent["redirect_uri"]:
            return _json({"error": "invalid_grant", "error_description": "<script>alert(1)</script>"}, 400)
        if not self.codes_last:
            del self.codes[sent["code"]]
        now = int(time.time())
        right = {
            "iss": self.issuer, "aud": asked.client_id, "nonce": asked.nonce, "iat": now, "exp": now + 300,
        }  # fmt: skip
        if "max_age" in asked.query:
            right["auth_time"] = now
        claims = _without_none(self.person | right | self.claims)
        token = self.sign(self, claims)
        return _json({"access_token": "access", "token_type": "Bearer", "id_token": token})

    def _metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256", "none"],
            "authorization_response_iss_parameter_supported": True,
        }


class Network(FakeFetcher):
    """Where the hostile providers are."""

    def __init__(self, *providers: Hostile) -> None:
        super().__init__()
        self.providers = list(providers)

    def get(self, url: str, bearer: str | None = None) -> Fetched:
        return self._at(url).get(url, bearer)

    def post(self, url: str, form: str, headers: Mapping[str, str]) -> Fetched:
        return self._at(url).post(url, form, headers)

    def _at(self, url: str) -> Hostile:
        for provider in self.providers:
            if url.startswith(f"{provider.issuer}/"):
                return provider
        raise FetchError("Nobody is there.")


def _json(document: object, status: int = 200) -> Fetched:
    return Fetched(status, json.dumps(document).encode())


def _without_none(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
