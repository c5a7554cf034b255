"""Sessions end by themselves, by the database's clock. T30, T32, T33."""

import time
from datetime import timedelta

import pytest
from flask import Flask
from itsdangerous import TimestampSigner
from sqlalchemy import func, select, update

from app import create_app
from app.domain.policy import Role
from app.models import SignInSession
from app.settings import Settings
from app.system import System
from tests.factories.people import make_account, make_actor
from tests.factories.uploads import make_upload
from tests.web.callers import Browser

SECOND = timedelta(seconds=1)
IDLE, LIFETIME = timedelta(minutes=30), timedelta(hours=12)


@pytest.fixture
def signed_in(browser: Browser, system: System) -> Browser:
    browser.sign_in(make_account(system).email)
    return browser


def age(system: System, *, since_use: timedelta = 0 * SECOND, since_sign_in: timedelta = 0 * SECOND) -> None:
    """Make the only session look so old to the database."""
    values = {"last_seen_at": func.now() - since_use, "created_at": func.now() - since_sign_in}
    with system.work() as uow:
        uow.session.execute(update(SignInSession).values(values))


@pytest.mark.parametrize(("unused", "alive"), [(IDLE - SECOND, True), (IDLE, False), (IDLE + SECOND, False)])
def test_a_session_that_nobody_uses_ends(
    signed_in: Browser, system: System, unused: timedelta, alive: bool
) -> None:
    """T32."""
    age(system, since_use=unused)
    assert signed_in.signed_in() is alive


@pytest.mark.parametrize(("old", "alive"), [(LIFETIME - SECOND, True), (LIFETIME, False)])
def test_no_session_lasts_longer_than_half_a_day(
    signed_in: Browser, system: System, old: timedelta, alive: bool
) -> None:
    """T32: use does not prolong it."""
    age(system, since_sign_in=old)
    assert signed_in.signed_in() is alive


def test_use_keeps_a_session_alive(signed_in: Browser, system: System) -> None:
    age(system, since_use=timedelta(minutes=29))
    assert signed_in.signed_in()
    with system.work() as uow:
        assert uow.session.scalar(select(func.now() - SignInSession.last_seen_at)) == timedelta(0)


def unused(system: System) -> timedelta:
    """Return how long the only session was not used."""
    with system.work() as uow:
        now, last = uow.session.execute(select(func.now(), SignInSession.last_seen_at)).one()
        return timedelta(seconds=(now - last).total_seconds())


POLL = {"Diagport-Unattended": "1"}
ITSELF = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate"}  # a page without scripts


@pytest.mark.parametrize("page", ["/inbox", "/files", "/notices", "/files/{upload}"])
@pytest.mark.parametrize("asked", [POLL, ITSELF], ids=["by script", "without scripts"])
def test_a_page_that_is_left_open_keeps_nobody_signed_in(
    browser: Browser, system: System, page: str, asked: dict[str, str]
) -> None:
    """T32: it renews itself until the session ends; a person's own click counts as ever."""
    upload = make_upload(system, make_actor(system))
    browser.sign_in(make_account(system, Role.ENGINEER).email)
    address, minutes = page.format(upload=upload.id), timedelta(minutes=29)
    age(system, since_use=minutes)
    assert browser.get(address, headers=asked).status_code == 200
    assert unused(system) == minutes
    by_hand = ITSELF | {"Sec-Fetch-User": "?1"}
    for clicked in ({}, {"HX-Request": "true"}, by_hand, by_hand | {"Sec-Fetch-Site": "none"}):
        age(system, since_use=minutes)
        assert browser.get(address, headers=clicked).status_code == 200
        assert unused(system) == timedelta(0), clicked
    age(system, since_use=IDLE)
    assert browser.get(address, headers=asked).status_code in {303, 401}


def test_what_changes_something_is_a_persons_act_whatever_it_says(signed_in: Browser, system: System) -> None:
    """T32."""
    age(system, since_use=timedelta(minutes=29))
    assert signed_in.get("/files", headers=POLL).status_code == 200
    assert unused(system) == timedelta(minutes=29)
    signed_in.ask("POST", "/notices/read", headers=POLL)
    assert unused(system) == timedelta(0)


@pytest.mark.parametrize(
    ("role", "idle", "lifetime"),
    [
        (Role.CUSTOMER, timedelta(minutes=30), timedelta(hours=12)),
        (Role.ENGINEER, timedelta(minutes=30), timedelta(hours=12)),
        (Role.ADMIN, timedelta(minutes=15), timedelta(hours=8)),
    ],
)
def test_admins_sessions_end_sooner(
    browser: Browser, system: System, role: Role, idle: timedelta, lifetime: timedelta
) -> None:
    """T32, by the database's clock."""
    browser.sign_in(make_account(system, role).email)
    for old, alive in (
        ({"since_use": idle - SECOND, "since_sign_in": lifetime - SECOND}, True),
        ({"since_use": idle}, False),
        ({"since_sign_in": lifetime}, False),
    ):
        age(system, **old)
        assert browser.signed_in() is alive, old


def test_who_was_signed_out_by_idleness_is_told_and_goes_on_where_they_were(
    browser: Browser, system: System
) -> None:
    """T32."""
    account = make_account(system)
    browser.sign_in(account.email)
    told = "You were signed out. Sign in to come back"
    assert told not in Browser(browser.client.application).get("/sign-in").text
    age(system, since_use=IDLE)
    asked = browser.get("/files?state=clean", follow_redirects=True)
    assert asked.request.path == "/sign-in"
    assert told in asked.text
    assert browser.sign_in(account.email, next=asked.request.args["next"]).location == "/files?state=clean"
    browser.post("/sign-out")
    assert told not in browser.get("/sign-in").text


@pytest.mark.parametrize(
    "cookie", ["", "garbage", "e30.Zg.x", "eyJfdXNlcl9pZCI6IjEifQ.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb"]
)
def test_a_cookie_that_we_did_not_sign_is_nobody(browser: Browser, cookie: str) -> None:
    browser.steal(cookie)
    answer = browser.get("/files")
    assert (answer.status_code, answer.location) == (303, "/sign-in?next=/files")


def test_a_signed_cookie_that_names_no_session_is_nobody(app: Flask, browser: Browser) -> None:
    for user_id in ("1", "not-a-uuid", "00000000-0000-0000-0000-000000000000"):
        with browser.client.session_transaction() as session:
            session["_user_id"] = user_id
        assert browser.get("/files").status_code == 303, user_id


def test_over_tls_the_cookie_is_bound_to_the_host(settings: Settings, system: System) -> None:
    """T30."""
    secure = settings.model_copy(update={"base_url": "https://upload.example.com"})
    app = create_app(secure, adapters=system.adapters, database=system.database)
    answer = app.test_client().get("/sign-in", base_url="https://upload.example.com")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-diagport=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")


def test_no_cache_keeps_a_page_of_somebody(signed_in: Browser) -> None:
    """T33, C21."""
    for path in ("/", "/files", "/sign-in", "/api/v1/uploads", "/nowhere"):
        headers = signed_in.get(path).headers
        assert headers["Cache-Control"] == "no-store", path
        assert "Cookie" in headers["Vary"], path


@pytest.mark.parametrize("off", [timedelta(days=-40), timedelta(minutes=10), timedelta(hours=2)])
def test_a_cookie_of_a_node_whose_clock_is_wrong_is_as_good(
    browser: Browser, system: System, off: timedelta
) -> None:
    """F21: what is signed says who; the database says whether that is still so."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TimestampSigner, "get_timestamp", lambda _self: int(time.time() + off.total_seconds()))
        browser.sign_in(make_account(system).email)
    assert browser.signed_in()
