"""From an invitation to being in. T36, ASVS 6.4.1."""

import html
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, text, update

from app import create_app
from app.domain.errors import InvalidInputError, StateConflictError
from app.domain.policy import Role
from app.models import Account, AccountLink, SignInSession
from app.queries.accounts import actor_of
from app.services import accounts, passwords
from app.system import System
from tests.factories.links import NEW_PASSWORD
from tests.factories.mailbox import link_in, send_all
from tests.factories.people import make_account, make_manager, make_organisation
from tests.fakes import FakeMailer
from tests.web.callers import Browser
from tests.web.looks import deeds

TO = "new@initrode.example"


@pytest.fixture
def invited(system: System) -> Account:
    admin = make_account(system, Role.ADMIN)
    home = make_organisation(system, "initrode")
    with system.work(actor_of(admin, "203.0.113.1")) as uow:
        account = accounts.invite(
            uow, email=TO, name="Newt\n Initrode", role=Role.CUSTOMER, organisation=home
        )
        uow.session.refresh(account)
    return account


@pytest.fixture
def path(invited: Account, system: System, mailer: FakeMailer) -> str:
    """Name the page that the invitation leads to."""
    (mail,) = send_all(system, mailer)
    assert mail.to == TO
    return link_in(mail)


def fresh(system: System, account: Account) -> Account:
    with system.work() as uow:
        return uow.session.scalars(
            select(Account).where(Account.id == account.id).execution_options(populate_existing=True)
        ).one()


def choose(browser: Browser, path: str, password: str = NEW_PASSWORD, again: str | None = None) -> int:
    form = {"password": password, "again": password if again is None else again}
    return browser.post(path, form).status_code


def test_who_was_invited_chooses_a_password_and_is_in(
    browser: Browser, invited: Account, path: str, system: System
) -> None:
    assert invited.password_hash is None
    assert invited.activated_at is None
    page = browser.get(path)
    assert page.status_code == 200
    for words in ("Newt Initrode", TO, "Initrode"):
        assert words in page.text
    assert choose(browser, path) == 303
    assert browser.signed_in()
    account = fresh(system, invited)
    assert account.activated_at
    assert passwords.verify(NEW_PASSWORD, account.password_hash)
    (deed,) = deeds(system, "account.activated")
    assert (deed.account_id, deed.actor_label, deed.means) == (invited.id, TO, "mailed link")
    assert Browser(browser.client.application).sign_in(TO, NEW_PASSWORD).status_code == 303


def test_looking_changes_nothing(browser: Browser, invited: Account, path: str, system: System) -> None:
    """Mail scanners follow links, some twice, and with HEAD."""
    for _ in range(3):
        assert browser.get(path).status_code == 200
        assert browser.ask("HEAD", path).status_code == 200
    assert fresh(system, invited).activated_at is None
    assert not browser.signed_in()
    assert choose(browser, path) == 303


def test_it_works_once(browser: Browser, app: Flask, path: str) -> None:
    """T36."""
    assert choose(browser, path) == 303
    thief = Browser(app)
    page = thief.get(path)
    assert page.status_code == 410
    assert "Ask whoever invited you for a new one" in page.text
    assert choose(thief, path, "another quiet otter kite") == 410
    assert not thief.signed_in()
    assert thief.sign_in(TO, NEW_PASSWORD).status_code == 303


def test_used_expired_and_never_made_look_the_same(browser: Browser, path: str, system: System) -> None:
    """C17: the page tells nobody whether an address was ever invited."""
    never = f"/activate/{'A' * 43}"
    with system.work() as uow:
        uow.session.execute(update(AccountLink).values(expires_at=func.now() - timedelta(seconds=1)))
    expired = browser.get(path)
    assert expired.status_code == 410
    number = expired.headers["X-Request-Id"]
    unknown = browser.get(never)
    assert unknown.status_code == 410
    assert expired.text.replace(number, "") == unknown.text.replace(unknown.headers["X-Request-Id"], "")
    assert browser.client.get(path).mimetype == "application/problem+json"


def test_a_bad_password_does_not_use_it_up(browser: Browser, path: str, system: System) -> None:
    for password, again, why in (
        ("short", None, "12 to 256 characters"),
        ("password1234", None, "attackers try first"),
        ("initrode2026", None, "your organisation"),
        (NEW_PASSWORD, "something else", "not the same"),
        ("", None, "Choose a password"),
    ):
        form = {"password": password, "again": password if again is None else again}
        answer = browser.post(path, form)
        assert (answer.status_code, why in html.unescape(answer.text)) == (422, True), password
        assert not password or password not in answer.text, "it is not sent back"
    assert deeds(system, "account.activated") == []
    assert choose(browser, path) == 303


@pytest.mark.parametrize("closed", ["active = false", "organisation"])
def test_who_was_suspended_meanwhile_does_not_come_in(
    browser: Browser, path: str, system: System, closed: str
) -> None:
    with system.work() as uow:
        if closed == "organisation":
            uow.session.execute(text("UPDATE organisation SET suspended_at = now()"))
        else:
            uow.session.execute(text("UPDATE account SET active = false"))
    assert browser.get(path).status_code == 410
    assert choose(browser, path) == 410


def test_a_new_invitation_ends_the_one_before(
    browser: Browser, invited: Account, path: str, system: System, mailer: FakeMailer
) -> None:
    with system.work() as uow:
        accounts.invite_again(uow, uow.session.get_one(Account, invited.id))
    (mail,) = send_all(system, mailer)
    assert link_in(mail) != path
    assert browser.get(path).status_code == 410
    assert choose(browser, link_in(mail)) == 303
    with system.work() as uow, pytest.raises(StateConflictError, match="needs no invitation"):
        accounts.invite_again(uow, uow.session.get_one(Account, invited.id))


def test_the_secret_in_the_address_is_passed_on_to_nobody(browser: Browser, path: str) -> None:
    """T36: and still the form goes through in a browser that hides where it comes from."""
    page = browser.get(path)
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"
    form = {"password": NEW_PASSWORD, "again": NEW_PASSWORD}
    hidden = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
    foreign = {"Origin": "https://evil.example"}
    assert browser.post(path, form, headers=foreign).status_code == 403
    assert browser.ask("POST", path, data=form, headers=hidden).status_code == 403, "without the page's token"
    assert browser.post(path, form, headers=hidden).status_code == 303


def test_whoever_was_signed_in_is_not_any_more(
    app: Flask, browser: Browser, path: str, system: System
) -> None:
    """T30."""
    browser.sign_in(make_account(system).email)
    before = browser.cookie()
    assert choose(browser, path) == 303
    assert not Browser(app).steal(before).signed_in()
    with system.work() as uow:
        assert len(uow.session.scalars(select(SignInSession)).all()) == 1


def test_staff_without_passwords_choose_none(system: System, mailer: FakeMailer) -> None:
    strict = system.settings.model_copy(update={"staff_sign_in": "provider"})
    app = create_app(strict, adapters=system.adapters, database=system.database)
    with system.work() as uow:
        accounts.invite(uow, email="erin@example.com", name=None, role=Role.ENGINEER, organisation=None)
    path = link_in(send_all(system, mailer)[0])
    browser = Browser(app)
    page = browser.get(path)
    assert "own sign-in" in page.text
    assert "<input" not in page.text.partition("<main")[2]
    assert choose(browser, path) == 422
    assert browser.post(path, {"how": "passkey"}).status_code == 422
    assert not browser.signed_in()
    assert browser.get(path).status_code == 200, "the link is not used up"


def test_with_a_passkey_nobody_needs_a_password(
    browser: Browser, invited: Account, path: str, system: System
) -> None:
    """What is left open by whoever makes none is closed by the mail for forgotten passwords."""
    answer = browser.post(path, {"how": "passkey"})
    assert (answer.status_code, answer.location) == (303, "/account/passkeys/new")
    assert browser.get(answer.location).status_code == 200, "they have just proved who they are"
    account = fresh(system, invited)
    assert account.activated_at
    assert account.password_hash is None
    assert browser.get(path).status_code == 410
    assert browser.ask("POST", path, data={"how": "passkey"}).status_code == 403, "without the page's token"


def test_a_manager_invites_from_behind_their_wall(system: System, mailer: FakeMailer) -> None:
    """T2: an address that somebody has elsewhere is refused like one that a colleague has."""
    home = make_organisation(system, "initrode")
    manager = actor_of(make_manager(system, home.id), "127.0.0.1")
    colleague, stranger = make_account(system, organisation=home), make_account(system)
    with system.work(manager) as uow:
        accounts.invite(uow, email=TO, name="N", role=Role.CUSTOMER, organisation=home)
    (mail,) = send_all(system, mailer)
    assert f"{manager.email} has invited you" in mail.text
    for taken in (TO, colleague.email, stranger.email):
        with system.work(manager) as uow, pytest.raises(StateConflictError) as caught:
            accounts.invite(uow, email=taken, name="N", role=Role.CUSTOMER, organisation=home)
        assert caught.value.message == f"There is already an account for {taken}."


def test_what_goes_together(system: System) -> None:
    home = make_organisation(system)
    for role, organisation, manager in (
        (Role.CUSTOMER, None, False),
        (Role.ENGINEER, home, False),
        (Role.ADMIN, None, True),
    ):
        with system.work() as uow, pytest.raises(InvalidInputError):
            accounts.invite(uow, email=TO, name="N", role=role, organisation=organisation, manager=manager)
