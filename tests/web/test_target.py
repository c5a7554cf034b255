"""Where people go after signing in is within the portal, whatever a link says. T30."""

from urllib.parse import urljoin, urlsplit

import pytest
from flask import Flask, redirect
from hypothesis import HealthCheck, example, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from app.web.auth.target import inside
from tests.web.callers import Browser, Caller

NO_HOSTS = ["//[", "http://[", "//[::1", "//\u2100", "http://\u2100", "//[x]:y"]
_PIECES = st.sampled_from(
    ["/", "//", "\\", "[", "]", "http:", "evil.example", "@", "?", "#", "..", "\t", "\u2100"]
)


@pytest.mark.parametrize("target", NO_HOSTS)
def test_what_is_no_address_leads_home(browser: Browser, customer: Caller, target: str) -> None:
    """It was a 500, after the password was right."""
    assert browser.get("/sign-in", query_string={"next": target}).status_code == 200
    answer = browser.sign_in(customer.account.email, next=target)
    assert (answer.status_code, answer.location) == (303, "/")
    assert browser.get("/sign-in/again", query_string={"next": target}).status_code == 200


@examples(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(target=st.text(max_size=40) | st.lists(_PIECES, max_size=6).map("".join))
@example("//[")
@example("/\\evil.example")
@example("/\t/evil.example")
def test_it_never_breaks_and_never_leaves(app: Flask, target: str) -> None:
    with app.test_request_context():
        kept = inside(target)
        location = redirect(kept).location
    assert kept in {target, "/"}
    for path in (kept, location):
        there = urlsplit(urljoin("http://localhost/sign-in", path))
        assert (there.scheme, there.netloc) == ("http", "localhost")
        assert not path.replace("\\", "/").startswith("//")
