"""API tokens on the account page, made and revoked by their owner. T3, T11, T39."""

import html
import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from app.domain.policy import Role, Scope
from app.models import ApiToken, SignInSession
from app.system import System
from tests.factories.people import PASSWORD, make_token
from tests.web.callers import Browser, Caller
from tests.web.looks import deeds, problem

FORM = "/account/tokens/new"
_TOKEN = re.compile(r'id="token">(dgp_[\w-]{43})<')
_ID = re.compile(r'name="id"[^>]* value="([^"]+)"')


@pytest.fixture
def signed_in(browser: Browser, customer: Caller, system: System) -> Browser:
    """Give a customer's browser; they have no token."""
    with system.work() as uow:
        uow.session.execute(update(ApiToken).values(revoked_at=func.now()))
    browser.sign_in(customer.account.email)
    return browser


def filled_in(browser: Browser, **fields: str) -> dict[str, str]:
    """Return what the form sends when somebody has filled it in."""
    found = _ID.search(browser.get(FORM).text)
    assert found
    return {"id": found[1], "name": "nightly", "lasts": "90", "read": "y"} | fields


def token_in(page: TestResponse) -> str:
    assert page.status_code == 200, page.text
    found = _TOKEN.search(page.text)
    assert found, page.text
    return found[1]


def rows(system: System) -> list[ApiToken]:
    with system.work() as uow:
        uow.session.expire_all()
        return list(uow.session.scalars(select(ApiToken).where(ApiToken.revoked_at.is_(None))))


def asks(app: Flask, token: str, path: str = "/api/v1/uploads") -> TestResponse:
    return app.test_client(use_cookies=False).get(path, headers={"Authorization": f"Bearer {token}"})


def test_a_token_is_made_and_works(
    signed_in: Browser, app: Flask, system: System, customer: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    token = token_in(signed_in.post(FORM, filled_in(signed_in, name=" nightly \t upload ", write="y")))
    (row,) = rows(system)
    assert (row.name, row.account_id) == ("nightly upload", customer.account.id)
    assert row.scopes == [Scope.WRITE, Scope.READ]
    assert asks(app, token).status_code == 200
    assert asks(app, token, f"/download/{row.id}").status_code == 403
    (deed,) = deeds(system, "token.issued")[-1:]
    assert deed.detail["scopes"] == [Scope.WRITE, Scope.READ]
    assert deed.detail["days"] == 90
    assert token not in str(deed.detail) + caplog.text


def test_it_is_shown_once(signed_in: Browser, system: System) -> None:
    """T39: neither a reload, nor the list, nor anything that is kept has it."""
    form = filled_in(signed_in)
    token = token_in(signed_in.post(FORM, form))
    reloaded = signed_in.post(FORM, form)
    assert (reloaded.status_code, reloaded.location) == (303, "/account#tokens")
    for path in ("/account", FORM, "/"):
        assert token not in signed_in.get(path).text
    (row,) = rows(system)
    assert row.hint == token[:8]
    assert f"<code>{row.hint}</code>" in signed_in.get("/account").text
    with system.work() as uow:
        assert token not in repr(vars(row)) + repr(vars(uow.session.scalars(select(SignInSession)).one()))


@pytest.mark.parametrize(("lasts", "days"), [("30", 30), ("90", 90), ("365", 365), ("never", None)])
def test_it_lasts_as_long_as_was_chosen(
    signed_in: Browser, system: System, lasts: str, days: int | None
) -> None:
    token_in(signed_in.post(FORM, filled_in(signed_in, lasts=lasts)))
    with system.work() as uow:
        left = uow.session.scalar(
            select(ApiToken.expires_at - func.now()).where(ApiToken.revoked_at.is_(None))
        )
    assert left == (timedelta(days=days) if days else None)
    page = signed_in.get("/account").text
    assert ("Never expires" in page) is (days is None)


def test_ninety_days_stand_there_at_first(signed_in: Browser) -> None:
    page = signed_in.get(FORM).text
    assert re.findall(r'value="(\w+)" checked', page) == ["90"]


def test_an_expired_token_is_dead_and_said_to_be(signed_in: Browser, app: Flask, system: System) -> None:
    token = token_in(signed_in.post(FORM, filled_in(signed_in)))
    with system.work() as uow:
        uow.session.execute(update(ApiToken).values(expires_at=func.now() + timedelta(seconds=1)))
    assert asks(app, token).status_code == 200
    with system.work() as uow:
        uow.session.execute(update(ApiToken).values(expires_at=func.now()))
    problem(asks(app, token), 401, "not_signed_in")
    assert "Expired" in signed_in.get("/account").text


def test_a_revoked_token_is_dead_at_once(signed_in: Browser, app: Flask, system: System) -> None:
    """T11."""
    token = token_in(signed_in.post(FORM, filled_in(signed_in)))
    (row,) = rows(system)
    assert asks(app, token).status_code == 200
    assert signed_in.post(f"/account/tokens/{row.id}/revoke").location == "/account#tokens"
    problem(asks(app, token), 401, "not_signed_in")
    assert "nightly" not in signed_in.get("/account").text
    assert [deed.detail["token"] for deed in deeds(system, "token.revoked")] == [str(row.id)]
    assert signed_in.post(f"/account/tokens/{row.id}/revoke").status_code == 404


def test_nobody_elses_token_is_seen_or_revoked(signed_in: Browser, admin: Caller, system: System) -> None:
    theirs = make_token(system, admin.actor, name="of the admin")
    assert "of the admin" not in signed_in.get("/account").text
    assert signed_in.post(f"/account/tokens/{theirs}/revoke").status_code == 404
    assert theirs in {row.id for row in rows(system)}


def test_the_form_of_somebody_elses_token_makes_none(
    signed_in: Browser, admin: Caller, system: System
) -> None:
    theirs = make_token(system, admin.actor)
    before = {row.id for row in rows(system)}
    answer = signed_in.post(FORM, filled_in(signed_in, id=str(theirs)))
    assert answer.location == "/account#tokens"
    assert {row.id for row in rows(system)} == before


OFFERED = {
    Role.CUSTOMER: {"write", "read", "download"},
    Role.ENGINEER: {"write", "read", "download", "admin"},
    Role.ADMIN: {"write", "read", "download", "admin"},
}


@pytest.mark.parametrize("role", Role)
def test_only_scopes_that_mean_something_are_offered(
    app: Flask, system: System, browser: Browser, role: Role
) -> None:
    who = Caller(app, system, role)
    browser.sign_in(who.account.email)
    page = browser.get(FORM).text
    assert set(re.findall(r'type="checkbox"\s+name="(\w+)"', page)) == OFFERED[role]
    before = len(rows(system))
    forced = dict.fromkeys(("write", "read", "download"), "") | {"admin": "y"}
    chosen = {key: value for key, value in (filled_in(browser) | forced).items() if value}
    answer = browser.post(FORM, chosen)
    assert answer.status_code == (422 if role is Role.CUSTOMER else 200)
    assert len(rows(system)) == before + (role is not Role.CUSTOMER)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"name": ""}, "Give the token a name of 1 to 100 characters."),
        ({"name": " \x00 "}, "Give the token a name of 1 to 100 characters."),
        ({"name": "x" * 101}, "Give the token a name of 1 to 100 characters."),
        ({"lasts": "7"}, "Choose how long the token is good."),
        ({"lasts": ""}, "Choose how long the token is good."),
    ],
)
def test_a_form_that_will_not_do_is_shown_again(
    signed_in: Browser, system: System, fields: dict[str, str], sentence: str
) -> None:
    answer = signed_in.post(FORM, filled_in(signed_in, download="y", **fields))
    assert answer.status_code == 422
    assert sentence in html.unescape(answer.text)
    assert len(re.findall(r'type="checkbox"[^>]* checked', answer.text)) == 2
    assert rows(system) == []


def test_a_token_for_nothing_is_refused(signed_in: Browser, system: System) -> None:
    form = filled_in(signed_in)
    del form["read"]
    answer = signed_in.post(FORM, form)
    assert answer.status_code == 422
    assert "Choose what the token may do." in answer.text
    assert rows(system) == []


def test_making_one_needs_a_fresh_sign_in_and_keeps_what_was_typed(
    signed_in: Browser, system: System
) -> None:
    """T3."""
    form = filled_in(signed_in, name='the "old" <mill>', lasts="30", download="y")
    with system.work() as uow:
        stale = func.now() - timedelta(seconds=600)
        uow.session.execute(update(SignInSession).values(confirmed_at=stale))
    assert signed_in.get("/account").status_code == 200
    asked = signed_in.post(FORM, form)
    assert asked.location.startswith("/sign-in/again")
    assert rows(system) == []
    back = signed_in.post("/sign-in/again", {"password": PASSWORD, "next": FORM})
    page = html.unescape(signed_in.get(back.location).text)
    assert f'value="{form["name"]}"' in page
    assert form["id"] in page
    assert set(re.findall(r'name="(\w+)"\s+value="y" checked', page)) == {"read", "download"}
    assert re.findall(r'name="lasts" value="(\w+)" checked', page) == ["30"]
    token_in(signed_in.post(FORM, form))


def test_a_token_makes_no_token(admin: Caller, system: System) -> None:
    """T3: however much it covers."""
    before = len(rows(system))
    form = {"name": "child", "read": "y", "lasts": "never"}
    for method in ("GET", "POST"):
        body = problem(admin.ask(method, FORM, data=form), 403, "forbidden")
        assert "a person at a browser" in body["detail"]
    assert len(rows(system)) == before


def test_last_use_is_shown(signed_in: Browser, app: Flask) -> None:
    token = token_in(signed_in.post(FORM, filled_in(signed_in)))
    assert "Never used" in signed_in.get("/account").text
    asks(app, token)
    page = signed_in.get("/account").text
    assert "Last used" in page
    assert "Never used" not in page


@pytest.mark.parametrize("path", [FORM, "/account/tokens/00000000-0000-4000-8000-000000000000/revoke"])
def test_another_site_cannot_do_it(signed_in: Browser, system: System, path: str) -> None:
    """T31."""
    form = filled_in(signed_in)
    assert signed_in.ask("POST", path, data=form).status_code == 403
    assert rows(system) == []
