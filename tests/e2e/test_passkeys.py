"""Passkeys in Chromium, with its virtual authenticator: made, used in every way, removed, copied. T37."""

import re
from typing import Any

import pytest
from playwright.sync_api import CDPSession, Page, expect

from tests.e2e.browser import People
from tests.live import Live

DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
HOME = re.compile(r":\d+/$")


@pytest.fixture
def people(people_by_name: People) -> People:
    """Give people of the portal that has a name."""
    return people_by_name


class Device:
    """The virtual authenticator of one browser page."""

    def __init__(self, page: Page) -> None:
        self._cdp: CDPSession = page.context.new_cdp_session(page)
        self._cdp.send("WebAuthn.enable")
        self._id = self._cdp.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})["authenticatorId"]

    def keys(self) -> list[dict[str, Any]]:
        """Return what it holds, secrets and all."""
        asked = {"authenticatorId": self._id}
        held: list[dict[str, Any]] = self._cdp.send("WebAuthn.getCredentials", asked)["credentials"]
        return held

    def load(self, key: dict[str, Any]) -> None:
        """Put a passkey into it, as somebody does who has copied one."""
        held = {"authenticatorId": self._id, "credentialId": key["credentialId"]}
        if any(each["credentialId"] == key["credentialId"] for each in self.keys()):
            self._cdp.send("WebAuthn.removeCredential", held)
        self._cdp.send("WebAuthn.addCredential", {"authenticatorId": self._id, "credential": key})

    def verify(self, works: bool) -> None:
        """Say whether the person's finger fits."""
        self._cdp.send("WebAuthn.setUserVerified", {"authenticatorId": self._id, "isUserVerified": works})


def add_passkey(page: Page, name: str) -> None:
    """Add one through the pages, from the account page."""
    page.goto("/account")
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Make the passkey").click()
    expect(page).to_have_url(re.compile(r"/account/recovery-codes$|/account#factors$"))


def enter_by_passkey(page: Page) -> None:
    page.goto("/sign-in")
    page.get_by_role("button", name="Sign in with a passkey").click()


def sign_out(page: Page) -> None:
    page.locator(".menu summary").click()
    page.locator(".menu__panel").get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile(r"/sign-in$"))


def test_a_passkey_from_first_to_last(people: People, named: Live) -> None:
    page = people.sign_in("acme")
    device = Device(page)
    add_passkey(page, "Laptop")
    page.get_by_role("button", name="Make codes").click()
    expect(page.locator(".codes li")).to_have_count(10)
    page.goto("/account")
    expect(page.locator("#factors")).to_contain_text("Laptop")

    sign_out(page)
    enter_by_passkey(page)  # nothing is typed
    expect(page).to_have_url(HOME)
    assert named.sql("SELECT factors FROM sign_in_session WHERE factors = '[\"passkey\"]'")

    sign_out(page)
    people.fill_in(page, "acme")  # the password alone is not enough
    expect(page).to_have_url(re.compile("/sign-in/second$"))
    page.goto("/files")
    expect(page).to_have_url(re.compile("/sign-in"))
    page.goto("/sign-in/second")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page).to_have_url(HOME)

    named.sql("UPDATE sign_in_session SET confirmed_at = now() - interval '1 hour'")
    before = page.context.cookies()
    page.goto("/account/recovery-codes")
    expect(page.get_by_role("heading", name="Is it still you?")).to_be_visible()
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    assert page.context.cookies() != before

    old = device.keys()[0]
    page.goto("/account")
    page.get_by_role("link", name="Change Laptop").click()
    page.get_by_role("button", name="Remove the passkey").click()
    expect(page.locator("#factors")).not_to_contain_text("Laptop")
    sign_out(page)
    device.load(old)
    people.tolerate(page, r"answer 422: POST .*/sign-in/passkey$", "console error: .*422")
    enter_by_passkey(page)
    expect(page.locator(".passkey__said")).to_contain_text("This passkey does not fit.")


def test_a_copy_is_refused_and_its_owner_told(people: People, named: Live) -> None:
    page = people.sign_in("globex")
    device = Device(page)
    add_passkey(page, "Key ring")
    copy = device.keys()[0]
    sign_out(page)
    enter_by_passkey(page)
    expect(page).to_have_url(HOME)
    sign_out(page)

    device.load(copy)  # it counts on from where it was copied
    people.tolerate(page, r"answer 403: POST .*/sign-in/passkey$", "console error: .*403")
    enter_by_passkey(page)
    expect(page.locator(".passkey__said")).to_contain_text("There may be a copy of this passkey")
    assert named.sql("SELECT 1 FROM audit_event WHERE action = 'factor.passkey_copied'")
    assert named.sql("SELECT 1 FROM delivery WHERE told ->> 'what' LIKE '%somebody may have copied it%'")


def test_without_a_finger_it_signs_nobody_in(people: People) -> None:
    """By itself it must be two factors; and who cancels can try again."""
    page = people.sign_in("engineer")
    device = Device(page)
    add_passkey(page, "Phone")
    sign_out(page)
    device.verify(False)
    enter_by_passkey(page)
    expect(page.locator(".passkey__said")).to_contain_text("it was cancelled, or took too long")
    device.verify(True)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page).to_have_url(HOME)


def test_a_browser_without_passkeys_is_asked_for_none(people: People) -> None:
    page = people.anybody()
    page.add_init_script("delete globalThis.PublicKeyCredential")
    page.goto("/sign-in")
    expect(page.get_by_label("Password")).to_be_visible()
    expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_hidden()


def test_without_scripts_password_and_code_work(people: People, named: Live) -> None:
    """And no page shows a button that does nothing."""
    page = people.anybody(java_script_enabled=False)
    page.goto("/sign-in")
    expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_hidden()
    people.fill_in(page, "admin")
    page.goto("/account/passkeys/new")
    expect(page.get_by_text("Passkeys need JavaScript.")).to_be_visible()
    expect(page.get_by_role("button", name="Make the passkey")).to_be_hidden()
