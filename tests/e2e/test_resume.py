"""Uploads that are interrupted: lost connections, closed tabs, Pause, Cancel, another browser."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Request, expect

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
    """The tus requests that a page made: offsets of its chunks, and what it was told where to go on."""

    def __init__(self, page: Page) -> None:
        self.created = 0
        self.chunks: list[int] = []
        self.told: list[int] = []
        page.on("request", self._request)
        page.on("requestfinished", self._finished)

    def check(self, *, created: int) -> None:
        """Expect that nothing was sent again of what the portal had acknowledged.

        The portal may still be busy with the chunk that was cut; then it refuses the next, and is
        asked again.
        """
        assert self.created == created
        assert self.chunks[created:] == self.told, "chunks go on where the portal says"
        assert self.told == sorted(self.told)
        assert self.told[-1] > 0

    def _request(self, request: Request) -> None:
        if "/tus" not in request.url:
            return
        if request.method == "POST":
            self.created += 1
        if request.method == "PATCH":
            self.chunks.append(int(request.headers["upload-offset"]))

    def _finished(self, request: Request) -> None:
        if "/tus" in request.url and request.method == "HEAD":
            response = request.response()
            assert response
            self.told.append(int(response.headers["upload-offset"]))


@pytest.fixture
def relay(live: Live) -> Iterator[Relay]:
    """Give a line to the portal. Comes before ``people``, so that it outlives their browsers."""
    with Relay(live.url) as relay:
        yield relay


@pytest.fixture
def parcel(tmp_path: Path) -> Parcel:
    return pack(tmp_path, noisy_tgz(SIZE, seed=7), "long.tgz")


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
    expect(row).to_contain_text("The connection is lost. Nothing that arrived is lost.")
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

    row.get_by_role("button", name="Pause").click()
    expect(row).to_contain_text("Paused")
    expect(row).to_contain_text("You can go on any time")
    assert page.evaluate("fetch('/healthz').then((answer) => answer.status)") == 200
    relay.mend()
    row.get_by_role("button", name="Resume").click()

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
