"""State that shows by itself: a row that comes and changes in an open list, and pages without scripts."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Request, expect

from tests.e2e.browser import People
from tests.e2e.sender import Sender
from tests.e2e.sources import noisy_tgz
from tests.live import Live

PIECE = 1000  # bytes that go first, so that the rest is still awaited


def test_open_list_shows_what_comes(people: People, live: Live) -> None:
    page = people.sign_in("engineer")
    page.goto("/files")
    page.evaluate("window.loadedOnce = true")
    row = page.get_by_role("row").filter(has_text="seen-live.tgz")
    expect(page.get_by_role("heading", name="Files")).to_be_visible()
    expect(row).to_have_count(0)

    sender = Sender(live, noisy_tgz(50_000, seed=21), "seen-live.tgz", "globex")
    expect(row).to_contain_text("Uploading")
    expect(row).to_contain_text("Globex")
    sender.send(0, PIECE)
    expect(row).to_contain_text("1.0 kB of 50")
    sender.send(PIECE)
    expect(row).to_contain_text("Ready")

    assert page.evaluate("window.loadedOnce"), "the page was never loaded again"


@pytest.mark.parametrize("address", ["/files", "/inbox", "/notices"])
def test_what_a_page_asks_by_itself_says_so(people: People, address: str) -> None:
    """T32: it keeps nobody signed in. What a person asks for does not say so."""
    page = people.sign_in("engineer")
    page.goto(address)

    def is_own(request: Request) -> bool:
        return "hx-request" in request.headers and urlsplit(request.url).path == address

    with page.expect_request(is_own) as asked:
        pass
    assert asked.value.headers["diagport-unattended"] == "1"
    if address != "/files":
        return
    with page.expect_request(lambda request: "q=typed" in request.url) as searched:
        page.get_by_role("searchbox").fill("typed")
    assert "diagport-unattended" not in searched.value.headers


def test_open_file_page_shows_the_verdict(people: People, live: Live) -> None:
    sender = Sender(live, noisy_tgz(50_000, seed=22), "watched.tgz")
    page = people.sign_in("engineer")
    page.goto(f"/files/{sender.id}")
    page.evaluate("window.loadedOnce = true")
    expect(page.get_by_role("heading", name="Uploading")).to_be_visible()
    expect(page.locator("a[download]")).to_have_count(0)

    sender.send(0)

    expect(page.get_by_role("heading", name="Ready")).to_be_visible()
    expect(page.locator("a[download]")).to_be_visible()
    assert page.evaluate("window.loadedOnce"), "the page was never loaded again"


def test_without_scripts_pages_fetch_themselves(people: People, live: Live) -> None:
    sender = Sender(live, noisy_tgz(50_000, seed=23), "refreshed.tgz")
    context = people.sign_in("acme", java_script_enabled=False).context
    addresses = ("/files?q=refreshed.tgz", f"/files/{sender.id}", f"/files/{sender.id}/receipt")
    pages = [context.new_page() for _ in addresses]
    for page, address in zip(pages, addresses, strict=True):
        page.goto(address)
        expect(page.locator("meta[http-equiv=refresh]")).to_have_count(1)
        expect(page.get_by_role("main")).to_contain_text("Uploading")

    sender.send(0)

    for page in pages:
        # Nothing loads the page again but itself; settled, it stops.
        expect(
            page.get_by_role("main").get_by_text("Ready").and_(page.locator(":visible")).first
        ).to_be_visible()
        expect(page.locator("meta[http-equiv=refresh]")).to_have_count(0)
