"""Every page: nothing for axe-core to find, nothing to scroll sideways, valid HTML."""

import re
from collections.abc import Iterable
from typing import Any, Literal

import html5lib
import pytest
from playwright.sync_api import Page, expect

from app.cli.dev import ROOT
from tests.e2e.browser import People
from tests.e2e.gallery import View, make_manager, make_newcomer, make_uploads, views
from tests.e2e.gallery_channels import channel_views
from tests.e2e.gallery_kept import kept_views
from tests.e2e.gallery_notices import notice_views
from tests.e2e.gallery_people import people_views
from tests.live import Live

AXE = (ROOT / "node_modules/axe-core/axe.min.js").read_text()
SCREENS = {"phone": {"width": 360, "height": 740}, "desk": {"width": 1280, "height": 800}}
PARTS = 8  # so that no test takes very long
#: Every rule in light; in dark those that look at colours, the rest of the page being the same.
COLOURS: dict[Literal["light", "dark"], dict[str, object]] = {
    "light": {},
    "dark": {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}},
}
#: Ended, not waited for: a page that nobody draws at the moment moves nothing on.
_STILL = """
() => document.getAnimations()
  .filter((one) => one.effect.getComputedTiming().endTime !== Infinity)
  .forEach((one) => one.finish())
"""
#: What reaches out of the window's right edge, for the message.
_TOO_WIDE = """
() => [...document.querySelectorAll("body *")]
  .filter((element) => element.getBoundingClientRect().right > innerWidth + 1 && element.checkVisibility())
  .map((element) => `${element.tagName}.${element.className}`)
"""


@pytest.fixture(scope="session")
def every_view(live: Live) -> list[View]:
    make_newcomer(live)
    make_manager(live)
    uploads = make_uploads(live)
    return [
        *views(uploads),
        *people_views(live),
        *notice_views(live),
        *channel_views(live),
        *kept_views(live, uploads),
    ]


def found_by_axe(page: Page, **options: object) -> list[str]:
    """Return what axe-core finds on the page, with the elements concerned."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    result: dict[str, Any] = page.evaluate(
        "(options) => axe.run(options)", {"resultTypes": ["violations"], **options}
    )
    return [
        f"{rule['id']}: {rule['help']}: {node['target']} {node['failureSummary']}"
        for rule in result["violations"]
        for node in rule["nodes"]
    ]


def look(page: Page, name: str) -> list[str]:
    """Return what is wrong with how the page looks and speaks, in light and in dark."""
    complaints: list[str] = []
    for colours, options in COLOURS.items():
        page.emulate_media(color_scheme=colours)
        # Colours that are still moving from one to another would be judged in between.
        page.evaluate(_STILL)
        complaints += [f"{colours}: {complaint}" for complaint in found_by_axe(page, **options)]
    width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if width > 0:
        complaints.append(f"{width} px too wide: {page.evaluate(_TOO_WIDE)}")
    return [f"{name}: {complaint}" for complaint in complaints]


def look_at_all(people: People, views: Iterable[View], screen: str) -> None:
    """Open every view as whom it is for, on a screen of that size, and look at it."""
    views, size = list(views), SCREENS[screen]
    pages = {
        who: people.sign_in(who, viewport=size) if who else people.anybody(viewport=size)
        for who in {view.who for view in views}
    }
    complaints: list[str] = []
    for view in views:
        page = pages[view.who]
        if view.status >= 400:
            people.tolerate(page, rf"\b{view.status}\b.*{re.escape(view.path)}")
        answer = page.goto(view.path)
        assert answer
        assert answer.status == view.status, view
        complaints += look(page, view.name)
    assert not complaints, "\n".join(complaints)


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("screen", SCREENS)
def test_every_page(people: People, every_view: list[View], screen: str, part: int) -> None:
    look_at_all(people, every_view[part::PARTS], screen)


def test_a_bad_page_is_noticed(people: People) -> None:
    """What finds nothing anywhere must find something here."""
    page = people.anybody(viewport=SCREENS["phone"])
    page.goto("/sign-in")
    page.evaluate("""() => {
      const picture = document.createElement("img");
      picture.src = "/static/img/logo.svg";
      picture.style.cssText = "width: 900px; max-width: none";
      const words = document.createElement("p");
      words.textContent = "hard to read in the dark";
      words.style.color = "#111";
      document.querySelector("main").append(picture, words);
    }""")
    complaints = look(page, "bad")
    assert any("light: image-alt" in complaint for complaint in complaints)
    assert any("dark: color-contrast" in complaint for complaint in complaints)
    assert any("px too wide" in complaint for complaint in complaints)


def test_menus_and_forbidden_page(people: People) -> None:
    page = people.sign_in("acme", viewport=SCREENS["phone"])
    page.locator("summary", has_text="Your account").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    complaints = look(page, "account menu")

    people.tolerate(page, "403")
    page.locator("form[action='/sign-out'] [name=csrf_token]").evaluate("field => field.value = 'wrong'")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("The page this came from is too old.")).to_be_visible()
    complaints += look(page, "403")
    assert not complaints, "\n".join(complaints)


def test_html_is_valid(people: People, every_view: list[View]) -> None:
    pages = {who: people.sign_in(who) if who else people.anybody() for who in {v.who for v in every_view}}
    complaints: list[str] = []
    for view in every_view:
        answer = pages[view.who].request.get(view.path, headers={"Accept": "text/html"})
        assert answer.status == view.status, view
        parser = html5lib.HTMLParser()
        parser.parse(answer.text())
        complaints += [f"{view.name} at {where}: {code} {data}" for where, code, data in parser.errors]
        ids = re.findall(r'\sid="([^"]*)"', answer.text())
        complaints += [f"{view.name}: id {name} twice" for name in ids if ids.count(name) > 1]
    assert not complaints, "\n".join(complaints)
