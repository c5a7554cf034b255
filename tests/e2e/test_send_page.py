"""What the send page says and does while files travel: stalls, waiting, sign-out, queues, leaving."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Dialog, Page, Route, expect

from tests.e2e.browser import People
from tests.e2e.line import Relay
from tests.e2e.sources import Parcel, noisy_tgz, pack
from tests.e2e.test_looks import SCREENS, look
from tests.e2e.walk import choose, id_of, row_of, scripted, send
from tests.live import Live, eventually

SIZE = 6 * 1024**2
PART = 2 * 1024**2
LOST = "Nothing that arrived is lost."


@pytest.fixture
def relay(live: Live) -> Iterator[Relay]:
    """Give a line to the portal. Comes before ``people``, so that it outlives their browsers."""
    with Relay(live.url) as relay:
        yield relay


@pytest.fixture
def parcel(tmp_path: Path) -> Parcel:
    return pack(tmp_path, noisy_tgz(SIZE, seed=31), f"{tmp_path.name}.tgz")


def expect_same(live: Live, page: Page, parcel: Parcel) -> None:
    """Expect the whole file at the portal."""
    row = row_of(page, parcel.name)
    expect(row).to_have_attribute("data-phase", re.compile("^(checking|settled)$"))
    upload = live.get(f"/api/v1/uploads/{id_of(row)}", "acme").json()
    assert (upload["sha256"], upload["size"]) == (parcel.sha256, parcel.size)


def test_a_stall_is_said_and_a_dead_connection_given_up(
    relay: Relay, people: People, live: Live, parcel: Parcel
) -> None:
    page = people.sign_in("acme", base_url=relay.url)
    people.tolerate(page, r"\b423\b", r"\b409\b")
    page.clock.install()
    page.goto("/")
    relay.get_stuck_after(PART)
    row = send(page, parcel)
    eventually(lambda: row.is_visible() and relay.stuck, "a part on its way")
    expect(row).to_contain_text(re.compile(r"Uploading \d+%|Uploading$"))

    page.clock.run_for(22_000)
    expect(row).to_contain_text("Nothing has moved for 20 seconds. Still trying; you can leave this open.")
    expect(row).to_have_attribute("data-phase", "sending")
    expect(page.locator("#announcer")).to_have_text(f"{parcel.name}: Nothing has moved for a while.")
    page.clock.run_for(10_000)
    expect(row).to_contain_text("Nothing has moved for 30 seconds.")

    relay.give_way()  # to new connections alone
    page.clock.run_for(60_000)
    expect_same(live, page, parcel)


def test_waiting_for_the_network(relay: Relay, people: People, live: Live, parcel: Parcel) -> None:
    page = people.sign_in("acme", base_url=relay.url)
    people.tolerate(page, "net::ERR_", r"\b423\b", r"\b409\b")
    relay.get_stuck_after(PART)
    row = send(page, parcel)
    eventually(lambda: row.is_visible() and relay.stuck, "a part on its way")

    relay.cut(page)
    expect(row).to_contain_text(
        f"Waiting for the network. It goes on by itself as soon as there is one. {LOST}"
    )
    page.context.set_offline(False)  # there is a network, and still no way to the portal
    expect(row).to_contain_text(f"The connection is lost. {LOST} Trying again in")
    relay.mend(page)

    expect_same(live, page, parcel)


def test_the_portal_asks_for_patience(people: People, live: Live, parcel: Parcel) -> None:
    page = people.sign_in("acme")
    people.tolerate(page, r"\b503\b")
    page.clock.install()
    page.goto("/")
    tries = []

    def busy(route: Route) -> None:
        tries.append(route.request)
        if len(tries) > 1:
            route.continue_()
            return
        body = json.dumps({"status": 503, "code": "unavailable", "detail": "Too many are sending just now."})
        route.fulfill(status=503, headers={"Retry-After": "300"}, body=body)

    page.route("**/tus", busy)
    row = send(page, parcel)
    expect(row).to_contain_text(f"Too many are sending just now. {LOST} Trying again in 5 minutes.")
    page.clock.run_for(290_000)
    assert len(tries) == 1
    page.clock.run_for(11_000)

    expect_same(live, page, parcel)


def test_signed_out_in_the_middle(relay: Relay, people: People, live: Live, parcel: Parcel) -> None:
    page = people.sign_in("acme", base_url=relay.url, viewport=SCREENS["phone"])
    people.tolerate(page, r"\b40[139]\b", r"\b423\b", "net::ERR_")
    relay.get_stuck_after(PART)
    row = send(page, parcel)
    eventually(lambda: row.is_visible() and relay.stuck, "a part on its way")
    live.sql(
        "DELETE FROM sign_in_session WHERE account_id = (SELECT id FROM account WHERE email = %s)",
        live.accounts["acme"]["email"],
    )
    relay.mend()

    expect(row).to_contain_text(f"You are signed out. Sign in again in another tab, then press Go on. {LOST}")
    assert not look(page, "signed out")
    row.get_by_role("button", name=re.compile("^Go on")).click()
    expect(row).to_contain_text("You are still signed out.")
    with page.expect_popup() as popup:
        row.get_by_role("link", name=re.compile("^Sign in in a new tab")).click()
    people.fill_in(popup.value, "acme")
    expect(popup.value).to_have_url(re.compile(r":\d+/$"))
    page.bring_to_front()
    # A window that comes back to the front goes on by itself; where it is not one, there is the button.
    page.evaluate("document.querySelector('[data-act=goon]:not([hidden])')?.click()")

    expect_same(live, page, parcel)


def test_one_that_fails_does_not_stop_the_others(people: People, live: Live, tmp_path: Path) -> None:
    good = [pack(tmp_path, noisy_tgz(300_000, seed), f"queue-{seed}.tgz") for seed in (1, 3)]
    bad = pack(tmp_path, b"\x1f\x8b" + bytes(300_000), "queue-2.tgz")  # to the page it looks like a bundle
    page = people.sign_in("acme")
    people.tolerate(page, r"\b415\b")

    choose(page, good[0], bad, good[1])
    page.get_by_role("button", name="Send 3 bundles").click()

    for parcel in good:
        expect_same(live, page, parcel)
    expect(row_of(page, bad.name)).to_contain_text("Not accepted.")
    expect(page.locator("#send-total")).to_contain_text("2 of 2 bundles sent. 600.")
    expect(page.locator("#send-total-bar")).to_have_js_property("value", 1)


def test_leaving_warns_while_something_is_under_way(relay: Relay, people: People, parcel: Parcel) -> None:
    page = people.sign_in("acme", base_url=relay.url)
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    choose(page, parcel)
    expect(row_of(page, parcel.name)).to_have_attribute("data-phase", "ready")
    page.get_by_label("Note").fill("Nothing is under way yet.")
    page.goto("/files")
    assert asked == []

    page.goto("/")
    relay.get_stuck_after(PART)
    row = send(page, parcel)
    eventually(lambda: row.is_visible() and relay.stuck, "a part on its way")
    page.evaluate("location.assign('/files')")
    eventually(lambda: page.title() and asked, "the question whether to leave")
    assert asked == ["beforeunload"]
    expect(row).to_have_attribute("data-phase", "sending")

    row.get_by_role("button", name=re.compile("^Pause")).click()
    page.goto("/files")
    assert asked == ["beforeunload"], "what is paused waits anyway"


def test_the_list_of_what_is_unfinished(relay: Relay, people: People, live: Live, parcel: Parcel) -> None:
    """T9: it belongs to the account. Another file is not taken for it; and it can be cancelled."""
    page = people.sign_in("acme", base_url=relay.url)
    relay.get_stuck_after(PART)
    row = send(page, parcel)
    eventually(lambda: row.is_visible() and relay.stuck, "a part on its way")
    [upload] = live.get(f"/api/v1/uploads?q={parcel.name}", "acme").json()["items"]
    page.close()
    relay.mend()

    expect(people.sign_in("globex").get_by_text(parcel.name)).to_have_count(0)
    page = people.sign_in("acme", viewport=SCREENS["phone"])
    scripted(page)
    item = page.locator("#unfinished li").filter(has_text=parcel.name)
    other = pack(parcel.path.parent, noisy_tgz(5000), "other.tgz")
    with page.expect_file_chooser() as chooser:
        item.get_by_role("button", name="Choose the file").click()
    chooser.value.set_files(other.path)
    expect(row_of(page, other.name)).to_contain_text(
        f"This is another file. {parcel.name} with 6.3\u00a0MB was begun. Choose that one to go on with it."
    )
    assert not look(page, "another file")
    row_of(page, other.name).get_by_role("button", name="Send this one anew").click()
    expect(row_of(page, other.name)).to_contain_text("Ready to send.")

    item.get_by_role("button", name="Cancel").click()
    expect(item).to_contain_text("Stop for good?")
    expect(item.get_by_role("button", name="Keep it")).to_be_focused()
    assert not look(page, "to be cancelled")
    item.get_by_role("button", name="Discard what was sent").click()
    expect(item).to_have_count(0)
    assert live.get(f"/api/v1/uploads/{upload['id']}", "acme").json()["state"] == "abandoned"
