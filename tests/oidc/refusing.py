"""Ways in which a provider lies, and what must come of it."""

import time
from collections.abc import Callable
from typing import Any

from werkzeug.test import TestResponse

from app.ports import Fetched
from app.system import System
from tests.oidc.hostile import Hostile, Sign
from tests.oidc.world import sessions
from tests.web.callers import Browser
from tests.web.looks import deeds

Lie = Callable[[Hostile], object]


def claim(**claims: Any) -> Lie:
    return lambda hostile: hostile.claims.update(claims)


def seconds_from_now(**claims: float) -> Lie:
    """Set times as they are when the test runs, which may be long after it was collected."""
    return lambda hostile: hostile.claims.update({name: time.time() + by for name, by in claims.items()})


def sign(how: Sign) -> Lie:
    return lambda hostile: setattr(hostile, "sign", how)


def header(**fields: Any) -> Lie:
    return lambda hostile: hostile.header.update(fields)


def answer(end: str, status: int, content: bytes) -> Lie:
    return lambda hostile: hostile.answers.update({end: Fetched(status, content)})


def refused(browser: Browser, system: System, response: TestResponse, status: int) -> str:
    """Check that nobody got in, that the page helps, and that the trail says why; return why."""
    assert response.status_code == status, response.text
    assert "Not signed in with" in response.text
    assert not browser.signed_in()
    assert sessions(system) == []
    (deed,) = deeds(system, "session.refused")
    return str(deed.detail["why"])
