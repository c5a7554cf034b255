"""The account page in Chromium: the browser's own time zone is offered, and what scripts write follows."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.browser import People
from tests.e2e.sources import noisy_tgz, pack
from tests.e2e.walk import choose, row_of
from tests.live import Live


@pytest.fixture
def who(live: Live) -> Iterator[str]:
    """Give somebody who reads dates as everybody does, before and after."""
    yield "globex"
    live.sql(
        "UPDATE account SET locale = 'en-GB', time_zone = 'UTC' WHERE email = %s",
        live.accounts["globex"]["email"],
    )


def test_the_browsers_time_zone_is_offered(people: People, who: str, tmp_path: Path) -> None:
    page = people.sign_in(who, timezone_id="Asia/Tokyo")
    page.goto("/account")
    expect(page.locator("#sessions time").first).to_contain_text("UTC")
    page.get_by_role("button", name="Take Tokyo, as this browser has it").click()
    expect(page.get_by_role("button", name="Take Tokyo")).to_be_hidden()
    page.get_by_label("Written as in").select_option("de-DE")
    page.get_by_role("button", name="Save dates and numbers").click()
    expect(page.get_by_text("Pages write dates and numbers so from now on.")).to_be_visible()
    expect(page.locator("#sessions time").first).to_contain_text("JST")
    expect(page.get_by_role("button", name="Take Tokyo")).to_be_hidden()

    page.goto("/")
    parcel = pack(tmp_path, noisy_tgz(1_500_000), "tokyo.tgz")
    choose(page, parcel)
    expect(row_of(page, parcel.name)).to_contain_text("1,5\u00a0MB")
