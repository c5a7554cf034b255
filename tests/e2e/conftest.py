"""Chromium on the whole product, for every kind of person."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from app.cli.dev.services import Services
from tests.e2e.browser import CHROMIUM, FLAGS, People
from tests.live import Live, clone_database

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
    yield from _of(chromium, live)


def _of(chromium: Browser, live: Live) -> Iterator[People]:
    people = People(chromium, live)
    yield people
    problems = people.problems()
    people.close()
    assert not problems, "the browser complained:\n" + "\n".join(problems)


@pytest.fixture(scope="session")
def named(services: Services, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Give a portal with a name: a passkey belongs to one, never to a number."""
    database, directory = clone_database(services, template, "named"), tmp_path_factory.mktemp("named")
    portal = Live(services, database, directory, {"DIAGPORT_MAX_TRIES": "100"}, redis_db=2)
    portal.url = f"http://localhost:{portal.application.port}"
    portal.application.environment["DIAGPORT_BASE_URL"] = portal.url
    with portal:
        yield portal


@pytest.fixture
def people_by_name(chromium: Browser, named: Live) -> Iterator[People]:
    """Give people of that portal, as `people` does."""
    yield from _of(chromium, named)
