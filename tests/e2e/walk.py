"""Ways that several tests go: sending through the page, and what an engineer does with the mail."""

import hashlib
import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.e2e.browser import People
from tests.e2e.sources import Parcel
from tests.live import Live, eventually

# Notes every phase that a row passes; it would be gone if the page were loaded again.
_NOTE_PHASES = """
window.phases = [];
new MutationObserver(() => {
  for (const row of document.querySelectorAll(".send-row")) {
    if (window.phases.at(-1) !== row.dataset.phase) window.phases.push(row.dataset.phase);
  }
}).observe(document.getElementById("send-list"),
  { subtree: true, childList: true, attributes: true, attributeFilter: ["data-phase"] });
"""


def scripted(page: Page) -> None:
    """Wait until the send page's script has taken over, for what a script alone can do."""
    expect(page.locator("#diag[multiple]")).to_be_attached()


def note_phases(page: Page) -> None:
    """Begin to note the phases that rows of the send page pass."""
    page.evaluate(_NOTE_PHASES)


def phases(page: Page) -> list[str]:
    """Return what was noted since, in order."""
    noted: list[str] = page.evaluate("window.phases")
    return noted


def row_of(page: Page, name: str) -> Locator:
    """Find the row of a file on the send page."""
    return page.locator(".send-row").filter(has=page.get_by_text(name, exact=True))


def choose(page: Page, *parcels: Parcel) -> None:
    """Choose files on the send page, as Browse does."""
    scripted(page)  # until then it takes only one
    page.locator("#diag").set_input_files([parcel.path for parcel in parcels])


def send(page: Page, parcel: Parcel) -> Locator:
    """Choose one file, press Send; return its row."""
    choose(page, parcel)
    row = row_of(page, parcel.name)
    expect(row).to_have_attribute("data-phase", "ready")
    page.locator("#send-button").click()
    return row


def id_in(address: str | None) -> str:
    """Return the id of the upload that an address is about."""
    found = re.search(r"/files/([0-9a-f-]{36})", address or "")
    assert found, address
    return found[1]


def id_of(row: Locator) -> str:
    """Return the id of a sent upload from its row's receipt."""
    return id_in(row.get_by_role("link", name="Receipt").get_attribute("href"))


def fetch_as_engineer(people: People, live: Live, upload_id: str, parcel: Parcel, into: Path) -> None:
    """Go the engineer's way: mail, link, sign-in and back, the list, the file, the same bytes."""
    link = f"{live.url}/files/{upload_id}"
    engineer = live.accounts["engineer"]["email"]
    [mail, *_] = eventually(
        lambda: [mail for mail in live.mails(link) if mail["to"] == engineer], f"a mail with {link}"
    )
    assert parcel.name in mail["subject"]
    assert parcel.sha256 in mail["text"]
    address = next(word for word in mail["text"].split() if word.startswith("http"))

    page = people.anybody()
    page.goto(address)
    expect(page).to_have_title(re.compile("Sign in"))
    people.fill_in(page, "engineer")
    expect(page).to_have_url(link)
    expect(page.get_by_role("heading", name="Ready")).to_be_visible()

    page.get_by_role("navigation", name="Main").get_by_role("link", name="Files").click()
    row = page.get_by_role("row").filter(has_text=parcel.name)
    expect(row).to_contain_text("Ready")
    row.get_by_role("link", name=parcel.name).click()
    with page.expect_download() as download:
        page.locator("a[download]").click()
    assert download.value.suggested_filename == parcel.name
    saved = into / "downloaded"
    download.value.save_as(saved)
    assert hashlib.sha256(saved.read_bytes()).hexdigest() == parcel.sha256
