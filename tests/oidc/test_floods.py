"""T34: what anybody may ask without signing in fills no table, and keeps nobody else out."""

import pytest
from flask import Flask

from app import create_app
from app.settings import Settings
from app.system import System
from tests.oidc.hostile import Hostile
from tests.oidc.test_refusals import rows
from tests.oidc.world import leave, sign_in
from tests.web.callers import Browser

pytestmark = pytest.mark.usefixtures("provider", "jane")


@pytest.fixture
def app(settings: Settings, system: System) -> Flask:
    """Give a portal that lets a network fail three times."""
    few = settings.model_copy(update={"max_network_tries": 3})
    app: Flask = create_app(few, adapters=system.adapters, database=system.database)
    return app


def test_departures_are_limited_for_a_network(app: Flask, system: System) -> None:
    statuses = [Browser(app).get("/sign-in/with/acme").status_code for _ in range(3)]
    assert statuses == [303, 303, 303]
    before = rows(system)
    refused = Browser(app).get("/sign-in/with/acme")
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    assert rows(system) == before


def test_who_comes_back_uses_none_up(app: Flask, hostile: Hostile, system: System) -> None:
    for _ in range(5):
        assert sign_in(Browser(app), hostile).status_code == 303


def test_answers_in_another_browser_are_limited(app: Flask, hostile: Hostile, system: System) -> None:
    """The state is known, so each would leave a row in the trail."""
    planted = hostile.consent(leave(Browser(app)))
    assert [Browser(app).get(planted).status_code for _ in range(4)] == [400, 400, 400, 429]
    before = rows(system)
    assert Browser(app).get(planted).status_code == 429
    assert rows(system) == before


def test_errors_of_the_provider_are_limited(app: Flask, hostile: Hostile) -> None:
    def back() -> int:
        browser = Browser(app)
        return browser.get(hostile.consent(leave(browser), code="", error="access_denied")).status_code

    assert [back() for _ in range(4)] == [403, 403, 403, 429]


@pytest.mark.parametrize("what", ["image", "iframe", "empty"])
def test_a_foreign_page_uses_up_nobodys_departures(app: Flask, what: str, system: System) -> None:
    before = rows(system)
    page = Browser(app).get("/sign-in/with/acme", headers={"Sec-Fetch-Dest": what})
    assert page.status_code == 403
    assert [table for table, was in zip(rows(system), before, strict=True) if table != was] == []
    leave(Browser(app))
    assert Browser(app).get("/sign-in/with/acme", headers={"Sec-Fetch-Dest": "document"}).status_code == 303
