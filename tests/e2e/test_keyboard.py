"""Everything by keyboard: Tab reaches it, the skip link skips, forms are sent with Enter."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import FileChooser, Page, Route, expect

from tests.e2e import sources
from tests.e2e.browser import People
from tests.e2e.sources import pack
from tests.e2e.walk import row_of, scripted
from tests.live import Live, eventually

_MARK_REACHABLE = """
() => {
  const kinds = "a[href], button, input:not([type=hidden]), select, textarea, summary";
  let number = 0;
  for (const element of document.querySelectorAll(kinds)) {
    if (element.checkVisibility() && !element.disabled) element.dataset.number = number++;
  }
  return number;
}
"""
_FOCUSED = "document.activeElement?.dataset.number ?? null"
_OUTLINED = """
() => {
  for (let element = document.activeElement; element; element = element.parentElement) {
    const { outlineStyle, outlineWidth } = getComputedStyle(element);
    if (outlineStyle !== "none" && parseFloat(outlineWidth) > 0) return true;
  }
  return false;
}
"""


def _renew_nothing(route: Route) -> None:
    if "hx-request" in route.request.headers:
        route.fulfill(status=204)
    else:
        route.continue_()


def tab_through(page: Page) -> tuple[list[int], int]:
    """Press Tab from the page's beginning to its end; return what had the focus, and how much there is."""
    page.evaluate(
        "document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute('tabindex')"
    )
    count: int = page.evaluate(_MARK_REACHABLE)
    seen: list[int] = []
    for _ in range(count):
        page.keyboard.press("Tab")
        number = page.evaluate(_FOCUSED)
        assert number is not None, f"after {seen} of {count} the focus is nowhere"
        assert page.evaluate(_OUTLINED), f"number {number} has the focus and does not show it"
        seen.append(int(number))
    return seen, count


@pytest.mark.parametrize(("who", "path"), [(None, "/sign-in"), ("acme", "/"), ("engineer", "/files")])
def test_tab_reaches_everything_in_order(people: People, who: str | None, path: str) -> None:
    page = people.sign_in(who) if who else people.anybody()
    page.goto(path)
    page.route("**/*", _renew_nothing)  # other tests send bundles meanwhile

    seen, count = tab_through(page)

    assert count > 3
    assert seen == list(range(count))


def test_skip_link(people: People) -> None:
    page = people.sign_in("engineer")

    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")

    expect(page.locator("#content")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Case", exact=True)).to_be_focused()


def test_sign_in_and_send(people: People, live: Live, tmp_path: Path) -> None:
    parcel = pack(tmp_path, sources.content_of(sources.GENERATED), "keyboard.tgz")
    page = people.anybody()
    choosers: list[FileChooser] = []
    page.on("filechooser", lambda chooser: choosers.append(chooser))
    page.goto("/")
    expect(page.get_by_label("Mail address")).to_be_focused()
    page.keyboard.type(live.accounts["acme"]["email"])
    page.keyboard.press("Tab")
    page.keyboard.type(live.accounts["acme"]["password"])
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r":\d+/$"))

    scripted(page)
    page.get_by_label("Note").focus()
    page.keyboard.press("Tab")
    expect(page.locator("#diag")).to_be_focused()
    page.keyboard.press("Space")
    eventually(lambda: page.title() and choosers, "the dialog to choose files")
    choosers[0].set_files(parcel.path)
    row = row_of(page, parcel.name)
    expect(row).to_have_attribute("data-phase", "ready")
    for _ in range(5):  # to the button, past those of the row
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "send-button":
            break
    expect(page.locator("#send-button")).to_be_focused()
    page.keyboard.press("Enter")

    expect(row).to_contain_text("Ready")
    assert page.evaluate("document.activeElement !== document.body"), "the focus is not lost"


def test_sign_out_by_keyboard(people: People) -> None:
    page = people.sign_in("acme")
    page.locator("summary", has_text="Your account").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()
    page.keyboard.press("Enter")
    menu = page.locator(".menu__panel")
    for name in ("Account", "Send from a server"):
        page.keyboard.press("Tab")
        expect(menu.get_by_role("link", name=name)).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Sign out")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile("/sign-in$"))
    page.goto("/files")
    expect(page).to_have_title(re.compile("Sign in"))
