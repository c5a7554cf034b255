"""The account page: who somebody is, where they are signed in, how dates are written."""

import html
import re
from datetime import datetime
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from app.domain.lifecycle import UploadState
from app.models import Account, IdentityProvider, SignInSession, Upload
from app.system import System
from tests.factories.people import make_manager
from tests.factories.uploads import make_upload
from tests.web.callers import Browser, Caller
from tests.web.looks import deeds

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def signed_in(browser: Browser, customer: Caller) -> Browser:
    browser.sign_in(customer.account.email)
    return browser


def own(system: System, account: Account) -> Account:
    with system.work() as uow:
        uow.session.expire_all()
        return uow.session.get_one(Account, account.id)


def sessions(system: System, account: Account) -> list[SignInSession]:
    with system.work() as uow:
        uow.session.expire_all()
        mine = select(SignInSession).where(SignInSession.account_id == account.id)
        return list(uow.session.scalars(mine.order_by(SignInSession.created_at)))


def text_of(page: str) -> str:
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", page).split()))


def another(app: Flask, caller: Caller, user_agent: str = FIREFOX) -> Browser:
    """Sign in once more, elsewhere."""
    browser = Browser(app)
    browser.client.environ_base.update(HTTP_USER_AGENT=user_agent, REMOTE_ADDR="203.0.113.7")
    browser.sign_in(caller.account.email)
    return browser


def test_it_says_who_one_is(app: Flask, system: System, customer: Caller, browser: Browser) -> None:
    manager = make_manager(system, customer.account.organisation_id)
    browser.sign_in(manager.email)
    page = text_of(browser.get("/account").text)
    assert f"Mail address {manager.email} Role Customer, manages colleagues Organisation" in page
    assert "Support changes these for you." in page


def test_it_shows_where_one_is_signed_in(
    app: Flask, signed_in: Browser, customer: Caller, system: System
) -> None:
    another(app, customer)
    another(app, customer, "something else")
    provider = IdentityProvider(slug="acme", name="Acme ID", issuer="https://id.example", client_id="1")
    with system.work() as uow:
        uow.session.add(provider)
        uow.session.flush()
        by_provider = {"factors": ["provider"], "provider_id": provider.id}
        of_firefox = update(SignInSession).where(SignInSession.user_agent == FIREFOX)
        uow.session.execute(of_firefox.values(by_provider))
    page = text_of(signed_in.get("/account").text)
    assert re.search(
        r"This browser From 127\.0\.0\.1 · last used .* Signed in .* with password Sign out", page
    )
    assert re.search(r"Firefox on Windows From 203\.0\.113\.7 · .* with Acme ID End Firefox on Windows", page)
    assert "An unknown browser From 203.0.113.7" in page


def test_one_is_ended_and_the_others_go_on(
    app: Flask, signed_in: Browser, customer: Caller, system: System
) -> None:
    """T11."""
    lost, kept = another(app, customer), another(app, customer)
    (of_lost,) = [each.id for each in sessions(system, customer.account)][1:2]
    assert lost.signed_in()
    assert signed_in.post(f"/account/sessions/{of_lost}/end").location == "/account#sessions"
    assert not lost.signed_in()
    assert kept.signed_in()
    assert signed_in.signed_in()
    (deed,) = deeds(system, "session.ended")
    assert (deed.account_id, deed.detail["browser"]) == (customer.account.id, FIREFOX)


@pytest.mark.parametrize("and_tokens", [False, True])
def test_all_others_are_ended(
    app: Flask, signed_in: Browser, customer: Caller, stranger: Caller, system: System, and_tokens: bool
) -> None:
    """T11: not this one, nor anybody else's; tokens too if that is asked for."""
    others, theirs = [another(app, customer), another(app, customer)], another(app, stranger)
    form = {"tokens": "y"} if and_tokens else {}
    assert signed_in.post("/account/sessions/end-others", form).status_code == 303
    assert [browser.signed_in() for browser in others] == [False, False]
    assert signed_in.signed_in()
    assert theirs.signed_in()
    assert customer.get("/api/v1/uploads").status_code == (401 if and_tokens else 200)
    assert stranger.get("/api/v1/uploads").status_code == 200
    (deed,) = deeds(system, "session.others_ended")
    assert deed.detail == {"sessions": 2, "tokens_too": and_tokens}


def test_a_foreign_session_is_as_one_that_is_not_there(
    app: Flask, signed_in: Browser, stranger: Caller, admin: Caller, system: System
) -> None:
    """T2: whether it is another customer's or an admin's."""
    answers = []
    for caller in (stranger, admin):
        theirs = another(app, caller)
        (row,) = sessions(system, caller.account)
        answers.append(signed_in.post(f"/account/sessions/{row.id}/end"))
        assert theirs.signed_in()
    answers.append(signed_in.post(f"/account/sessions/{uuid4()}/end"))
    bare = [re.sub(r"[0-9a-f]{32}|csrf_token[^>]+", "", answer.text) for answer in answers]
    assert {answer.status_code for answer in answers} == {404}
    assert len(set(bare)) == 1


def test_it_names_the_address_of_the_last_use(signed_in: Browser, customer: Caller, system: System) -> None:
    """At once when it is another; the time of use once a minute, as ever."""
    signed_in.client.environ_base["REMOTE_ADDR"] = "2001:db8::7"
    signed_in.get("/files")
    (row,) = sessions(system, customer.account)
    assert row.address == "2001:db8::7"
    assert "2001:db8::7" in signed_in.get("/account").text


def test_sessions_that_are_over_are_not_shown(
    app: Flask, signed_in: Browser, customer: Caller, system: System
) -> None:
    another(app, customer)
    with system.work() as uow:
        idle = func.now() - func.make_interval(0, 0, 0, 0, 0, 31)
        of_firefox = update(SignInSession).where(SignInSession.user_agent == FIREFOX)
        uow.session.execute(of_firefox.values(last_seen_at=idle))
    assert "Firefox on Windows" not in signed_in.get("/account").text


def test_dates_and_numbers_are_written_as_was_chosen(
    signed_in: Browser, customer: Caller, system: System
) -> None:
    """On pages and in the parts of them that renew themselves. What programs read stays."""
    upload = make_upload(system, customer.actor, UploadState.CLEAN)
    at = "2026-07-21T22:05:00+00:00"
    with system.work() as uow:
        row = uow.session.get_one(Upload, upload.id)
        row.created_at, row.size = datetime.fromisoformat(at), 1_234_567
    before = customer.get(f"/api/v1/uploads/{upload.id}").text
    form = {"locale": "de-DE", "time_zone": "Europe/Berlin"}
    assert signed_in.post("/account/manner", form).location == "/account?saved=manner#manner"
    written = (
        f'<time datetime="{at}" lang="de-DE" title="21.07.2026, 22:05 UTC">22.07.2026, 00:05 CEST</time>'
    )
    for page in ("/files", f"/files/{upload.id}"):
        for headers in ({}, {"HX-Request": "true"}):
            text = signed_in.get(page, headers=headers).text
            assert written in text, (page, headers)
            assert "1,2 MB" in text
    assert '<html lang="en" data-locale="de-DE">' in signed_in.get("/files").text
    assert customer.get(f"/api/v1/uploads/{upload.id}").text == before
    page = signed_in.get("/account").text.partition('id="manner"')[2]
    assert re.findall(r'<option value="([^"]+)" selected>', page) == ["de-DE", "Europe/Berlin"]


def test_who_is_not_known_reads_british_dates_in_utc(browser: Browser) -> None:
    assert '<html lang="en" data-locale="en-GB">' in browser.get("/sign-in").text


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"locale": "tlh", "time_zone": "UTC"},
        {"locale": "en-GB", "time_zone": "../etc/passwd"},
        {"locale": "en-GB", "time_zone": "Europe/Atlantis"},
    ],
)
def test_only_what_is_offered_is_taken(
    signed_in: Browser, customer: Caller, system: System, form: dict[str, str]
) -> None:
    assert signed_in.post("/account/manner", form).status_code == 422
    row = own(system, customer.account)
    assert (row.locale, row.time_zone) == ("en-GB", "UTC")
    assert deeds(system, "account.manner_chosen") == []


@pytest.mark.parametrize("path", ["manner", "sessions/end-others", f"sessions/{UUID(int=0)}/end"])
def test_another_site_cannot_do_it(
    app: Flask, signed_in: Browser, customer: Caller, system: System, path: str
) -> None:
    """T31."""
    other = another(app, customer)
    form = {"locale": "de-DE", "time_zone": "Europe/Berlin"}
    assert signed_in.ask("POST", f"/account/{path}", data=form).status_code == 403
    assert other.signed_in()
    row = own(system, customer.account)
    assert row.locale == "en-GB"
