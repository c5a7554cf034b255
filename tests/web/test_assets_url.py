"""DIAGPORT_ASSETS_URL: where pages find their static files when a CDN has them; T17."""

import re

import pytest
from pydantic import ValidationError

from app import create_app
from app.settings import Settings
from app.system import System
from tests.unit.test_settings import make
from tests.web.callers import Caller

PLACE = "https://assets.upload.example.com/0123abc"


def test_pages_name_that_place_and_may_load_from_no_other(system: System, settings: Settings) -> None:
    there = settings.model_copy(update={"assets_url": PLACE})
    app = create_app(there, adapters=system.adapters, database=system.database)
    answer = app.test_client().get("/sign-in", headers={"Accept": "text/html"})
    assert f'href="{PLACE}/css/diagport.css"' in answer.text
    assert f'src="{PLACE}/js/app.js"' in answer.text
    assert "/static/" not in answer.text
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
    for directive in ("script-src", "style-src", "img-src", "font-src"):
        assert f"{PLACE}/" in policy[directive].split()
    for directive in ("default-src", "connect-src", "form-action"):
        assert PLACE not in policy[directive]


def test_without_it_they_come_from_here(customer: Caller) -> None:
    answer = customer.get("/", headers={"Accept": "text/html"})
    assert re.search(r'href="/static/css/diagport\.css\?v=[0-9a-f]{12}"', answer.text)
    assert "script-src 'self';" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "value",
    [
        "assets.example.com",
        "https://assets.example.com/a b",
        "https://assets.example.com; script-src *",
        "https://assets.example.com/?v=1",
        "javascript:alert(1)",
        "https://*.example.com",
    ],
)
def test_what_is_no_place_is_refused(value: str) -> None:
    """It goes into a header that says what browsers may run."""
    with pytest.raises(ValidationError, match="ASSETS_URL"):
        make(assets_url=value)


def test_a_slash_at_its_end_makes_no_difference() -> None:
    assert make(assets_url=f"{PLACE}/").assets_url == PLACE
