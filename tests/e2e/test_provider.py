"""T38, C16: the whole way through a real OpenID provider, as an admin and an engineer see it in Chromium."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browser import People
from tests.live import Live
from tests.oidc.real import CLIENT_ID, CLIENT_SECRET, agree, real_provider

LOGIN = "support.kim@staff.example"


@pytest.fixture
def issuer(live: Live, tmp_path: Path) -> Iterator[str]:
    with real_provider(tmp_path, f"{live.url}/sign-in/with/staff/callback") as issuer:
        yield issuer
    live.sql("DELETE FROM identity_provider WHERE slug = 'staff'")


def add_provider(page: Page, issuer: str) -> None:
    page.goto("/admin/providers")
    page.get_by_role("link", name="Add a provider").click()
    page.get_by_label("Name", exact=True).fill("Our company")
    page.get_by_label("Short name").fill("staff")
    page.get_by_label("Who signs in this way").select_option("staff")
    page.get_by_label("Issuer").fill(issuer)
    page.get_by_label("Client ID").fill(CLIENT_ID)
    page.get_by_label("Client secret").fill(CLIENT_SECRET)
    page.get_by_label("Their mail domains").fill("staff.example")
    page.get_by_label("Make an account for whoever was not invited").check()
    page.get_by_text("Role and organisation from the provider").click()
    page.get_by_label("Claim for the role").fill("groups")
    page.get_by_label("What its values mean").first.fill("support = engineer\nbosses = admin")
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("heading", name="Our company")).to_be_visible()


def visitor(people: People, issuer: str, **options: Any) -> Page:
    """Open a fresh browser whose complaints about the provider's own pages are nobody's business here."""
    page = people.anybody(**options)
    page.context.route("https://**", lambda route: route.abort())  # its letters come from far away
    people.tolerate(page, re.escape(issuer), "https://")
    return page


def test_an_engineer_comes_in_through_the_provider(people: People, live: Live, issuer: str) -> None:
    admin = people.sign_in("admin")
    add_provider(admin, issuer)
    expect(admin.locator("#redirect")).to_have_text(f"{live.url}/sign-in/with/staff/callback")
    admin.get_by_role("button", name="Try it").click()
    expect(admin.get_by_role("status").filter(has_text="its keys can be had")).to_be_visible()

    # By the button; the role comes from the groups, the address from userinfo.
    engineer = visitor(people, issuer)
    engineer.goto("/files")
    engineer.get_by_role("link", name="Sign in with Our company").click()
    agree(engineer, LOGIN)
    expect(engineer).to_have_url(f"{live.url}/files")
    engineer.locator("summary.tool").click()
    expect(engineer.locator(".menu__who")).to_contain_text("Support engineer")
    expect(engineer.locator(".menu__who")).to_contain_text(LOGIN)

    # Once more who one is: the provider asks anew, though it knows its own session.
    engineer.goto("/sign-in/again?next=/cases")
    engineer.get_by_role("link", name="Go to Our company").click()
    agree(engineer, LOGIN, known=True)
    expect(engineer).to_have_url(f"{live.url}/cases")
    ((confirmed,),) = live.sql(
        "SELECT count(*) FROM audit_event WHERE action = 'session.confirmed' AND actor_label = %s", LOGIN
    )
    assert confirmed == 1

    # Disabled: the next click leads to the sign-in page.
    admin.get_by_role("button", name="Disable it").click()
    expect(admin.get_by_text("Nobody signs in with it.")).to_be_visible()
    engineer.get_by_role("link", name="Files").click()
    expect(engineer).to_have_url(re.compile("/sign-in"))


def test_a_mail_address_leads_there_without_scripts(people: People, live: Live, issuer: str) -> None:
    add_provider(people.sign_in("admin"), issuer)
    page = visitor(people, issuer, java_script_enabled=False)
    people.tolerate(page, r"403.*/sign-in/with/staff/callback")
    page.goto("/sign-in")
    page.get_by_label("Mail address").fill("unverified.lee@staff.example")
    page.get_by_role("button", name="Sign in", exact=True).click()
    agree(page, "unverified.lee@staff.example")
    expect(page.get_by_role("heading", name="Not signed in with Our company")).to_be_visible()
    expect(page.get_by_text("There is no account here for you")).to_be_visible()
    page.goto("/files")
    expect(page).to_have_url(re.compile("/sign-in"))
