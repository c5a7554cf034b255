"""The pictures of a channel: its settings and its log."""

from pathlib import Path

from playwright.sync_api import Page, expect

_NAME = "Mailbox of the night shift"


def take_of_channel(page: Page, into: Path, suffix: str) -> None:
    """Take them as an admin, of a channel that is made the first time and tested each time."""
    page.goto("/admin/channels")
    if not page.get_by_role("link", name=_NAME).count():
        page.goto("/admin/channels/new?kind=email")
        page.get_by_label("Name").fill(_NAME)
        page.get_by_label("Address").fill("night@diagport.example")
        page.get_by_role("button", name="Add it").click()
    else:
        page.get_by_role("link", name=_NAME).click()
    expect(page.get_by_role("heading", name=_NAME)).to_be_visible()
    page.get_by_role("button", name="Send a test").click()
    while not page.get_by_text("Sent", exact=True).count():
        page.reload()
    page.screenshot(path=into / f"channel{suffix}.png", full_page=True)
