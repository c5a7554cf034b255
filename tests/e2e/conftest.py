"""Chromium on the whole product, for every kind of person."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.e2e.browser import CHROMIUM, FLAGS, People
from tests.live import Live

expect.set_options(timeout=30_000)  # a busy machine is slow, not wrong


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Give Debian's Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def people(chromium: Browser, live: Live) -> Iterator[People]:
    """Give people with browsers; the test fails if a page they saw complained of anything."""
    people = People(chromium, live)
    yield people
    problems = people.problems()
    people.close()
    assert not problems, "the browser complained:\n" + "\n".join(problems)
