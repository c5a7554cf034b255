"""Who is linked to an account hears of it, and an admin can undo it. T11, T38."""

from flask import Flask

from app.domain.policy import Role
from app.models import Account, IdentityProvider
from app.queries.accounts import actor_of
from app.services import people
from app.system import System
from tests.factories.people import make_account
from tests.oidc.hostile import Hostile
from tests.oidc.world import JANE, SUBJECT, change, identities, sign_in
from tests.web.callers import Browser
from tests.web.looks import deeds
from tests.web.test_own_factors import mails

LINKED = "A way to sign in was added: The acme provider."


def test_the_owner_hears_of_a_link_to_an_account_in_use(
    app: Flask, hostile: Hostile, system: System, provider: IdentityProvider, jane: Account
) -> None:
    for _ in range(2):
        assert sign_in(Browser(app), hostile).status_code == 303
    assert mails(system, jane) == [LINKED], "once, when it was linked"


def test_who_comes_for_the_first_time_needs_not_be_told(
    browser: Browser, hostile: Hostile, system: System, provider: IdentityProvider, jane: Account
) -> None:
    change(system, jane, activated_at=None)
    assert sign_in(browser, hostile).status_code == 303
    assert mails(system, jane) == []


def test_an_admin_undoes_links(
    app: Flask, hostile: Hostile, system: System, provider: IdentityProvider, jane: Account
) -> None:
    """Whoever was linked wrongly gets in no more; the person whose account it is does, and is linked."""
    hostile.person["sub"] = "attacker"
    attacker = Browser(app)
    assert sign_in(attacker, hostile).status_code == 303
    admin = make_account(system, Role.ADMIN)

    with system.work(actor_of(admin, "192.0.2.1")) as uow:
        people.reset_factors(uow, jane.id)

    assert identities(system) == []
    assert not attacker.signed_in()
    (deed,) = deeds(system, "factor.reset")
    assert (deed.actor_id, deed.account_id) == (admin.id, jane.id)
    assert deed.detail["before"]["providers"] == ["acme: attacker"]
    assert deed.detail["after"]["providers"] == []
    assert "other sign-ins" in mails(system, jane)[-1]
    hostile.person["email_verified"] = False
    assert sign_in(Browser(app), hostile).status_code == 403
    hostile.person |= {"sub": SUBJECT, "email_verified": True}
    assert sign_in(Browser(app), hostile).status_code == 303
    assert identities(system) == [(JANE, SUBJECT)]
    assert mails(system, jane)[-1] == LINKED
