"""Accounts made just in time, and role and organisation from claims, at each sign-in. T11, T38."""

from typing import Any

import pytest
from flask import Flask

from app.domain.policy import Role
from app.models import Account, IdentityProvider, Organisation, OrganisationDomain
from app.system import System
from tests.factories.people import bearer, make_account, make_organisation
from tests.oidc.hostile import Hostile
from tests.oidc.world import JANE, change, identities, known, not_invited, sign_in
from tests.web.callers import Browser
from tests.web.looks import account_of, deeds

STAFF = {"role": "groups", "roles": {"support": "engineer", "bosses": "admin"}}


@pytest.fixture
def staff(system: System, hostile: Hostile) -> IdentityProvider:
    """Give a provider of engineers and admins, by groups, which makes accounts."""
    return known(system, hostile, "staff", for_staff=True, create_accounts=True, mapping=STAFF)


def arrive(app: Flask, hostile: Hostile, slug: str, **claims: Any) -> Browser:
    hostile.person |= claims
    browser = Browser(app)
    answer = sign_in(browser, hostile, slug)
    assert answer.status_code == 303, answer.text
    return browser


def test_a_customer_just_in_time(
    app: Flask, hostile: Hostile, system: System, provider: IdentityProvider, acme: Organisation
) -> None:
    change(system, provider, create_accounts=True)
    assert arrive(app, hostile, "acme").signed_in()
    made = account_of(system, JANE)
    assert made is not None
    assert (made.role, made.organisation_id, made.name) == (Role.CUSTOMER, acme.id, "Jane Doe")
    assert made.password_hash is None
    assert made.activated_at is not None
    assert identities(system) == [(JANE, "248289761001")]
    (deed,) = deeds(system, "account.created")
    assert (deed.account_id, deed.means, deed.organisation_id) == (made.id, "provider acme", acme.id)


def test_nobody_is_made_unless_it_is_allowed(
    browser: Browser, hostile: Hostile, system: System, provider: IdentityProvider
) -> None:
    not_invited(browser, hostile)
    assert account_of(system, JANE) is None


@pytest.mark.parametrize("name", [None, "", 7, "x" * 500, "a\x00b\u202ec"])
def test_names_are_what_they_are(
    app: Flask, hostile: Hostile, system: System, provider: IdentityProvider, name: object
) -> None:
    change(system, provider, create_accounts=True)
    arrive(app, hostile, "acme", name=name)
    made = account_of(system, JANE)
    assert made is not None
    assert made.name in {"jane", "x" * 200, "a b c"}


@pytest.mark.parametrize("claimed", ["admin", ["support", "bosses"]])
def test_a_customers_provider_makes_no_staff(
    app: Flask, hostile: Hostile, system: System, provider: IdentityProvider, claimed: object
) -> None:
    """Even if somebody had written such a mapping into the row."""
    change(system, provider, create_accounts=True, mapping={"role": "groups", "roles": {"admin": "admin"}})
    hostile.person["groups"] = claimed
    not_invited(Browser(app), hostile)
    change(system, provider, mapping={})
    arrive(app, hostile, "acme", role="admin", groups=["admin"])
    made = account_of(system, JANE)
    assert made is not None
    assert made.role is Role.CUSTOMER


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        ("support", Role.ENGINEER),
        (["other", "support"], Role.ENGINEER),
        (["support", "bosses"], Role.ADMIN),
        (["customer", "engineer", "admin"], None),
        (["Support"], None),
        ([["support"], {"support": 1}, 7, None], None),
        ({"support": True}, None),
        (None, None),
    ],
)
def test_staff_by_groups(
    app: Flask,
    hostile: Hostile,
    system: System,
    staff: IdentityProvider,
    groups: object,
    role: Role | None,
) -> None:
    hostile.person["groups"] = groups
    if role is None:
        not_invited(Browser(app), hostile, "staff")
        return
    assert arrive(app, hostile, "staff").signed_in()
    made = account_of(system, JANE)
    assert made is not None
    assert (made.role, made.organisation_id) == (role, None)


def test_staff_without_a_mapped_role_are_not_made(
    app: Flask, hostile: Hostile, system: System, staff: IdentityProvider
) -> None:
    change(system, staff, mapping={})
    not_invited(Browser(app), hostile, "staff")


def test_a_staff_provider_never_signs_customers_in(
    app: Flask, hostile: Hostile, system: System, staff: IdentityProvider, jane: Account
) -> None:
    hostile.person["groups"] = "bosses"
    not_invited(Browser(app), hostile, "staff")
    account = account_of(system, JANE)
    assert account is not None
    assert account.role is Role.CUSTOMER


def test_another_role_ends_what_was_open(
    app: Flask, hostile: Hostile, system: System, staff: IdentityProvider
) -> None:
    """T11: sessions and tokens of before may do nothing any more; the trail says before and after."""
    make_account(system, Role.ADMIN)  # the last one would stay one
    before = arrive(app, hostile, "staff", groups="bosses")
    account = account_of(system, JANE)
    assert account is not None
    token = bearer(system, account)
    assert app.test_client().get("/api/v1/uploads", headers=token).status_code == 200

    after = arrive(app, hostile, "staff", groups="support")

    assert not before.signed_in()
    assert after.signed_in()
    assert app.test_client().get("/api/v1/uploads", headers=token).status_code == 401
    (deed,) = deeds(system, "account.changed")
    assert deed.account_id == account.id
    assert deed.detail["before"] == {"role": "admin", "organisation": None}
    assert deed.detail["after"] == {"role": "engineer", "organisation": None}

    same = arrive(app, hostile, "staff")
    assert after.signed_in(), "nothing changed"
    assert same.signed_in()
    assert len(deeds(system, "account.changed")) == 1


def test_whoever_left_the_groups_is_not_let_in(
    app: Flask, hostile: Hostile, system: System, staff: IdentityProvider
) -> None:
    arrive(app, hostile, "staff", groups="support")
    hostile.person["groups"] = []
    not_invited(Browser(app), hostile, "staff")


def test_the_organisation_of_the_claims(
    app: Flask, hostile: Hostile, system: System, acme: Organisation
) -> None:
    """A provider for several organisations; who moves takes nothing along."""
    globex = make_organisation(system, "globex")
    mapping = {"organisation": "company", "organisations": {"Acme Ltd": "acme", "Globex": "globex"}}
    known(system, hostile, "several", create_accounts=True, mapping=mapping)
    not_invited(Browser(app), hostile, "several")
    before = arrive(app, hostile, "several", company="Acme Ltd")
    account = account_of(system, JANE)
    assert account is not None
    assert account.organisation_id == acme.id
    change(system, account, manager=True)

    after = arrive(app, hostile, "several", company="Globex")

    moved = account_of(system, JANE)
    assert moved is not None
    assert (moved.organisation_id, moved.manager) == (globex.id, False)
    assert not before.signed_in()
    assert after.signed_in()
    hostile.person["company"] = "Initech"
    not_invited(Browser(app), hostile, "several")


def test_the_organisation_of_the_mail_domain(
    app: Flask, hostile: Hostile, system: System, acme: Organisation
) -> None:
    known(system, hostile, "several", create_accounts=True)
    not_invited(Browser(app), hostile, "several")
    with system.work() as uow:
        uow.session.add(OrganisationDomain(domain="example.com", organisation_id=acme.id))
    arrive(app, hostile, "several")
    made = account_of(system, JANE)
    assert made is not None
    assert made.organisation_id == acme.id


def test_the_claims_organisation_does_not_take_an_account_of_another_over(
    app: Flask, hostile: Hostile, system: System, jane: Account
) -> None:
    make_organisation(system, "globex")
    mapping = {"organisation": "company", "organisations": {"Globex": "globex"}}
    known(system, hostile, "several", mapping=mapping)
    hostile.person["company"] = "Globex"
    not_invited(Browser(app), hostile, "several")
    assert identities(system) == []
