"""The bell and the inbox in open pages: what others do shows within seconds, and without scripts too."""

import re
from time import monotonic

from playwright.sync_api import Page, expect

from tests.e2e.browser import People
from tests.factories.bundles import make_tgz
from tests.live import Live, eventually

SOON = 10_000  # milliseconds from the verdict on: the bell asks every four seconds


def send(live: Live, name: str) -> str:
    """Send a bundle, wait for its verdict; return its id."""
    upload_id: str = live.put(make_tgz({"etc/hostname": name.encode()}), name)["id"]
    assert live.settled(upload_id)["state"] == "clean"
    return upload_id


def bell(page: Page) -> str:
    return page.locator("#bell-label").inner_text()


def test_a_verdict_rings_on_pages_that_are_open(people: People, live: Live) -> None:
    """F6: for whoever sent it, and for support, each in words of their own; nobody reloads anything."""
    sender, engineer = people.sign_in("acme"), people.sign_in("engineer")
    engineer.goto("/cases")  # a page that renews nothing itself
    for page in (sender, engineer):
        page.evaluate("window.loadedOnce = true")

    upload_id = send(live, "rings.tgz")

    begun = monotonic()
    for page, words in ((engineer, "rings.tgz is ready"), (sender, "rings.tgz was checked")):
        expect(page.locator("#news")).to_contain_text(words, timeout=SOON)
        expect(page.locator("#announcer")).to_contain_text(f"New notice: {words}")
        expect(page.locator("#bell-count")).to_be_visible()
        assert re.fullmatch(r"Notices, \d\d?\+? unread", bell(page))
        assert page.evaluate("window.loadedOnce"), "the page was never loaded again"
    assert monotonic() - begun < 2 * SOON / 1000
    engineer.locator("#news-words").click()
    expect(engineer).to_have_url(re.compile(f"/files/{upload_id}$"))
    engineer.goto("/notices")
    expect(engineer.get_by_role("listitem").filter(has_text="rings.tgz is ready")).not_to_contain_text(
        "Unread"
    )


def test_a_line_that_is_hidden_leaves_the_bell(people: People, live: Live) -> None:
    page = people.sign_in("engineer")
    send(live, "hidden-line.tgz")
    expect(page.locator("#news")).to_contain_text("hidden-line.tgz", timeout=SOON)
    page.get_by_role("button", name="Hide this line").click()
    expect(page.locator("#news")).to_be_hidden()
    expect(page.locator("#bell")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Notices", level=1)).to_be_visible()
    page.get_by_role("button", name="Mark all as read").click()
    expect(page.locator("#bell-count")).to_be_hidden()


def test_the_inbox_shows_what_others_take(people: People, live: Live) -> None:
    name = "taken-live.tgz"
    engineer, admin = people.sign_in("engineer"), people.sign_in("admin")
    engineer.goto("/inbox")
    send(live, name)
    row = engineer.get_by_role("row").filter(has_text=name)
    expect(row).to_contain_text("Unread", timeout=SOON)
    admin.goto("/inbox")
    admin.get_by_role("button", name=f"Take it {name}").click()
    expect(admin.get_by_role("row").filter(has_text=name)).to_have_count(0)
    expect(row).to_have_count(0, timeout=SOON)
    admin.get_by_role("link", name=re.compile("^Mine")).click()
    admin.get_by_role("link", name=f"Hand over {name}").click()
    admin.get_by_label("To").select_option(label=_name_of(live, "engineer"))
    admin.get_by_label("Note").fill("They call back at noon.")
    admin.get_by_role("button", name="Hand over").click()
    expect(engineer.locator("#news")).to_contain_text(name, timeout=SOON)
    engineer.get_by_role("link", name=re.compile("^Mine")).click()
    expect(row).to_contain_text("You")


def _name_of(live: Live, who: str) -> str:
    [(name,)] = live.sql("SELECT name FROM account WHERE email = %s", live.accounts[who]["email"])
    return str(name)


def told(live: Live, upload_id: str) -> None:
    """Wait until support was told of a verdict."""
    eventually(
        lambda: live.sql(
            "SELECT 1 FROM notice JOIN event_record ON event_record.id = record_id"
            " JOIN account ON account.id = notice.account_id"
            " WHERE upload_id = %s AND event = 'upload.clean' AND email = %s",
            upload_id,
            live.accounts["engineer"]["email"],
        ),
        "the notice",
    )


def test_without_scripts_everything_is_there(people: People, live: Live) -> None:
    name, other = "no-scripts.tgz", "no-scripts-either.tgz"
    for each in (name, other):
        told(live, send(live, each))
    page = people.sign_in("engineer", java_script_enabled=False)
    assert re.fullmatch(r"Notices, \d\d?\+? unread", bell(page))
    page.get_by_role("button", name=f"Take it {name}").click()
    page.get_by_role("link", name=re.compile("^Mine")).click()
    page.get_by_role("link", name=name, exact=True).click()
    work = page.get_by_role("region", name="Whose work it is")
    expect(work).to_contain_text("You")
    work.get_by_role("button", name="Give back").click()
    expect(work).to_contain_text("Nobody")
    page.locator("#bell").click()
    rows = page.get_by_role("listitem")
    expect(rows.filter(has_text=f"{name} is ready")).not_to_contain_text("Unread")
    expect(rows.filter(has_text=f"{other} is ready")).to_contain_text("Unread")
    page.get_by_role("button", name="Mark all as read").click()
    # Not "All read": bundles of other tests become ready meanwhile.
    expect(rows.filter(has_text=f"{other} is ready")).not_to_contain_text("Unread")
