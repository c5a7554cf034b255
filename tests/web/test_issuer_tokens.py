"""JWTs of an organisation's own issuer: C4, T11, T39, and F21 for the clock that counts."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any
from uuid import UUID

import pytest
from joserfc.jwk import Key
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.models import AuditEvent, Delivery, TokenIssuer, Upload
from app.system import System
from tests.factories.bundles import make_tgz
from tests.factories.issuers import (
    AUDIENCE,
    claims_of,
    ec_key,
    rsa_key,
    sign,
)
from tests.factories.mailbox import spread_all
from tests.fakes import FakeFetcher
from tests.web.callers import Caller
from tests.web.looks import problem

TGZ = make_tgz({"etc/hostname": b"ci-01\n"})


def ask(machine: Caller, token: str) -> TestResponse:
    return machine.get("/api/v1/uploads", headers={"Authorization": f"Bearer {token}"})


def test_a_machine_sends_and_reads_as_its_organisation(
    machine: Caller, customer: Caller, system: System
) -> None:
    sent = machine.put(TGZ)
    assert sent.status_code == 201, sent.text
    found = customer.get(f"/api/v1/uploads/{sent.json['id']}")  # type: ignore[index]
    assert found.status_code in {200, 202}
    with system.work() as uow:
        upload = uow.session.get_one(Upload, UUID(sent.json["id"]))  # type: ignore[index]
        assert upload.uploader_id == machine.account.id
        row = uow.session.scalars(select(AuditEvent).where(AuditEvent.upload_id == upload.id)).first()
        assert row is not None
        assert (row.means, row.on_behalf_of) == ("issuer Build server", customer.actor.organisation_name)
        assert row.actor_label.endswith("@machines.invalid")
        assert uow.session.scalar(select(TokenIssuer.last_used_at)) is not None


def test_no_mail_goes_to_a_machine(machine: Caller, customer: Caller, system: System) -> None:
    for who in (customer, machine):
        assert who.put(TGZ).status_code == 201
    spread_all(system)
    with system.work() as uow:
        assert list(uow.session.scalars(select(Delivery.recipient))) == [customer.account.email]


@pytest.mark.parametrize("key", [rsa_key(), ec_key()], ids=["RS256", "ES256"])
@pytest.mark.parametrize("typ", ["at+jwt", "application/at+jwt", "AT+JWT", "JWT", None])
def test_what_is_signed_right_gets_in(
    machine: Caller, issuer: TokenIssuer, key: Key, typ: str | None
) -> None:
    assert ask(machine, sign(claims_of(issuer), key, typ=typ)).status_code == 200


GOOD: dict[str, dict[str, Any]] = {
    "aud in a list": {"aud": ["https://other.example", AUDIENCE]},
    "azp names the client": {"client_id": None, "azp": "=client"},
    "sub names the client": {"client_id": None},
    "scp as a list": {"scope": None, "scp": ["uploads:read"]},
    "no iat": {"iat": None},
    "a clock 50 s behind": {"exp": "-50"},
    "a clock 50 s ahead": {"iat": "+50", "nbf": "+50"},
    "times with a fraction": {"exp": "+300.5"},
}


def made(issuer: TokenIssuer, other: dict[str, Any]) -> dict[str, Any]:
    """Return claims; "=client" stands for the client, "+50" for a moment from now."""

    def value(given: Any) -> Any:
        if given == "=client":
            return issuer.client_id
        if isinstance(given, str) and given[:1] in {"+", "-"}:
            return time.time() + float(given) if "." in given else int(time.time()) + int(given)
        return given

    return claims_of(issuer, **{name: value(each) for name, each in other.items()})


@pytest.mark.parametrize("other", GOOD.values(), ids=GOOD.keys())
def test_variants_that_issuers_send_get_in(
    machine: Caller, issuer: TokenIssuer, other: dict[str, Any]
) -> None:
    assert ask(machine, sign(made(issuer, other))).status_code == 200


BAD: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://id.evil.example"},
    "the issuer with a slash": {"iss": "https://id.acme.example/"},
    "no issuer": {"iss": None},
    "an issuer that is no text": {"iss": ["https://id.acme.example"]},
    "an issuer with a NUL": {"iss": "https://id.acme.example\x00"},
    "an issuer with half a character": {"iss": "\ud800"},
    "another audience": {"aud": "https://other.example"},
    "a part of the audience": {"aud": "https://diagport"},
    "no audience": {"aud": None},
    "an empty audience": {"aud": []},
    "an audience that is an object": {"aud": {"https://diagport.example": 1}},
    "another client": {"client_id": "laptop"},
    "another client, though sub is right": {"client_id": "laptop", "sub": "=client"},
    "azp of another": {"client_id": None, "azp": "laptop", "sub": "=client"},
    "expired": {"exp": "-61"},
    "never expires": {"exp": None},
    "expires at infinity": {"exp": 1e999},
    "expires in words": {"exp": "never"},
    "expires truly": {"exp": True},
    "from the future": {"iat": "+120"},
    "not yet": {"nbf": "+120"},
    "scope that is a number": {"scope": 7},
    "scp of numbers": {"scope": None, "scp": [7]},
}


@pytest.mark.parametrize("other", BAD.values(), ids=BAD.keys())
def test_wrong_claims_are_nobody(machine: Caller, issuer: TokenIssuer, other: dict[str, Any]) -> None:
    """C4. Signed by the right key, every one of them."""
    problem(ask(machine, sign(made(issuer, other))), 401, "not_signed_in")


HEADERS: dict[str, dict[str, Any]] = {
    "unknown kid": {"kid": "rsa-2"},
    "kid of the other kind of key": {"kid": "ec-1"},
    "kid that is no text": {"kid": ["rsa-1"]},
    "crit": {"crit": ["exp"]},
    "an ID token's cousin": {"typ": "logout+jwt"},
    "PS256": {"alg": "PS256"},
    "RS512": {"alg": "RS512"},
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS.keys())
def test_wrong_headers_are_nobody(machine: Caller, issuer: TokenIssuer, header: dict[str, Any]) -> None:
    """C4, and ASVS 9.1.2, 9.2.2."""
    token = sign(claims_of(issuer))
    _, payload, signature = token.split(".")
    first = {"alg": "RS256", "typ": "at+jwt", "kid": "rsa-1"} | header
    if header.get("alg"):
        problem(ask(machine, sign(claims_of(issuer), **header)), 401, "not_signed_in")
    problem(ask(machine, f"{encode(first)}.{payload}.{signature}"), 401, "not_signed_in")


def encode(what: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(what).encode()).decode().rstrip("=")


def forged(issuer: TokenIssuer) -> dict[str, str]:
    good = sign(claims_of(issuer))
    first, second, third = good.split(".")
    public = rsa_key().as_pem(private=False)
    hs = f"{encode({'alg': 'HS256', 'typ': 'at+jwt', 'kid': 'rsa-1'})}.{second}"
    mac = base64.urlsafe_b64encode(hmac.digest(public, hs.encode(), hashlib.sha256)).decode().rstrip("=")
    other = claims_of(issuer, scope="uploads:write uploads:read uploads:download admin")
    evil = rsa_key("evil")
    return {
        "alg none": f"{encode({'alg': 'none'})}.{second}.",
        "alg none with a signature": f"{encode({'alg': 'none'})}.{second}.{third}",
        "HS256 with the public key": f"{hs}.{mac}",
        "other claims, same signature": f"{first}.{encode(other)}.{third}",
        "a flipped bit": good[:-8] + ("A" if good[-8] != "A" else "B") + good[-7:],
        "cut": good[:-10],
        "no signature": f"{first}.{second}.",
        "another's key by the right name": sign(claims_of(issuer), evil, kid="rsa-1"),
        "a key that comes along": sign(claims_of(issuer), evil, kid=None, jwk=evil.as_dict(private=False)),
        "keys from elsewhere": sign(claims_of(issuer), evil, jku="https://id.evil.example/jwks"),
        "a certificate from elsewhere": sign(claims_of(issuer), evil, x5u="https://id.evil.example/x5u"),
        "too long": sign(claims_of(issuer, filler="x" * 8000)),
        "three dots' worth of nothing": "..",
        "not base64": "a!.b!.c!",
        "not JSON": ".".join(["bm8"] * 3),
        "a list": f"{encode([])}.{encode([])}.{third}",
        "deep": f"{base64.urlsafe_b64encode(b'[' * 3000).decode().rstrip('=')}.{second}.{third}",
    }


def test_forged_tokens_are_nobody_and_fetch_nothing_from_elsewhere(
    machine: Caller, issuer: TokenIssuer, fetcher: FakeFetcher
) -> None:
    """C4."""
    for name, token in forged(issuer).items():
        assert ask(machine, token).status_code == 401, name
    assert set(fetcher.asked) <= {issuer.jwks_url}
    assert ask(machine, sign(claims_of(issuer))).status_code == 200  # and the same connection is who it was
