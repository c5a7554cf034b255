"""Proving once more who one is, at the provider by which one signed in. T3, T30; ASVS 7.5.3."""

import time
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, update

from app.domain.policy import Role
from app.models import Account, SignInSession
from app.system import System
from tests.factories.people import make_organisation
from tests.oidc.hostile import Hostile
from tests.oidc.test_claims import arrive
from tests.oidc.world import change, known, leave, sessions, sign_in
from tests.web.callers import Browser
from tests.web.looks import account_of, deeds

DANGEROUS = "/admin/providers/new"


@pytest.fixture
def signed_in(app: Flask, hostile: Hostile, system: System) -> Browser:
    """Give the browser of an admin who signed in through the provider a while ago."""
    mapping = {"role": "groups", "roles": {"bosses": "admin"}}
    known(system, hostile, "staff", for_staff=True, create_accounts=True, mapping=mapping)
    browser = arrive(app, hostile, "staff", groups="bosses")
    with system.work() as uow:
        uow.session.execute(update(SignInSession).values(confirmed_at=func.now() - timedelta(hours=1)))
    return browser


def leave_again(browser: Browser) -> str:
    """Follow the way from something dangerous to the provider; return its address."""
    asked = browser.get(DANGEROUS)
    assert asked.status_code == 303
    page = browser.get(asked.location)
    assert "You signed in with The staff provider" in page.text
    return leave(browser, "staff", f"?again=1&next={DANGEROUS}")


def test_the_provider_asks_anew(signed_in: Browser, hostile: Hostile, system: System) -> None:
    before = sessions(system)[0].id
    back = hostile.consent(leave_again(signed_in))
    asked = list(hostile.codes.values())[-1].query
    assert (asked["prompt"], asked["max_age"]) == ("login", "0")
    answer = signed_in.get(back)
    assert (answer.status_code, answer.location) == (303, DANGEROUS)
    assert signed_in.get(DANGEROUS).status_code == 200
    (session,) = sessions(system)
    assert session.id != before, "the session goes on under another id"
    assert [deed.detail["factor"] for deed in deeds(system, "session.confirmed")] == ["provider"]


@pytest.mark.parametrize(
    "at", [None, time.time() - 3600, "now", True, float("nan")], ids=["none", "before", "text", "bool", "nan"]
)
def test_a_sign_in_of_before_will_not_do(
    signed_in: Browser, hostile: Hostile, system: System, at: object
) -> None:
    back = hostile.consent(leave_again(signed_in))
    hostile.claims["auth_time"] = at
    answer = signed_in.get(back)
    assert answer.status_code == 403
    assert "did not ask you anew" in answer.text
    assert signed_in.get(DANGEROUS).status_code == 303
    assert signed_in.signed_in(), "who was signed in stays so"


def test_somebody_else_will_not_do(signed_in: Browser, hostile: Hostile, system: System) -> None:
    back = hostile.consent(leave_again(signed_in))
    hostile.person["sub"] = "somebody else"
    assert signed_in.get(back).status_code == 403
    assert signed_in.get(DANGEROUS).status_code == 303


def test_an_answer_for_a_session_that_ended_does_not_open_one(
    signed_in: Browser, hostile: Hostile, system: System
) -> None:
    back = hostile.consent(leave_again(signed_in))
    cookie = signed_in.cookie()
    signed_in.post("/sign-out")
    assert signed_in.steal(cookie).get(back).status_code == 400
    assert sessions(system) == []


def test_an_ordinary_sign_in_in_between_confirms_nothing_of_another_session(
    signed_in: Browser, hostile: Hostile, system: System
) -> None:
    back = hostile.consent(leave_again(signed_in))
    assert sign_in(signed_in, hostile, "staff").status_code == 303
    assert signed_in.get(back).status_code == 400
    assert signed_in.signed_in()


def test_nobody_signed_in_is_just_signed_in(
    browser: Browser, hostile: Hostile, system: System, jane: Account
) -> None:
    assert jane.role is Role.CUSTOMER
    known(system, hostile, "acme", jane.organisation)
    assert sign_in(browser, hostile, query="?again=1").status_code == 303
    assert browser.signed_in()


def test_a_provider_that_leads_there_no_more_confirms_nothing(
    signed_in: Browser, hostile: Hostile, system: System
) -> None:
    """Its person became a customer meanwhile: their session is no business of a provider for staff."""
    back = hostile.consent(leave_again(signed_in))
    account = account_of(system, "jane@example.com")
    assert account is not None
    change(system, account, role=Role.CUSTOMER, organisation_id=make_organisation(system).id)
    assert signed_in.get(back).status_code == 403
