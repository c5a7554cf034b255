"""T38: whose account it is: by (provider, subject). An address leads only who was invited, the first time."""

import pytest
from flask import Flask
from sqlalchemy import func

from app.domain.factors import LinkPurpose
from app.domain.policy import Role
from app.models import Account, IdentityProvider, Organisation, OrganisationDomain
from app.services import links
from app.system import System
from tests.factories.people import make_account, make_machine, make_organisation
from tests.oidc.hostile import Hostile, Network
from tests.oidc.world import JANE, SUBJECT, change, identities, known, leave, not_invited, sessions, sign_in
from tests.web.callers import Browser
from tests.web.looks import deeds


def test_an_invited_person_is_known_by_subject_from_then_on(
    app: Flask, hostile: Hostile, system: System, provider: IdentityProvider, jane: Account
) -> None:
    change(system, jane, activated_at=None)
    with system.work() as uow:
        token = links.issue(uow, uow.session.get_one(Account, jane.id), LinkPurpose.INVITATION).token
    first = Browser(app)
    assert sign_in(first, hostile).status_code == 303
    assert first.signed_in()
    assert identities(system) == [(JANE, SUBJECT)]
    with system.work() as uow:
        assert not links.is_good(uow, token, LinkPurpose.INVITATION), "the invitation is still open"
        assert uow.session.get_one(Account, jane.id).activated_at is not None
    assert [deed.account_id for deed in deeds(system, "identity.linked")] == [jane.id]
    assert [deed.means for deed in deeds(system, "account.activated")] == ["provider acme"]

    hostile.person |= {"email": "somebody-else@example.com", "email_verified": False}
    second = Browser(app)
    assert sign_in(second, hostile).status_code == 303
    assert second.signed_in()
    assert {row.account_id for row in sessions(system)} == {jane.id}
    assert len(deeds(system, "identity.linked")) == 1


@pytest.mark.parametrize("verified", [False, None, "false", "yes", 0, [], {"a": 1}, "True"])
def test_an_unverified_address_never_leads_to_an_account(
    browser: Browser,
    hostile: Hostile,
    system: System,
    provider: IdentityProvider,
    jane: Account,
    verified: object,
) -> None:
    change(system, provider, create_accounts=True)
    hostile.person["email_verified"] = verified
    not_invited(browser, hostile)
    assert identities(system) == []


def test_another_claim_may_say_that_it_is_verified(
    browser: Browser, hostile: Hostile, system: System, provider: IdentityProvider, jane: Account
) -> None:
    change(system, provider, mapping={"verified": "owner_verified"})
    not_invited(browser, hostile)
    hostile.person |= {"owner_verified": "1", "email_verified": None}
    assert sign_in(browser, hostile).status_code == 303


def test_an_address_that_was_given_to_somebody_else_is_not_theirs(
    app: Flask, hostile: Hostile, system: System, provider: IdentityProvider, jane: Account
) -> None:
    """Reuse of an address: another subject, the same address, does not get the account."""
    assert sign_in(Browser(app), hostile).status_code == 303
    change(system, provider, create_accounts=True)
    hostile.person["sub"] = "another"
    not_invited(Browser(app), hostile)
    assert identities(system) == [(JANE, SUBJECT)]


def test_the_same_subject_at_another_provider_is_somebody_else(
    app: Flask,
    hostile: Hostile,
    fetcher: Network,
    system: System,
    provider: IdentityProvider,
    jane: Account,
    acme: Organisation,
) -> None:
    """ASVS 6.8.1."""
    assert sign_in(Browser(app), hostile).status_code == 303
    other = Hostile("https://other.example", person=hostile.person | {"email": "jane@other.example"})
    fetcher.providers.append(other)
    known(system, other, "other", acme, domains=["other.example"])
    not_invited(Browser(app), other, "other")


def test_a_provider_speaks_only_for_the_domains_it_is_in_charge_of(
    browser: Browser, hostile: Hostile, system: System, provider: IdentityProvider, acme: Organisation
) -> None:
    change(system, provider, create_accounts=True)
    elsewhere = make_account(system, Role.CUSTOMER, acme)
    change(system, elsewhere, email="jane@elsewhere.example")
    hostile.person["email"] = "jane@elsewhere.example"
    not_invited(browser, hostile)
    with system.work() as uow:
        uow.session.add(OrganisationDomain(domain="elsewhere.example", organisation_id=acme.id))
    assert sign_in(browser, hostile).status_code == 303
    assert identities(system) == [("jane@elsewhere.example", SUBJECT)]


@pytest.mark.parametrize(
    "email", ["", None, 7, "jane", "jane@example.com@evil.example", "jane@", "\x00@example.com"]
)
def test_an_address_that_is_none(
    browser: Browser, hostile: Hostile, system: System, provider: IdentityProvider, email: object
) -> None:
    change(system, provider, create_accounts=True)
    hostile.person["email"] = email
    not_invited(browser, hostile)


@pytest.mark.parametrize("role", [Role.ENGINEER, Role.ADMIN])
@pytest.mark.parametrize("linked", [False, True])
def test_a_customers_provider_never_signs_staff_in(
    app: Flask,
    hostile: Hostile,
    system: System,
    provider: IdentityProvider,
    jane: Account,
    role: Role,
    linked: bool,
) -> None:
    if linked:
        assert sign_in(Browser(app), hostile).status_code == 303
    change(system, jane, role=role, organisation_id=None)
    not_invited(Browser(app), hostile)


@pytest.mark.parametrize("linked", [False, True])
def test_nor_people_of_another_organisation(
    app: Flask, hostile: Hostile, system: System, provider: IdentityProvider, jane: Account, linked: bool
) -> None:
    if linked:
        assert sign_in(Browser(app), hostile).status_code == 303
    change(system, jane, organisation_id=make_organisation(system).id)
    not_invited(Browser(app), hostile)


def test_nor_a_machine(
    browser: Browser, hostile: Hostile, system: System, provider: IdentityProvider, acme: Organisation
) -> None:
    machine = make_machine(system, acme.id)
    change(system, machine, email=JANE)
    not_invited(browser, hostile)


@pytest.mark.parametrize("linked", [False, True])
def test_nor_whoever_is_suspended(
    app: Flask,
    hostile: Hostile,
    system: System,
    provider: IdentityProvider,
    jane: Account,
    acme: Organisation,
    linked: bool,
) -> None:
    if linked:
        assert sign_in(Browser(app), hostile).status_code == 303
    change(system, jane, active=False)
    not_invited(Browser(app), hostile)
    change(system, jane, active=True)
    change(system, acme, suspended_at=func.now())
    not_invited(Browser(app), hostile)
    change(system, acme, suspended_at=None)
    assert sign_in(Browser(app), hostile).status_code == 303


def test_the_refusal_tells_nothing_about_accounts(
    app: Flask, hostile: Hostile, system: System, provider: IdentityProvider, jane: Account
) -> None:
    """T35: no account, somebody else's, a suspended one: the same page."""
    pages = set()
    hostile.person["email"] = "nobody@example.com"
    pages.add(not_invited(Browser(app), hostile))
    hostile.person["email"] = JANE
    change(system, jane, active=False)
    pages.add(not_invited(Browser(app), hostile))
    change(system, jane, active=True, role=Role.ADMIN, organisation_id=None)
    pages.add(not_invited(Browser(app), hostile))
    assert len(pages) == 1
    told = [(deed.detail["why"], deed.detail["email"]) for deed in deeds(system, "session.refused")]
    assert [email for _, email in told] == ["nobody@example.com", JANE, JANE], "the trail does tell"


def test_whoever_was_signed_in_before_is_not_any_more(
    browser: Browser, hostile: Hostile, system: System, provider: IdentityProvider, jane: Account
) -> None:
    other = make_account(system)
    browser.sign_in(other.email)
    assert browser.get(hostile.consent(leave(browser))).status_code == 303
    assert [row.account_id for row in sessions(system)] == [jane.id]


def test_claims_of_userinfo_are_taken_where_the_id_token_has_none(
    browser: Browser, hostile: Hostile, provider: IdentityProvider, jane: Account
) -> None:
    """OpenID Connect Core 1.0 section 5.3: but only if they are about the same subject."""
    hostile.claims = {"email": None, "email_verified": None}
    hostile.said = {"email": JANE, "email_verified": True, "sub": "somebody else"}
    not_invited(browser, hostile)
    del hostile.said["sub"]
    assert sign_in(browser, hostile).status_code == 303
