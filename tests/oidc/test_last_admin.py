"""T11: what a provider says takes no last admin away, and whoever is changed by it hears so."""

import pytest
from flask import Flask

from app.domain.policy import Role
from app.models import Account
from app.system import System
from tests.factories.people import make_account
from tests.oidc.hostile import Hostile
from tests.oidc.refusing import refused
from tests.oidc.test_claims import STAFF, arrive
from tests.oidc.world import JANE, change, known, sign_in
from tests.web.callers import Browser
from tests.web.looks import account_of, deeds
from tests.web.test_own_factors import mails

ENGINEER = {"groups": "support"}


@pytest.fixture
def admin(system: System, hostile: Hostile) -> Account:
    """Give the only admin, who has been one before the provider for staff was known."""
    known(system, hostile, "staff", for_staff=True, mapping=STAFF)
    admin = make_account(system, Role.ADMIN)
    change(system, admin, email=JANE)
    admin.email = JANE
    return admin


def test_the_last_admin_stays_one(browser: Browser, hostile: Hostile, system: System, admin: Account) -> None:
    hostile.person |= ENGINEER
    page = sign_in(browser, hostile, "staff")
    assert refused(browser, system, page, 403) == "last admin"
    assert "Make somebody else an admin first" in page.text
    (deed,) = deeds(system, "session.refused")
    assert deed.detail["email"] == JANE
    kept = account_of(system, JANE)
    assert kept is not None
    assert kept.role is Role.ADMIN
    assert mails(system, admin) == []


def test_one_of_two_may_go_and_hears_of_it(
    app: Flask, hostile: Hostile, system: System, admin: Account
) -> None:
    make_account(system, Role.ADMIN)
    assert arrive(app, hostile, "staff", **ENGINEER).signed_in()
    gone = account_of(system, JANE)
    assert gone is not None
    assert gone.role is Role.ENGINEER
    assert mails(system, admin) == [
        "A way to sign in was added: The staff provider.",
        "What you may do in the portal was changed by The staff provider.",
    ]
