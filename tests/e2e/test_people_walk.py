"""People, from beginning to end, in Chromium: an admin needs nothing but the pages. T11, T37.

An organisation is added, a customer and an engineer are invited. The customer comes by the mailed link,
adds a passkey and signs in with it, and sends a bundle. The engineer comes through the company's own
provider, and opens it. The admin suspends the customer, whose next click finds them signed out.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browser import People
from tests.e2e.sources import pack, real_bundle
from tests.e2e.test_passkeys import Device, add_passkey, enter_by_passkey, sign_out
from tests.e2e.walk import send
from tests.live import Live, eventually
from tests.oidc.real import CLIENT_ID, CLIENT_SECRET, agree, real_provider

PASSWORD = "quiet otters mend kites"
SLUG = "company"
CUSTOMER, ENGINEER = "operations@initech.example", "night@support.example"


@pytest.fixture
def issuer(named: Live, tmp_path: Path) -> Iterator[str]:
    """Run a provider that knows the portal."""
    with real_provider(tmp_path / "provider", f"{named.url}/sign-in/with/{SLUG}/callback") as issuer:
        yield issuer


@dataclass(frozen=True)
class Walk:
    """The portal, whoever comes to it, and the admin's browser."""

    live: Live
    people: People
    admin: Page


@pytest.mark.timeout(300)  # half a minute by itself; others may keep the machine busy
def test_an_admin_walks_people_in_and_out(
    named: Live, people_by_name: People, issuer: str, tmp_path: Path
) -> None:
    walk = Walk(named, people_by_name, people_by_name.sign_in("admin"))
    adds_an_organisation(walk, "Initech", "initech")
    invites(walk, CUSTOMER, "Operations", "customer", "initech")
    invites(walk, ENGINEER, "Night shift", "engineer")
    customer = comes_with_a_passkey(walk)
    upload = sends(customer, tmp_path)
    adds_a_provider(walk, issuer)
    engineer = comes_through_the_provider(walk, issuer)
    opens(engineer, upload)
    suspends(walk, CUSTOMER)
    finds_the_door_closed(walk, customer)
    opens(engineer, upload)
    reads_who_did_what(walk)


def goes_to(admin: Page, part: str) -> None:
    """Press the name of a part of the admin's pages."""
    admin.get_by_role("navigation", name="Admin").get_by_role("link", name=part, exact=True).click()


def adds_an_organisation(walk: Walk, name: str, slug: str) -> None:
    page = walk.admin
    goes_to(page, "Organisations")
    page.get_by_role("link", name="Add an organisation").click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Short name").fill(slug)
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


def invites(walk: Walk, email: str, name: str, role: str, organisation: str = "") -> None:
    page = walk.admin
    goes_to(page, "People")
    page.get_by_role("link", name="Invite somebody").click()
    page.get_by_label("Mail address").fill(email)
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Role", exact=True).select_option(role)
    page.get_by_label("Organisation", exact=True).select_option(organisation)
    page.get_by_role("button", name="Send the invitation").click()
    expect(page.get_by_text("The invitation is on its way.")).to_be_visible()


def link_for(walk: Walk, email: str) -> str:
    """Return the link in the mail that somebody got."""

    def look() -> str | None:
        texts = [mail["text"] for mail in walk.live.mails("/activate/") if mail["to"] == email]
        found = re.search(rf"{re.escape(walk.live.url)}/activate/\S+", texts[-1]) if texts else None
        return found[0] if found else None

    return eventually(look, f"invitation of {email}")


def comes_with_a_passkey(walk: Walk) -> Page:
    """Follow the link, choose a password, add a passkey; sign out, and in again with that alone."""
    page = walk.people.anybody()
    Device(page)
    page.goto(link_for(walk, CUSTOMER))
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("The same once more").fill(PASSWORD)
    page.get_by_role("button", name="Set the password").click()
    expect(page).to_have_url(f"{walk.live.url}/")

    add_passkey(page, "Laptop")
    page.goto("/account")
    expect(page.locator("#factors")).to_contain_text("Laptop")
    sign_out(page)
    enter_by_passkey(page)
    expect(page).to_have_url(f"{walk.live.url}/")
    page.goto("/account")
    expect(page.locator("#sessions")).to_contain_text("with passkey")
    return page


def sends(page: Page, folder: Path) -> str:
    """Send a bundle, and see it checked; return its number."""
    page.goto("/")
    parcel = pack(folder, real_bundle(largest=5 * 10**6), "initech-node-1.tgz")
    row = send(page, parcel)
    expect(row).to_have_attribute("data-phase", "settled")
    page.get_by_role("link", name="Files", exact=True).click()
    page.get_by_role("link", name=parcel.name).click()
    return page.url.rsplit("/", 1)[1]


def adds_a_provider(walk: Walk, issuer: str) -> None:
    page = walk.admin
    goes_to(page, "Sign-in providers")
    page.get_by_role("link", name="Add a provider").click()
    page.get_by_label("Name", exact=True).fill("Our company")
    page.get_by_label("Short name").fill(SLUG)
    page.get_by_label("Who signs in this way").select_option("staff")
    page.get_by_label("Issuer").fill(issuer)
    page.get_by_label("Client ID").fill(CLIENT_ID)
    page.get_by_label("Client secret").fill(CLIENT_SECRET)
    page.get_by_label("Their mail domains").fill(ENGINEER.partition("@")[2])
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("heading", name="Our company")).to_be_visible()


def comes_through_the_provider(walk: Walk, issuer: str) -> Page:
    """Be who was invited, by the address that the provider calls verified."""
    page = walk.people.anybody()
    walk.people.tolerate(page, re.escape(issuer))
    # The provider's page asks for a font from outside, where no test goes.
    page.route(re.compile("^https://"), lambda route: route.fulfill(content_type="text/css", body=""))
    page.goto("/sign-in")
    page.get_by_role("link", name="Sign in with Our company").click()
    agree(page, ENGINEER)
    expect(page).to_have_url(f"{walk.live.url}/")
    page.goto("/account")
    expect(page.locator("#sessions")).to_contain_text("with Our company")
    return page


def opens(engineer: Page, upload: str) -> None:
    """See what was sent, ready to be fetched."""
    engineer.goto(f"/files/{upload}")
    expect(engineer.locator("#download")).to_be_visible()


def suspends(walk: Walk, email: str) -> None:
    page = walk.admin
    goes_to(page, "People")
    page.get_by_role("row").filter(has_text=email).get_by_role("link").click()
    page.get_by_role("link", name="Suspend them").click()
    page.get_by_label("Why?").fill("Left the company yesterday.")
    page.get_by_role("button", name="Suspend them").click()
    expect(page.get_by_text("They cannot sign in any more.")).to_be_visible()


def finds_the_door_closed(walk: Walk, page: Page) -> None:
    """The next click of somebody who was at work a moment ago."""
    page.get_by_role("link", name="Cases", exact=True).click()
    expect(page).to_have_url(re.compile(r"/sign-in\?next=/cases$"))
    walk.people.tolerate(page, r"\b403\b")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_text("Your account is closed.")).to_be_visible()


def reads_who_did_what(walk: Walk) -> None:
    """The trail names everybody, and what happened to them."""
    page = walk.admin
    goes_to(page, "Audit")
    for who in (CUSTOMER, ENGINEER, walk.live.accounts["admin"]["email"]):
        expect(page.locator("main").get_by_text(who).first).to_be_visible()
