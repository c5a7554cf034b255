"""Somebody without an account, at a browser: T12 through the page, with and without scripts."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.e2e.browser import People
from tests.e2e.gallery import View
from tests.e2e.line import Relay
from tests.e2e.sources import noisy_tgz, pack
from tests.e2e.test_looks import SCREENS, look_at_all
from tests.e2e.tickets import every_page, make_case, make_ticket
from tests.e2e.walk import choose, row_of, send
from tests.factories.bundles import make_tgz
from tests.live import Live, eventually

SMALL = make_tgz({"etc/hostname": b"web-01\n"})


@pytest.fixture
def relay(live: Live) -> Iterator[Relay]:
    """Give a line to the portal. Comes before ``people``, so that it outlives their browsers."""
    with Relay(live.url) as relay:
        yield relay


def own_uploads(live: Live, ticket: dict[str, Any]) -> list[dict[str, Any]]:
    found = live.get(f"/api/v1/uploads?case={ticket['case']}", "engineer").json()["items"]
    return list(found)


def test_without_a_script(people: People, live: Live, tmp_path: Path) -> None:
    """The browser hides where the form comes from, as the page asks it to; it is taken all the same."""
    ticket = make_ticket(live, uploads=1)
    parcel = pack(tmp_path, SMALL, "plain-guest.tgz")
    page = people.anybody(java_script_enabled=False)
    page.goto("/t")
    page.get_by_label("Case number").fill(ticket["case"].lower())
    page.get_by_label("Ticket").fill(ticket["code"].replace("-", "").lower())
    page.get_by_role("button", name="Go on").click()
    expect(page).to_have_url(f"{live.url}/t/{ticket['code']}")
    expect(page.get_by_text(f"For case {ticket['case']} of Acme")).to_be_visible()
    page.get_by_label("Note").fill("The disk was full.")
    page.get_by_label("Choose your bundle").set_input_files(parcel.path)
    with page.expect_request(lambda request: request.method == "POST") as sent:
        page.get_by_role("button", name="Send bundle").click()
    assert sent.value.headers.get("origin") == "null"

    expect(page).to_have_url(re.compile(rf"/t/{ticket['code']}/files/[0-9a-f-]{{36}}$"))
    expect(page.locator("#sha256")).to_have_text(parcel.sha256)
    (upload,) = own_uploads(live, ticket)
    live.settled(upload["id"])
    page.reload()
    expect(page.get_by_role("heading", name="Ready")).to_be_visible()
    people.tolerate(page, "410")
    page.get_by_role("link", name="Back to your ticket").click()
    expect(page.get_by_text("This ticket is used up.")).to_be_visible()
    expect(page.locator("#recent")).to_contain_text(parcel.name)
    expect(page.get_by_role("navigation", name="Main")).to_have_count(0)


def test_with_scripts(people: People, live: Live, tmp_path: Path) -> None:
    ticket = make_ticket(live, make_case(live), uploads=2)
    parcel = pack(tmp_path, SMALL, "scripted-guest.tgz")
    page = people.anybody()
    page.goto(f"/t/{ticket['code'].lower()}")
    row = send(page, parcel)
    expect(row).to_have_attribute("data-phase", "settled")
    expect(row).to_contain_text("Ready")
    expect(page.locator("#recent")).to_contain_text(parcel.name)
    row.get_by_role("link", name="Receipt").click()
    expect(page.locator("#sha256")).to_have_text(parcel.sha256)
    (upload,) = own_uploads(live, ticket)
    assert (upload["sha256"], upload["case"]) == (parcel.sha256, ticket["case"])
    assert upload["uploaded_by"] == f"ticket {ticket['hint']} for {ticket['case']}"


def test_the_last_use_is_gone_on_with_in_another_browser(
    relay: Relay, people: People, live: Live, tmp_path: Path
) -> None:
    """The upload belongs to the ticket, not to a browser."""
    ticket = make_ticket(live, uploads=1)
    parcel = pack(tmp_path, noisy_tgz(6 * 1024**2, seed=31), "two-guests.tgz")
    page = people.anybody(base_url=relay.url)
    people.tolerate(page, "net::ERR_", r"\b4\d\d\b")
    page.goto(f"/t/{ticket['code']}")
    relay.get_stuck_after(2 * 1024**2)
    row = send(page, parcel)
    eventually(lambda: row.is_visible() and relay.stuck, "a part on its way")
    page.close()
    relay.mend()

    page = people.anybody()
    people.tolerate(page, r"\b409\b", r"\b423\b")
    page.goto(f"/t/{ticket['code']}")
    expect(page.get_by_text("can still be finished")).to_be_visible()
    expect(page.locator("#unfinished")).to_contain_text(parcel.name)
    choose(page, parcel)
    row = row_of(page, parcel.name)
    row.get_by_role("button", name="Continue it").click()
    expect(row).to_have_attribute("data-phase", "settled")
    expect(row).to_contain_text("Ready")
    expect(page.locator("#recent")).to_contain_text(parcel.name)
    (upload,) = own_uploads(live, ticket)
    assert (upload["sha256"], upload["state"]) == (parcel.sha256, "clean")


def test_staff_hand_out_a_ticket(people: People, live: Live) -> None:
    case = make_case(live)
    page = people.sign_in("engineer")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Cases").click()
    page.get_by_role("link", name=case["reference"], exact=True).click()
    page.get_by_role("link", name="Make a ticket").click()
    page.get_by_label("Send it to").fill("guest@elsewhere.example")
    page.get_by_role("button", name="Make the ticket").click()
    address = page.locator("#ticket-address").inner_text()
    mail = eventually(lambda: live.mails(address), "the mail with the ticket")[0]
    assert mail["to"] == "guest@elsewhere.example"
    guest = people.anybody()
    guest.goto(address)
    expect(guest.get_by_text(f"For case {case['reference']} of Acme")).to_be_visible()
    page.get_by_role("link", name="Back to the case").click()
    page.locator("summary", has_text="Extend").click()
    page.get_by_label("More uploads").fill("5")
    page.get_by_role("button", name="Extend it").click()
    expect(page.get_by_text("0 of 15 uploads")).to_be_visible()
    page.get_by_role("button", name="Withdraw").click()
    expect(page.locator(".tickets")).to_contain_text("Withdrawn")
    people.tolerate(guest, "410")
    guest.reload()
    expect(guest.get_by_text("This ticket was withdrawn.")).to_be_visible()


@pytest.fixture(scope="session")
def case_views(live: Live) -> list[View]:
    return list(every_page(live))


@pytest.mark.parametrize("screen", SCREENS)
def test_every_page_about_cases(people: People, case_views: list[View], screen: str) -> None:
    look_at_all(people, case_views, screen)
