"""Watching a case, and muting it."""

from uuid import UUID, uuid4

from flask import Flask
from sqlalchemy import select

from app.domain.policy import Role
from app.domain.subscriptions import Follow
from app.models import CaseFollow
from app.system import System
from tests.factories.tickets import make_case
from tests.web.callers import Browser, Caller
from tests.web.looks import deeds
from tests.web.test_account import text_of


def follows(system: System) -> list[tuple[UUID, Follow]]:
    with system.work() as uow:
        return [(row.account_id, row.follow) for row in uow.session.scalars(select(CaseFollow))]


def test_a_case_is_watched_muted_and_neither(browser: Browser, customer: Caller, system: System) -> None:
    case = make_case(system, "CS-9", customer.actor.organisation_id)
    path, me = f"/cases/{case.id}", customer.account.id
    browser.sign_in(customer.account.email)
    assert "Back to normal" not in browser.get(path).text
    assert browser.post(f"{path}/follow", {"follow": "watch"}).location == f"{path}#follow"
    assert follows(system) == [(me, Follow.WATCH)]
    assert "You watch this case" in browser.get(path).text
    assert "Case CS-9 Watched: everything is mailed to you" in text_of(browser.get("/account").text)
    browser.post(f"{path}/follow", {"follow": "mute"})
    browser.post(f"{path}/follow", {"follow": "mute"})
    assert follows(system) == [(me, Follow.MUTE)]
    assert "You have muted this case" in browser.get(path).text
    assert browser.post(f"/account/followed/{case.id}/take-back").status_code == 303
    assert follows(system) == []
    assert "CS-9" not in browser.get("/account").text
    assert [
        (deed.detail["before"], deed.detail["after"]) for deed in deeds(system, "account.case_followed")
    ] == [
        ("neither", "watch"),
        ("watch", "mute"),
        ("mute", "neither"),
    ]
    assert browser.post(f"{path}/follow", {"follow": "loudly"}).status_code == 422


def test_nobody_follows_what_they_may_not_see(browser: Browser, stranger: Caller, system: System) -> None:
    """T2."""
    case = make_case(system, "CS-9")
    browser.sign_in(stranger.account.email)
    for case_id in (case.id, uuid4()):
        assert browser.post(f"/cases/{case_id}/follow", {"follow": "watch"}).status_code == 404
    assert follows(system) == []


def test_staff_follow_any_case(app: Flask, browser: Browser, system: System) -> None:
    who, case = Caller(app, system, Role.ADMIN), make_case(system, "CS-9")
    browser.sign_in(who.account.email)
    assert browser.post(f"/cases/{case.id}/follow", {"follow": "watch"}).status_code == 303
    assert follows(system) == [(who.account.id, Follow.WATCH)]
