"""Mails in Chromium, as in a mail program that shows HTML: on a phone and a desk, in light and in dark."""

from typing import Any

import pytest
from playwright.sync_api import Browser

from app.domain.events import Event
from tests.e2e.test_looks import COLOURS, SCREENS, found_by_axe
from tests.factories.letters import Typed, make_mail

WCAG = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
LONG = Typed(
    filename=f"{'support-bundle-of-the-data-centre' * 4}_{'x' * 100}.tgz",
    case="CS-4702 / " + "7" * 50,
    organisation="Acme Industries " * 10,
    member="var/log/" * 30,
    note="W" * 200,
)
#: Of each tone, and with each part that a mail can have.
SEEN = (
    (Event.UPLOAD_RECEIVED, "customer"),
    (Event.UPLOAD_CLEAN, "customer"),
    (Event.UPLOAD_INFECTED, "customer"),
    (Event.UPLOAD_UNSCANNABLE, "engineer"),
    (Event.UPLOAD_ASSIGNED, "engineer"),
    (Event.TICKET_ISSUED, "ticket"),
    (Event.ACCOUNT_NEW_DEVICE, "customer"),
)


@pytest.mark.parametrize("screen", SCREENS)
def test_mails_are_readable_and_fetch_nothing(chromium: Browser, screen: str) -> None:
    """WCAG 2.2 AA by axe-core, in both colours; nothing to scroll sideways, however long the names."""
    options: dict[str, Any] = {"viewport": SCREENS[screen]}
    context = chromium.new_context(**options)
    page, fetched, complaints = context.new_page(), list[str](), list[str]()
    page.on("request", lambda request: fetched.append(request.url))
    for event, reader in SEEN:
        html = make_mail(event, reader, LONG).html
        assert html
        page.set_content(html)
        grounds = set()
        for colours in COLOURS:
            page.emulate_media(color_scheme=colours)
            grounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
            complaints += [f"{event}, {colours}: {each}" for each in found_by_axe(page, runOnly=WCAG)]
        assert len(grounds) == len(COLOURS), "dark is dark"
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > SCREENS[screen]["width"]:
            complaints.append(f"{event}: {width} px wide")
    context.close()
    assert fetched == []
    assert complaints == []
