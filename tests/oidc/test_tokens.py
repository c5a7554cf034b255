"""T38: the code flow, and ID tokens that must not be believed. Nobody gets in, and nothing is a 500."""

import base64
from urllib.parse import unquote_plus

import pytest

from app.system import System
from tests.oidc import hostile as lies
from tests.oidc.hostile import Hostile, rsa_key
from tests.oidc.refusing import Lie, answer, claim, header, refused, seconds_from_now, sign
from tests.oidc.world import SECRET, identities, leave, sessions, sign_in
from tests.web.callers import Browser

pytestmark = pytest.mark.usefixtures("provider", "jane")


def test_the_flow_is_code_with_pkce_state_and_nonce(
    browser: Browser, hostile: Hostile, system: System
) -> None:
    answer = sign_in(browser, hostile, query="?next=/files")
    assert (answer.status_code, answer.location) == (303, "/files")
    assert browser.signed_in()
    (session,) = sessions(system)
    assert session.factors == ["provider"]
    assert session.provider_id is not None
    (sent,) = hostile.redeemed
    assert sent["grant_type"] == "authorization_code"
    assert len(sent["code_verifier"]) >= 43
    assert sent["redirect_uri"] == "http://localhost/sign-in/with/acme/callback"


@pytest.mark.parametrize(
    ("methods", "way"),
    [
        (["client_secret_post"], "post"),
        (["private_key_jwt", "client_secret_post", "client_secret_basic"], "basic"),
        (None, "basic"),
    ],
)
def test_how_the_portal_says_who_it_is(
    browser: Browser, hostile: Hostile, methods: list[str] | None, way: str
) -> None:
    """RFC 6749 section 2.3.1: name and secret are urlencoded before they are joined by a colon."""
    hostile.metadata["token_endpoint_auth_methods_supported"] = methods
    sign_in(browser, hostile)
    (sent,) = hostile.redeemed
    if way == "post":
        assert (sent["client_id"], sent["client_secret"], sent["Authorization"]) == ("diagport", SECRET, "")
    else:
        joined = base64.b64decode(sent["Authorization"].removeprefix("Basic ")).decode()
        assert [unquote_plus(part) for part in joined.split(":")] == ["diagport", SECRET]
        assert "client_secret" not in sent


def test_what_somebody_is_sent_away_with(browser: Browser, hostile: Hostile) -> None:
    hostile.consent(leave(browser))
    hostile.consent(leave(browser))
    first, second = (asked.query for asked in hostile.codes.values())
    assert first["response_type"] == "code"
    assert first["code_challenge_method"] == "S256"
    assert set(first["scope"].split()) == {"openid", "email", "profile"}
    assert "prompt" not in first
    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name]) >= 43
        assert first[name] != second[name]


def test_es256_is_as_good(browser: Browser, hostile: Hostile) -> None:
    hostile.sign = lies.es256
    assert sign_in(browser, hostile).status_code == 303
    assert browser.signed_in()


@pytest.mark.parametrize(
    "lie",
    [
        pytest.param(claim(nonce="another"), id="nonce"),
        pytest.param(claim(nonce=None), id="no nonce"),
        pytest.param(claim(nonce=["a", "list"]), id="nonce of another type"),
        pytest.param(claim(aud="somebody-else"), id="audience"),
        pytest.param(claim(aud=[]), id="no audience"),
        pytest.param(claim(aud=["diagport", "other"]), id="two audiences, no party"),
        pytest.param(claim(azp="other"), id="party"),
        pytest.param(claim(azp=["diagport"]), id="party of another type"),
        pytest.param(claim(azp={"diagport": 1}), id="party that is an object"),
        pytest.param(claim(iss="https://other.example"), id="issuer"),
        pytest.param(claim(iss=None), id="no issuer"),
        pytest.param(seconds_from_now(exp=-120), id="expired"),
        pytest.param(claim(exp=None), id="no expiry"),
        pytest.param(claim(exp=float("nan")), id="expiry is no number"),
        pytest.param(seconds_from_now(iat=600), id="from the future"),
        pytest.param(seconds_from_now(iat=-3600, exp=3600), id="issued long ago"),
        pytest.param(claim(sub=None), id="no subject"),
        pytest.param(claim(sub="x" * 256), id="long subject"),
        pytest.param(claim(sub=7), id="subject of another type"),
        pytest.param(claim(sub=["a"]), id="subject that is a list"),
        pytest.param(claim(sub="nul\x00"), id="subject with a NUL"),
        pytest.param(sign(lies.unsigned), id="alg none"),
        pytest.param(sign(lies.hs256_with_the_public_key), id="HS256 with the public key"),
        pytest.param(sign(lies.tampered), id="tampered"),
        pytest.param(sign(lambda _provider, _claims: "not.a.token"), id="no token"),
        pytest.param(sign(lambda _provider, _claims: "\u00e9"), id="no ASCII"),
        pytest.param(header(kid="nobody's"), id="unknown key"),
        pytest.param(header(kid=7), id="key id of another type"),
        pytest.param(header(typ="at+jwt"), id="an access token"),
        pytest.param(header(crit=["x"], x=1), id="unknown critical header"),
        pytest.param(lambda hostile: setattr(hostile, "key", rsa_key("second")), id="unpublished key"),
        pytest.param(answer("/token", 200, b'{"access_token": "x"}'), id="no ID token"),
    ],
)
def test_an_id_token_that_must_not_be_believed(
    browser: Browser, hostile: Hostile, system: System, lie: Lie
) -> None:
    lie(hostile)
    assert "ID token" in refused(browser, system, sign_in(browser, hostile), 403)
    assert identities(system) == []


@pytest.mark.parametrize(
    ("lie", "status"),
    [
        (answer("/token", 400, b'{"error": "invalid_grant"}'), 400),
        (answer("/token", 401, b'{"error": "invalid_client"}'), 503),
        (answer("/token", 200, b"<html>"), 503),
        (answer("/token", 200, b"[]"), 503),
        (answer("/token", 502, b""), 503),
        (answer("/token", 302, b""), 503),
        (answer("/token", 200, b"[" * 100_000), 503),
        (answer("/jwks", 500, b""), 503),
        (answer("/jwks", 200, b'{"keys": 7}'), 503),
    ],
)
def test_an_answer_that_is_none(
    browser: Browser, hostile: Hostile, system: System, lie: Lie, status: int
) -> None:
    lie(hostile)
    refused(browser, system, sign_in(browser, hostile), status)
