"""The watch over pages: what every other test here relies on must itself notice what goes wrong."""

import pytest

from tests.e2e.browser import People
from tests.live import eventually

BAD = {
    "exception": "setTimeout(() => { throw new Error('planted') })",
    "CSP violation: script-src": "document.body.innerHTML = '<img src=x: onerror=alert(1)>'",
    "CSP violation: connect-src": "fetch('http://127.0.0.1:1/').catch(() => null)",
    "console error: planted": "console.error('planted')",
    "answer 404": "fetch('/nowhere')",
    "failed: GET": "fetch('/broken').catch(() => null)",
}


@pytest.mark.parametrize(("complaint", "script"), BAD.items(), ids=BAD)
def test_what_goes_wrong_is_noticed(people: People, complaint: str, script: str) -> None:
    page = people.anybody()
    page.route("**/broken", lambda route: route.abort("connectionreset"))
    page.goto("/sign-in")
    assert not people.problems()

    page.evaluate(f"() => {{ {script} }}")

    eventually(lambda: page.title() and any(complaint in problem for problem in people.problems()), complaint)
    people.tolerate(page, "")
