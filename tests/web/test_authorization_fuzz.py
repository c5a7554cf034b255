"""C3: whatever stands in Authorization is somebody known or nobody, never an error; and nobody stays so."""

import base64
import json
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.models import TokenIssuer
from tests.factories.issuers import claims_of, sign
from tests.web.callers import Browser, Caller

SCHEMES = (
    "Bearer",
    "bearer",
    "BEARER",
    "Basic",
    "AWS4-HMAC-SHA256",
    "Digest",
    "Negotiate",
    "JWT",
    "Token",
    "",
)
#: What a header may hold: Latin-1 but for the ends of lines, which no server hands on.
LINE = st.text(st.characters(min_codepoint=1, max_codepoint=255, exclude_characters="\r\n"), max_size=200)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _part(known: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Draw what is right, with some of it replaced by anything."""
    return st.dictionaries(st.sampled_from(sorted(known)), JSON, max_size=3).map(lambda other: known | other)


@pytest.fixture
def nobody(app: Flask, customer: Caller) -> Caller:
    """Give somebody with nothing, whose client goes on from request to request."""
    customer.headers = {}
    customer.client = app.test_client()
    return customer


def check(nobody: Caller, header: str) -> None:
    refused = nobody.get("/api/v1/uploads", headers={"Authorization": header})
    assert refused.status_code == 401, header
    assert "Set-Cookie" not in refused.headers, header
    assert nobody.get("/api/v1/uploads").status_code == 401, header
    assert nobody.get("/healthz", headers={"Authorization": header}).status_code == 200, header


FUZZ = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)


@FUZZ
@given(scheme=st.sampled_from(SCHEMES), rest=LINE)
def test_any_line(nobody: Caller, scheme: str, rest: str) -> None:
    check(nobody, f"{scheme} {rest}")


@FUZZ
@given(
    user=st.binary(max_size=30), password=st.binary(max_size=30), colon=st.sampled_from([b":", b"", b"::"])
)
def test_any_basic(nobody: Caller, user: bytes, password: bytes, colon: bytes) -> None:
    check(nobody, "Basic " + base64.b64encode(user + colon + password).decode())


@FUZZ
@given(data=st.data())
def test_any_signature_of_s3(nobody: Caller, data: st.DataObject) -> None:
    """CrushFTP's hole, CVE-2025-31161."""
    user = data.draw(st.sampled_from(["crushadmin", nobody.account.email, str(nobody.account.id), ""]))
    tail = data.draw(st.sampled_from(["/", "/20260101/eu/s3/aws4_request, SignedHeaders=host, Signature=0"]))
    check(nobody, f"AWS4-HMAC-SHA256 Credential={user}{tail}")


@FUZZ
@given(data=st.data())
def test_any_jwt(nobody: Caller, issuer: TokenIssuer, data: st.DataObject) -> None:
    header = data.draw(_part({"alg": "RS256", "typ": "at+jwt", "kid": "rsa-1"}))
    claims = data.draw(_part(claims_of(issuer)))
    signature = data.draw(st.binary(max_size=300))
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    check(nobody, "Bearer " + ".".join(map(encode, parts)))


@FUZZ
@given(data=st.data())
def test_a_good_jwt_with_one_character_changed(
    nobody: Caller, issuer: TokenIssuer, data: st.DataObject
) -> None:
    good = sign(claims_of(issuer, exp=4_000_000_000, iat=1_700_000_000, jti="1"))
    at = data.draw(st.integers(0, len(good) - 2))  # the last holds bits that mean nothing (RFC 4648, 3.5)
    other = data.draw(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=good[at]))
    check(nobody, f"Bearer {good[:at]}{other}{good[at + 1 :]}")
    assert nobody.get("/api/v1/uploads", headers={"Authorization": f"Bearer {good}"}).status_code == 200


@pytest.mark.parametrize(
    "header", ["Basic \x80", "Basic !!!", "Bearer", "Bearer a.b.c", "AWS4-HMAC-SHA256 x/", ""]
)
def test_what_is_sent_outranks_a_cookie_even_when_it_is_nonsense(
    browser: Browser, customer: Caller, header: str
) -> None:
    """Who sends credentials is judged by them alone; the session goes on without."""
    browser.sign_in(customer.account.email)
    assert browser.get("/files", headers={"Authorization": header}).status_code == 303
    assert browser.signed_in()
