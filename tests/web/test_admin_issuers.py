"""The admin's pages about issuers of tokens: whom to believe, and what of."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from app.domain.errors import FetchError
from app.models import Account, AccountKind, SignInSession, TokenIssuer
from app.system import System
from tests.factories.issuers import ISSUER, ec_key, jwk_set, rsa_key, with_jwt
from tests.fakes import FakeFetcher
from tests.web.callers import Browser, Caller
from tests.web.looks import deeds

URL = f"{ISSUER}/jwks"
UPLOADS = "/api/v1/uploads"


@pytest.fixture
def typed(customer: Caller) -> dict[str, str]:
    return {
        "organisation": str(customer.actor.organisation_id),
        "name": "Build server",
        "issuer": ISSUER,
        "audience": "https://diagport.example",
        "client_id": "build",
        "jwks_url": URL,
        "rs256": "y",
        "es256": "y",
        "write": "y",
        "read": "y",
    }


def only_issuer(system: System) -> TokenIssuer:
    with system.work() as uow:
        uow.session.expire_all()
        return uow.session.scalars(select(TokenIssuer)).one()


def add(admin_browser: Browser, typed: dict[str, str]) -> str:
    """Fill in the form; return the address of the issuer's page."""
    answer = admin_browser.post("/admin/issuers/new", typed)
    assert answer.status_code == 303, answer.text
    return answer.location


def test_an_admin_adds_an_issuer_and_its_tokens_work(
    app: Flask, admin_browser: Browser, typed: dict[str, str], system: System, fetcher: FakeFetcher
) -> None:
    page = admin_browser.get("/admin/issuers/new")
    assert 'value="http://localhost"' in page.text  # the audience that is offered
    address = add(admin_browser, typed)
    issuer = only_issuer(system)
    fetcher.pages[URL] = jwk_set(rsa_key())
    assert app.test_client().get(UPLOADS, headers=with_jwt(issuer)).status_code == 200
    page = admin_browser.get(address)
    assert "curl -H @- -T bundle.tgz http://localhost/upload/bundle.tgz" in page.text
    assert "Last used" in page.text
    assert (issuer.scopes, issuer.algorithms) == (["uploads:read", "uploads:write"], ["ES256", "RS256"])
    with system.work() as uow:
        account = uow.session.get_one(Account, issuer.account_id)
    assert account.kind is AccountKind.MACHINE
    assert re.fullmatch(r"org-\d+-[0-9a-f]{8}@machines\.invalid", account.email)
    (deed,) = deeds(system, "issuer.created")
    assert deed.detail["after"]["client_id"] == "build"
    assert deed.account_id == account.id
    assert "Build server" in admin_browser.get("/admin/issuers").text


def test_a_change_holds_at_once_and_is_written_down(
    app: Flask, admin_browser: Browser, typed: dict[str, str], system: System, fetcher: FakeFetcher
) -> None:
    address = add(admin_browser, typed)
    fetcher.pages[URL] = jwk_set(rsa_key())
    before = with_jwt(only_issuer(system))
    changed = {name: value for name, value in typed.items() if name != "read"} | {
        "audience": "other",
        "name": "CI",
    }
    assert admin_browser.post(address, changed).status_code == 303
    assert app.test_client().get(UPLOADS, headers=before).status_code == 401
    issuer = only_issuer(system)
    assert (issuer.audience, issuer.scopes, issuer.account.name) == ("other", ["uploads:write"], "CI")
    (deed,) = deeds(system, "issuer.changed")
    assert deed.detail["before"]["audience"] == "https://diagport.example"
    assert deed.detail["after"] == {"audience": "other", "name": "CI", "scopes": ["uploads:write"]}


def test_disable_and_enable(
    app: Flask, admin_browser: Browser, typed: dict[str, str], system: System, fetcher: FakeFetcher
) -> None:
    """T11."""
    address = add(admin_browser, typed)
    fetcher.pages[URL] = jwk_set(rsa_key())
    headers = with_jwt(only_issuer(system))
    for act, status, says in (("disable", 401, "Disabled since"), ("enable", 200, "Disable it")):
        assert admin_browser.post(address, {"act": act}).status_code == 303
        assert app.test_client().get(UPLOADS, headers=headers).status_code == status
        assert says in admin_browser.get(address).text
        assert len(deeds(system, f"issuer.{act}d")) == 1


WRONG = {
    "no organisation": ({"organisation": ""}, "Choose the organisation."),
    "an organisation that is none": (
        {"organisation": "7d9ee2d0-32b3-4c3e-9b53-1bd1c3c5c3aa"},
        "Choose the organisation.",
    ),
    "no name": ({"name": " "}, "Give it a name"),
    "an issuer with blanks": ({"issuer": "https://id acme"}, "The issuer is"),
    "no audience": ({"audience": ""}, "The audience is"),
    "a client too long": ({"client_id": "x" * 201}, "The client is"),
    "keys by ftp": ({"jwks_url": "ftp://id.example/"}, "must begin with https://"),
    "no algorithm": ({"rs256": None, "es256": None}, "Choose how its tokens are signed."),
    "no scope": ({"write": None, "read": None}, "Choose what its tokens may do."),
    "only the scope of admins": (
        {"write": None, "read": None, "admin": "y"},
        "Choose what its tokens may do.",
    ),
}


@pytest.mark.parametrize(("other", "says"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_said_and_nothing_is_made(
    admin_browser: Browser,
    typed: dict[str, str],
    system: System,
    other: dict[str, str | None],
    says: str,
) -> None:
    fields = {name: value for name, value in (typed | other).items() if value is not None}
    answer = admin_browser.post("/admin/issuers/new", fields)
    assert answer.status_code == 422
    assert says in answer.text
    assert "Build server" in answer.text or "name" in other  # what was typed stands there
    with system.work() as uow:
        assert not uow.session.scalars(select(TokenIssuer)).all()
        assert not uow.session.scalars(select(Account).where(Account.kind == AccountKind.MACHINE)).all()


def test_two_issuers_never_have_the_same_tokens(
    admin_browser: Browser, typed: dict[str, str], system: System
) -> None:
    add(admin_browser, typed)
    assert admin_browser.post("/admin/issuers/new", typed).status_code == 409
    other = add(admin_browser, typed | {"client_id": "other"})
    answer = admin_browser.post(other, typed)
    assert answer.status_code == 409
    assert "A token must name one alone." in answer.text
    with system.work() as uow:
        machines = uow.session.scalars(select(Account).where(Account.kind == AccountKind.MACHINE)).all()
    assert len(machines) == 2


def test_trying_says_what_is_wrong_with_the_keys_and_shows_nothing_of_them(
    admin_browser: Browser, typed: dict[str, str], fetcher: FakeFetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T40: what a stranger's address answers is shown to nobody."""
    address = add(admin_browser, typed)

    def tried() -> str:
        answer = admin_browser.post(address, {"act": "try"})
        assert answer.status_code == 200
        return answer.text

    assert "Nobody is there." in tried()
    fetcher.pages[URL] = b"<b>secret of the inside</b>"
    assert "is not a JWK set" in tried()
    assert "secret" not in tried()
    fetcher.pages[URL] = jwk_set(rsa_key("secret-name"), ec_key("secret-384", "P-384"))
    page = tried()
    assert "There is no key for ES256." in page
    assert "Key 2: neither RSA nor on the curve P-256." in page
    assert "secret" not in page
    fetcher.pages[URL] = jwk_set(rsa_key(), ec_key())
    assert "The keys can be had: 1 for ES256, 1 for RS256." in tried()

    def refuse(_url: str) -> None:
        raise FetchError("id.acme.example lies in a private network, which the portal does not visit.")

    monkeypatch.setattr(fetcher, "get", refuse)
    assert "lies in a private network" in tried()


@pytest.mark.parametrize("path", ["/admin/issuers/new", "/admin/machines/new"])
def test_a_sign_in_of_long_ago_is_not_enough_and_what_was_typed_waits(
    admin_browser: Browser, typed: dict[str, str], system: System, path: str
) -> None:
    """T3, ASVS 7.5.3."""
    fields = {name: value for name, value in typed.items() if name != "write"} | {"download": "y"}

    def proved(since: timedelta) -> None:
        with system.work() as uow:
            uow.session.execute(update(SignInSession).values(confirmed_at=func.now() - since))

    csrf = admin_browser.csrf_token()
    proved(timedelta(hours=1))
    for answer in (admin_browser.get(path), admin_browser.post(path, fields | {"csrf_token": csrf})):
        assert answer.status_code == 303
        assert answer.location.startswith("/sign-in/again?next=")
    with system.work() as uow:
        assert not uow.session.scalars(select(Account).where(Account.kind == AccountKind.MACHINE)).all()
    proved(timedelta(0))
    page = admin_browser.get(path).text
    assert 'value="Build server"' in page
    assert f'<option selected value="{typed["organisation"]}">' in page
    assert re.findall(r'name="(write|read|download)" value="y" checked', page) == ["read", "download"]
