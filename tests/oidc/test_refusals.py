"""T38, C16: a provider, or somebody on the way, who lies. Nobody gets in, and nothing is a 500."""

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from app.models import Account, AuditEvent, IdentityProvider, Organisation, ProviderSignIn, TryCount
from app.system import System
from tests.oidc.hostile import Hostile, Network, rsa_key
from tests.oidc.refusing import Lie, answer, refused
from tests.oidc.world import known, leave, sessions, sign_in
from tests.web.callers import Browser

pytestmark = pytest.mark.usefixtures("provider", "jane")


@pytest.mark.parametrize("state", ["", "x" * 43, "\x00", "\ud800"])
def test_a_wrong_state(browser: Browser, hostile: Hostile, system: System, state: str) -> None:
    """What nobody was sent away with leaves no row: neither in the trail, nor where tries are counted."""
    back = hostile.consent(leave(browser), state="STATE").replace(
        "STATE", state if state.isascii() else "%FF"
    )
    before = rows(system)
    page = browser.get(back)
    assert (page.status_code, "was not begun in this browser" in page.text) == (400, True)
    assert not browser.signed_in()
    assert rows(system) == before
    assert hostile.redeemed == []


def rows(system: System) -> list[int]:
    """Return how many rows there are of what strangers could fill."""
    with system.work() as uow:
        tables = (AuditEvent, TryCount, ProviderSignIn)
        return [uow.session.scalar(select(func.count()).select_from(table)) or 0 for table in tables]


def test_a_state_from_another_browser(app: Flask, browser: Browser, hostile: Hostile, system: System) -> None:
    """C16: what an attacker begun does not sign a victim in, with or without a cookie of the victim's own."""
    planted = hostile.consent(leave(browser))
    victim = Browser(app)
    assert refused(victim, system, victim.get(planted), 400) == "state"
    leave(victim)
    assert victim.get(planted).status_code == 400
    assert not victim.signed_in()
    assert browser.get(planted).status_code == 303, "the attempt used up what was not its own"


def test_coming_back_twice(app: Flask, browser: Browser, hostile: Hostile, system: System) -> None:
    """Even where the provider takes a code again: with the cookie of before, too."""
    hostile.codes_last = True
    back = hostile.consent(leave(browser))
    before = browser.cookie()
    assert browser.get(back).status_code == 303
    thief = Browser(app).steal(before)
    assert thief.get(back).status_code == 400
    assert not thief.signed_in()
    assert len(sessions(system)) == 1
    assert len(hostile.redeemed) == 1


def test_a_code_that_was_used_elsewhere(browser: Browser, hostile: Hostile, system: System) -> None:
    back = hostile.consent(leave(browser))
    hostile.codes.clear()
    assert refused(browser, system, browser.get(back), 400) == "invalid_grant"


def test_a_code_of_another_flow(app: Flask, browser: Browser, hostile: Hostile, system: System) -> None:
    """Code injection: PKCE binds the code to this browser's flow (RFC 9700 section 4.5)."""
    attacker = Browser(app)
    stolen = hostile.consent(leave(attacker))
    hostile.consent(leave(browser))
    codes = list(hostile.codes)
    own = hostile.consent(leave(browser), code=codes[0])
    assert stolen != own
    assert refused(browser, system, browser.get(own), 400) == "invalid_grant"


@pytest.mark.parametrize(("age", "status"), [(599, 303), (600, 400)])
def test_ten_minutes(browser: Browser, hostile: Hostile, system: System, age: int, status: int) -> None:
    back = hostile.consent(leave(browser))
    with system.work() as uow:
        left = func.make_interval(0, 0, 0, 0, 0, 0, 600 - age)
        uow.session.execute(update(ProviderSignIn).values(expires_at=func.now() + left))
    assert browser.get(back).status_code == status


@pytest.mark.parametrize("issuer", ["https://other.example", "", "https://id.example/"])
def test_mix_up(browser: Browser, hostile: Hostile, system: System, issuer: str) -> None:
    """RFC 9207: the answer names its issuer; a provider that says it always does, must."""
    assert refused(browser, system, sign_in(browser, hostile, iss=issuer), 403) == "issuer of the answer"
    assert hostile.redeemed == [], "the code went to the wrong provider"


def test_a_provider_that_never_names_itself_need_not(browser: Browser, hostile: Hostile) -> None:
    hostile.metadata["authorization_response_iss_parameter_supported"] = None
    assert sign_in(browser, hostile, iss="").status_code == 303
    assert browser.signed_in()


def test_two_providers(
    browser: Browser, hostile: Hostile, fetcher: Network, system: System, acme: Organisation
) -> None:
    """Mix-up: begun with an honest provider, answered at the address of the attacker's."""
    evil = Hostile("https://evil.example")
    fetcher.providers.append(evil)
    known(system, evil, "evil", acme, domains=[])
    honest = hostile.consent(leave(browser))
    mixed = honest.replace("/acme/", "/evil/")
    assert refused(browser, system, browser.get(mixed), 400) == "state"
    assert evil.redeemed == []
    assert browser.get(honest).status_code == 303


def test_errors_of_the_provider(browser: Browser, hostile: Hostile, system: System) -> None:
    evil = "<script>alert(1)</script>"
    back = hostile.consent(leave(browser), code="", error="access_denied", error_description=evil)
    page = browser.get(back)
    assert refused(browser, system, page, 403) == "provider: access_denied"
    assert "alert" not in page.text
    back = hostile.consent(leave(browser), code="", error=evil)
    page = browser.get(back)
    assert page.status_code == 400
    assert "alert" not in page.text
    assert hostile.redeemed == []


@pytest.mark.parametrize(
    "lie",
    [
        answer("openid-configuration", 404, b""),
        answer("openid-configuration", 200, b"{"),
        answer("openid-configuration", 200, b"[]"),
        answer("openid-configuration", 200, b"[" * 100_000),
        lambda hostile: hostile.metadata.update(issuer="https://other.example"),
        lambda hostile: hostile.metadata.update(issuer="https://id.example/"),
        lambda hostile: hostile.metadata.update(authorization_endpoint="http://id.example/authorize"),
        lambda hostile: hostile.metadata.update(authorization_endpoint="javascript:alert(1)"),
        lambda hostile: hostile.metadata.update(token_endpoint=None),
        lambda hostile: hostile.metadata.update(token_endpoint="http://[::1"),
        lambda hostile: hostile.metadata.update(jwks_uri=["https://id.example/jwks"]),
        lambda hostile: hostile.metadata.update(userinfo_endpoint="file:///etc/passwd"),
    ],
)
def test_a_provider_that_is_none(browser: Browser, hostile: Hostile, lie: Lie) -> None:
    lie(hostile)
    page = browser.get("/sign-in/with/acme")
    assert page.status_code == 503
    assert "Not signed in with The acme provider" in page.text


def test_a_provider_that_failed_is_left_alone_for_a_while(browser: Browser, hostile: Hostile) -> None:
    answer("openid-configuration", 404, b"")(hostile)
    for _ in range(3):
        assert browser.get("/sign-in/with/acme").status_code == 503
    assert len(hostile.visits) == 1


def test_what_is_known_of_a_provider_is_kept(browser: Browser, hostile: Hostile) -> None:
    for _ in range(3):
        leave(browser)
    assert len(hostile.visits) == 1


def test_unknown_keys_do_not_make_us_ask_again_and_again(app: Flask, hostile: Hostile) -> None:
    """How new keys are found (rotation) is tested with `app.adapters.jwks`."""
    hostile.key, hostile.published = rsa_key("second"), [rsa_key("second")]
    first = Browser(app)
    assert sign_in(first, hostile).status_code == 303
    hostile.key = rsa_key("third")
    for _ in range(3):
        assert sign_in(Browser(app), hostile).status_code == 403
    assert sum(url.endswith("/jwks") for url in hostile.visits) == 1


@pytest.mark.parametrize("slug", ["nobody", "x" * 300, "%00"])
def test_no_such_provider(browser: Browser, slug: str) -> None:
    assert browser.get(f"/sign-in/with/{slug}").status_code == 404
    assert browser.get(f"/sign-in/with/{slug}/callback?state=x&code=y").status_code == 404


def test_a_disabled_provider_lets_nobody_in(
    browser: Browser, hostile: Hostile, system: System, provider: IdentityProvider
) -> None:
    back = hostile.consent(leave(browser))
    with system.work() as uow:
        uow.session.get_one(IdentityProvider, provider.id).disabled_at = func.now()
    assert browser.get(back).status_code == 404
    assert browser.get("/sign-in/with/acme").status_code == 404
    assert not browser.signed_in()


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_it_never_leads_outside(browser: Browser, hostile: Hostile, target: str, jane: Account) -> None:
    assert sign_in(browser, hostile, query=f"?next={target}").location == "/"
