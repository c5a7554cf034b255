"""Behind mailed links, in Chromium: from an invitation to being in, and to a new password. T36."""

import re
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browser import People
from tests.e2e.test_looks import SCREENS, look
from tests.live import Live, eventually

PASSWORD, ANOTHER = "quiet otters mend kites", "slow lemons paint stairs"


def invite(live: Live) -> str:
    """Invite an engineer from the shell; return the mail address."""
    email = f"new-{uuid4().hex[:8]}@diagport.example"
    arguments = ["users", "create", email, "--role", "engineer", "--invite"]
    command = live.application.python("invite", "-m", "flask", "--app", "wsgi", *arguments)
    command.start()
    command.finish()
    return email


def mailed(live: Live, email: str, kind: str) -> str:
    """Wait for the mail to that address with such a link; return the link's path."""

    def arrived() -> str | None:
        for mail in live.mails(f"/{kind}/"):
            if mail["to"] == email and (found := re.search(rf"/{kind}/[\w-]{{43}}", mail["text"])):
                return found[0]
        return None

    return eventually(arrived, f"a mail to {email} with a link to /{kind}/")


def choose(page: Page, password: str, button: str) -> None:
    page.get_by_label("New password").fill(password)
    page.get_by_label("The same once more").fill(password)
    page.get_by_role("button", name=button).click()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_from_an_invitation_to_a_forgotten_password(people: People, live: Live, scripts: bool) -> None:
    """Where a form hides its origin, since its page has a secret in its address, it goes through still."""
    email = invite(live)
    page = people.anybody(viewport=SCREENS["phone"], java_script_enabled=scripts)
    page.goto(mailed(live, email, "activate"))
    complaints = look(page, "activate") if scripts else []
    people.tolerate(page, "422", "401")  # and their page hears when the new password ends its session
    choose(page, "password1234", "Set the password and go on")
    expect(page.get_by_text("attackers try first")).to_be_visible()
    complaints += look(page, "activate, refused") if scripts else []
    choose(page, PASSWORD, "Set the password and go on")
    expect(page.get_by_role("navigation", name="Main")).to_be_visible()

    page = people.anybody(viewport=SCREENS["desk"], java_script_enabled=scripts)
    page.goto("/sign-in")
    page.get_by_role("link", name="Forgotten your password?").click()
    page.get_by_label("Mail address").fill(email)
    page.get_by_role("button", name="Send me a link").click()
    expect(page.get_by_role("heading", name="Look into your mail")).to_be_visible()
    complaints += look(page, "reset asked") if scripts else []
    link = mailed(live, email, "reset")
    page.goto(link)
    complaints += look(page, "new password") if scripts else []
    choose(page, ANOTHER, "Set the password")
    expect(page.get_by_role("navigation", name="Main")).to_be_visible()
    people.tolerate(page, "410")
    page.goto(link)
    expect(page.get_by_role("heading", name="This link no longer works")).to_be_visible()
    assert not complaints, "\n".join(complaints)
