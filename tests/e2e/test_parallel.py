"""Large files travel as four parts side by side, and survive what happens on the way (F1, F22, F23)."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Request, Route, expect

from tests.e2e.browser import People
from tests.e2e.line import Relay
from tests.e2e.sources import Parcel, large_tgz, pack
from tests.e2e.tickets import make_ticket
from tests.e2e.walk import choose, id_of, row_of, send
from tests.live import Live, eventually

MIB = 1024**2
SIZE = 96 * MIB
PARTS = 4
#: Of each connection; the first chunks of a part are of 1 and 2 MiB.
A_WHILE = 4 * MIB
_TELL_WHAT_IS_SAID = """
const announcer = document.getElementById("announcer");
new MutationObserver(() => window.said(announcer.textContent))
  .observe(announcer, { childList: true, characterData: true, subtree: true });
"""
ARRIVED = re.compile("^(checking|settled)$")


@pytest.fixture(scope="session")
def content() -> bytes:
    return large_tgz(SIZE, seed=11)


@pytest.fixture
def parcel(tmp_path: Path, content: bytes) -> Parcel:
    return pack(tmp_path, content, f"{tmp_path.name}.tgz")


@pytest.fixture
def relay(live: Live) -> Iterator[Relay]:
    """Give a line to the portal. Comes before ``people``, so that it outlives their browsers."""
    with Relay(live.url) as relay:
        yield relay


class Requests:
    """What a page asked of the tus endpoint, as (method, header fields)."""

    def __init__(self, page: Page) -> None:
        self.made: list[tuple[str, dict[str, str]]] = []
        self.unanswered: list[str] = []  # methods of those whose connection broke
        page.on("request", self._note)
        page.on("requestfailed", lambda request: self.unanswered.append(request.method))

    def _note(self, request: Request) -> None:
        if "/tus" in request.url:
            self.made.append((request.method, request.headers))

    def fields(self, method: str, name: str) -> list[str]:
        return [headers.get(name, "") for made, headers in self.made if made == method]

    def created(self) -> tuple[int, int]:
        """Return how many parts were begun, and how often they were joined."""
        kinds = [kind.partition(";")[0] for kind in self.fields("POST", "upload-concat")]
        return kinds.count("partial"), kinds.count("final")


def begin(relay: Relay, page: Page, parcel: Parcel) -> Locator:
    """Send until every part has begun and the line is stuck."""
    relay.get_stuck_after(A_WHILE)
    row = send(page, parcel)
    eventually(lambda: row.is_visible() and relay.stuck, "parts on their way")
    expect(row).to_contain_text("of 100")
    return row


def expect_arrived(live: Live, row: Locator, parcel: Parcel) -> dict[str, Any]:
    expect(row).to_have_attribute("data-phase", ARRIVED)
    upload: dict[str, Any] = live.get(f"/api/v1/uploads/{id_of(row)}", "acme").json()
    assert (upload["sha256"], upload["size"]) == (parcel.sha256, parcel.size)
    return upload


def test_four_parts_each_chunk_with_its_sha256(people: People, live: Live, parcel: Parcel) -> None:
    page = people.sign_in("acme")
    requests = Requests(page)
    page.get_by_label("Case number").fill("CS-4790")
    page.get_by_label("Note").fill("In parts. Größe: groß.")

    upload = expect_arrived(live, send(page, parcel), parcel)

    assert requests.created() == (PARTS, 1)
    assert (upload["case"], upload["note"]) == ("CS-4790", "In parts. Größe: groß.")
    checksums = requests.fields("PATCH", "upload-checksum")
    assert len(set(checksums)) == len(checksums) > PARTS
    assert all(re.fullmatch(r"sha256 [\w+/]{43}=", checksum) for checksum in checksums)
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('tus::'))") == []
    page.reload()
    expect(page.locator("#recent")).to_contain_text(parcel.name)
    expect(page.locator("#unfinished").filter(has_text=parcel.name)).to_have_count(0)


def test_a_guest_with_one_use_left(people: People, live: Live, parcel: Parcel) -> None:
    """T12: four parts are one use of a ticket, and its code says who asks in every request."""
    ticket = make_ticket(live, uploads=1)
    page = people.anybody()
    page.goto(f"/t/{ticket['code']}")
    requests = Requests(page)

    row = send(page, parcel)

    expect(row).to_have_attribute("data-phase", ARRIVED)
    [upload] = live.get(f"/api/v1/uploads?case={ticket['case']}", "engineer").json()["items"]
    assert (upload["sha256"], upload["size"]) == (parcel.sha256, parcel.size)
    assert requests.created() == (PARTS, 1)


def test_connections_reset_in_the_middle(relay: Relay, people: People, live: Live, parcel: Parcel) -> None:
    page = people.sign_in("acme", base_url=relay.url)
    people.tolerate(page, "net::ERR_", r"\b423\b", r"\b409\b")
    requests = Requests(page)
    row = begin(relay, page, parcel)

    relay.give_way()
    relay.reset()

    expect_arrived(live, row, parcel)
    assert requests.created() == (PARTS, 1)


def test_reloaded_and_gone_on_with(relay: Relay, people: People, live: Live, parcel: Parcel) -> None:
    page = people.sign_in("acme", base_url=relay.url)
    people.tolerate(page, "net::ERR_", r"\b423\b", r"\b409\b")
    begin(relay, page, parcel)
    page.once("dialog", lambda dialog: dialog.accept())
    relay.mend()
    page.reload()

    requests = Requests(page)
    item = page.locator("#unfinished li").filter(has_text=parcel.name)
    expect(item).to_contain_text(re.compile(r"of 100\.\d MB arrived"))
    row = send(page, parcel)

    expect_arrived(live, row, parcel)
    assert requests.created() == (0, 1)
    assert max(int(offset) for offset in requests.fields("PATCH", "upload-offset")) > 0
    expect(item).to_have_count(0)


def test_another_browser_goes_on(relay: Relay, people: People, live: Live, parcel: Parcel) -> None:
    """The list is the portal's: it knows the parts, and that this is the file they are of."""
    page = people.sign_in("acme", base_url=relay.url)
    begin(relay, page, parcel)
    page.close()
    relay.mend()

    page = people.sign_in("acme")
    people.tolerate(page, r"\b423\b", r"\b409\b")
    requests = Requests(page)
    choose(page, parcel)
    row = row_of(page, parcel.name)
    expect(row).to_contain_text(re.compile(r"Ready to go on at \d+%"))
    page.get_by_role("button", name="Send bundle").click()

    expect_arrived(live, row, parcel)
    assert requests.created() == (0, 1)
    expect(page.locator("#unfinished").get_by_text(parcel.name)).to_have_count(0)


def test_a_damaged_piece_is_sent_again(relay: Relay, people: People, live: Live, parcel: Parcel) -> None:
    page = people.sign_in("acme", base_url=relay.url)
    people.tolerate(page, r"\b460\b")
    relay.damage(3 * MIB)
    said: list[str] = []
    page.expose_function("said", lambda words: said.append(words))
    page.evaluate(_TELL_WHAT_IS_SAID)
    requests = Requests(page)

    row = send(page, parcel)

    expect_arrived(live, row, parcel)
    checksums = requests.fields("PATCH", "upload-checksum")
    assert len(checksums) == len(set(checksums)) + 1, "one chunk went twice"
    assert 2 <= len(said) <= 6, f"a screen reader hears little: {said}"


@pytest.mark.parametrize("status", [409, 413])
def test_parts_that_cannot_be_joined_yet_are_kept(
    people: People, live: Live, parcel: Parcel, status: int
) -> None:
    """No room, or a conflict that does not end: nothing is sent anew when somebody tries again."""
    page = people.sign_in("acme")
    people.tolerate(page, rf"\b{status}\b")
    page.clock.install()
    page.goto("/")
    requests = Requests(page)
    said = json.dumps({"status": status, "code": "any", "detail": "Not now, says the portal."})

    def refuse(route: Route) -> None:
        joins = route.request.headers.get("upload-concat", "").startswith("final")
        if joins:
            route.fulfill(status=status, body=said)
        else:
            route.continue_()

    page.route("**/tus", refuse)
    row = send(page, parcel)
    eventually(lambda: row.is_visible() and requests.created()[1], "the first refusal")
    if status == 409:
        page.clock.run_for(120_000)
    expect(row).to_have_attribute("data-phase", "postponed")
    expect(row).to_contain_text("Not now, says the portal.")
    asked = requests.created()[1]
    page.clock.run_for(120_000)
    assert requests.created() == (PARTS, asked), "nobody asks without end"
    sent = len(requests.fields("PATCH", "upload-offset"))

    page.unroute("**/tus")
    row.get_by_role("button", name=re.compile("^Try again")).click()

    expect_arrived(live, row, parcel)
    assert requests.created() == (PARTS, asked + 1)
    assert len(requests.fields("PATCH", "upload-offset")) == sent


def test_the_portal_is_killed_and_comes_back(
    make_live: Callable[..., Live], people: People, parcel: Parcel
) -> None:
    own = make_live()
    web = own.application["web"]
    with Relay(own.url) as relay:
        page = people.sign_in("acme", own, base_url=relay.url)
        people.tolerate(page, "net::ERR_", r"\b423\b", r"\b409\b")
        requests = Requests(page)
        row = begin(relay, page, parcel)

        web.kill()
        relay.mend()
        expect(row).to_have_attribute("data-phase", "retrying")
        expect(row).to_contain_text("Nothing that arrived is lost.")
        web.start()
        web.wait_ready()

        expect_arrived(own, row, parcel)
        # A part whose beginning nobody answered any more is begun once again, and no other.
        assert requests.created() == (PARTS + requests.unanswered.count("POST"), 1)
