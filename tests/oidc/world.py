"""Providers that the portal knows, and people who sign in by them."""

from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select
from werkzeug.test import TestResponse

from app.models import Identity, IdentityProvider, Organisation, SignInSession
from app.services import providers
from app.services.providers import Terms
from app.system import System
from tests.oidc.hostile import PERSON, Hostile
from tests.web.callers import Browser

SECRET = "a client secret: %41+/&"
JANE, SUBJECT = str(PERSON["email"]), str(PERSON["sub"])


def known(
    system: System,
    hostile: Hostile,
    slug: str = "acme",
    organisation: Organisation | None = None,
    **more: Any,
) -> IdentityProvider:
    """Let people sign in by ``hostile``, who is in charge of example.com unless told otherwise."""
    terms = {
        "name": f"The {slug} provider",
        "issuer": hostile.issuer,
        "client_id": "diagport",
        "client_secret": SECRET,
        "organisation_id": organisation.id if organisation else None,
        "domains": ["example.com"],
    }
    with system.work() as uow:
        return providers.create(uow, slug, Terms(**(terms | more)))


def leave(browser: Browser, slug: str = "acme", query: str = "") -> str:
    """Be sent to the provider; return its address."""
    answer = browser.get(f"/sign-in/with/{slug}{query}")
    assert answer.status_code == 303, answer.text
    assert urlsplit(answer.location).scheme == "https"
    return answer.location


def sign_in(
    browser: Browser, hostile: Hostile, slug: str = "acme", query: str = "", **more: str
) -> TestResponse:
    """Go there, agree, and come back."""
    return browser.get(hostile.consent(leave(browser, slug, query), **more))


def identities(system: System) -> list[tuple[str, str]]:
    """Return (address of the account, subject) of everybody who is known by a provider."""
    with system.work() as uow:
        rows = uow.session.scalars(select(Identity).order_by(Identity.created_at, Identity.subject))
        return [(row.account.email, row.subject) for row in rows]


def sessions(system: System) -> list[SignInSession]:
    with system.work() as uow:
        return list(uow.session.scalars(select(SignInSession)))


def change(system: System, row: Any, **values: Any) -> None:
    with system.work() as uow:
        kept = uow.session.get_one(type(row), row.id)
        for name, value in values.items():
            setattr(kept, name, value)


def not_invited(browser: Browser, hostile: Hostile, slug: str = "acme") -> str:
    """Sign in and be refused; return the page without what differs each time."""
    page = sign_in(browser, hostile, slug)
    assert page.status_code == 403, page.text
    assert "There is no account here for you" in page.text
    assert not browser.signed_in()
    return page.text.partition("Number of this request")[0]
