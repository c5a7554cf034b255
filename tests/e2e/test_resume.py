"""Uploads that are interrupted: lost connections, closed tabs, Pause, Cancel, another browser."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Request, Response, expect

from tests.e2e.browser import People
from tests.e2e.line import Relay
from tests.e2e.sources import Parcel, noisy_tgz, pack
from tests.e2e.walk import choose, id_of, row_of, send
from tests.live import Live, eventually

SIZE = 6 * 1024**2
PART = 2 * 1024**2
#: The portal's answers while it still has the request that was cut, as the network would show them.
BUSY = (r"\b409\b", r"\b423\b")


class Traffic:
    """The tus requests that a page made: whether each chunk began where the portal said it should."""

    def __init__(self, page: Page) -> None:
        self.created = 0
        self.resumed: list[int] = []  # offsets told to a page that asked
        self.wrong: list[str] = []
        self._next: dict[str, int] = {}  # address -> where the next chunk begins
        page.on("request", self._request)
        page.on("response", self._response)

    def check(self, *, created: int) -> None:
        """Expect that nothing was sent again of what the portal had acknowledged."""
        assert self.created == created
        assert not self.wrong
        assert max(self.resumed) > 0

    def _request(self, request: Request) -> None:
        if "/tus" not in request.url:
            return
        if request.method == "POST":
            self.created += 1
        if request.method == "PATCH":
            start, told = int(request.headers["upload-offset"]), self._next.get(request.url, 0)
            if start != told:
                self.wrong.append(f"{request.url}: a chunk from {start} where {told} was told")

    def _response(self, response: Response) -> None:
        request = response.request
        if "/tus" not in request.url or request.method not in {"HEAD", "PATCH"}:
            return
        if offset := response.headers.get("upload-offset"):
            self._next[request.url] = int(offset)
            if request.method == "HEAD":
                self.resumed.append(int(offset))


@pytest.fixture
def relay(live: Live) -> Iterator[Relay]:
    """Give a line to the portal. Comes before ``people``, so that it outlives their browsers."""
    with Relay(live.url) as relay:
        yield relay


@pytest.fixture
def parcel(tmp_path: Path) -> Parcel:
    return pack(tmp_path, noisy_tgz(SIZE, seed=7), f"{tmp_path.name}.tgz")


def send_a_part(relay: Relay, page: Page, parcel: Parcel) -> Locator:
    """Begin to send; come back when ``PART`` of it has passed the line and no more will.

    Once the page has given the request up, let it fetch something before the line is mended:
    until Chromium has heard of it, it sends a request again by itself whose connection breaks.
    """
    relay.get_stuck_after(PART)
    row = send(page, parcel)
    eventually(lambda: row.is_visible() and relay.stuck, "a part on its way")
    expect(row).to_have_attribute("data-phase", "sending")
    return row


def expect_arrived(live: Live, row: Locator, parcel: Parcel) -> None:
    """Expect the whole file at the portal, found clean."""
    expect(row).to_have_attribute("data-phase", "settled")
    expect(row).to_contain_text("Ready")
    upload = live.settled(id_of(row))
    assert (upload["sha256"], upload["size"], upload["state"]) == (parcel.sha256, parcel.size, "clean")


def test_lost_connection(relay: Relay, people: People, live: Live, parcel: Parcel) -> None:
    page = people.sign_in("acme", base_url=relay.url)
    people.tolerate(page, "net::ERR_", *BUSY)
    traffic = Traffic(page)
    row = send_a_part(relay, page, parcel)

    relay.cut(page)
    expect(row).to_contain_text("Waiting for the network.")
    expect(row).to_contain_text("Nothing that arrived is lost.")
    relay.mend(page)

    expect_arrived(live, row, parcel)
    traffic.check(created=1)


def test_closed_tab(relay: Relay, people: People, live: Live, parcel: Parcel) -> None:
    page = people.sign_in("acme", base_url=relay.url)
    people.tolerate(page, *BUSY)
    send_a_part(relay, page, parcel)
    page.close()

    page = page.context.new_page()
    traffic = Traffic(page)
    page.goto("/")
    expect(page.locator("#unfinished")).to_contain_text(parcel.name)
    relay.mend()
    row = send(page, parcel)

    expect_arrived(live, row, parcel)
    traffic.check(created=0)
    expect(page.locator("#unfinished").get_by_text(parcel.name)).to_have_count(0)


def test_another_browser_goes_on(relay: Relay, people: People, live: Live, tmp_path: Path) -> None:
    parcel = pack(tmp_path, noisy_tgz(SIZE, seed=8), "two-browsers.tgz")
    page = people.sign_in("acme", base_url=relay.url)
    send_a_part(relay, page, parcel)
    page.close()

    page = people.sign_in("acme", base_url=relay.url)
    people.tolerate(page, *BUSY)
    traffic = Traffic(page)
    choose(page, parcel)
    row = row_of(page, parcel.name)
    expect(row).to_contain_text("is here already")
    relay.mend()
    row.get_by_role("button", name="Continue it").click()

    expect_arrived(live, row, parcel)
    traffic.check(created=0)


def test_pause_and_resume(relay: Relay, people: People, live: Live, parcel: Parcel) -> None:
    page = people.sign_in("acme", base_url=relay.url)
    people.tolerate(page, *BUSY)
    traffic = Traffic(page)
    row = send_a_part(relay, page, parcel)

    row.get_by_role("button", name=re.compile("^Pause")).click()
    expect(row).to_contain_text("Paused")
    expect(row).to_contain_text("You can go on any time")
    assert page.evaluate("fetch('/healthz').then((answer) => answer.status)") == 200
    relay.mend()
    row.get_by_role("button", name=re.compile("^Resume")).click()

    expect_arrived(live, row, parcel)
    traffic.check(created=1)


def test_cancel_frees_it(relay: Relay, people: People, live: Live, tmp_path: Path) -> None:
    parcel = pack(tmp_path, noisy_tgz(SIZE, seed=9), "cancelled.tgz")
    page = people.sign_in("acme", base_url=relay.url)
    row = send_a_part(relay, page, parcel)
    [upload] = live.get(f"/api/v1/uploads?q={parcel.name}", "acme").json()["items"]

    row.get_by_role("button", name=re.compile("^Cancel")).click()
    expect(row).to_contain_text("Stop sending?")
    row.get_by_role("button", name="Keep sending").click()
    expect(row).to_have_attribute("data-phase", "sending")
    row.get_by_role("button", name=re.compile("^Cancel")).click()
    row.get_by_role("button", name="Discard what was sent").click()

    expect(row).to_contain_text("Cancelled.")
    eventually(
        lambda: live.get(f"/api/v1/uploads/{upload['id']}", "acme").json()["state"] == "abandoned", "the end"
    )
    storage = live.application.storage
    eventually(lambda: not [path for path in storage.rglob("*") if upload["id"] in path.name], "room")
    page.reload()
    expect(page.get_by_role("heading", name="Send a diagnostics bundle")).to_be_visible()
    expect(page.locator("#unfinished").get_by_text(parcel.name)).to_have_count(0)
