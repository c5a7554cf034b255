"""Forgotten passwords. T11, T35, T36."""

import hashlib
import html
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from flask import Flask
from sqlalchemy import func, select, text, update
from werkzeug.test import TestResponse

from app import create_app
from app.domain.policy import Role
from app.models import Account, AccountLink, Delivery
from app.services import accounts
from app.system import System
from tests.factories.links import NEW_PASSWORD
from tests.factories.mailbox import link_in, send_all
from tests.factories.people import bearer, make_account
from tests.factories.signing_in import make_provider_identity
from tests.fakes import FakeMailer, FakeQueue
from tests.web.callers import Browser, csrf_token_in, without_csrf_tokens
from tests.web.looks import deeds


@pytest.fixture
def account(system: System) -> Account:
    return make_account(system)


@pytest.fixture
def path(account: Account, app: Flask, system: System, mailer: FakeMailer) -> str:
    """Name the page that the link in the mail leads to."""
    ask(Browser(app), account.email)
    (mail,) = send_all(system, mailer)
    return link_in(mail)


def ask(browser: Browser, email: str, address: str = "127.0.0.1") -> TestResponse:
    return browser.post("/reset", {"email": email}, environ_base={"REMOTE_ADDR": address})


def choose(browser: Browser, path: str, password: str = NEW_PASSWORD) -> TestResponse:
    return browser.post(path, {"password": password, "again": password})


def test_through_the_mail_to_a_new_password(
    browser: Browser, account: Account, path: str, mailer: FakeMailer
) -> None:
    assert mailer.sent[0].to == account.email
    page = browser.get(path)
    assert page.status_code == 200
    assert account.email in page.text
    answer = choose(browser, path)
    assert (answer.status_code, answer.location) == (303, "/")
    assert browser.signed_in()
    elsewhere = Browser(browser.client.application)
    assert elsewhere.sign_in(account.email).status_code == 401
    assert elsewhere.sign_in(account.email, NEW_PASSWORD).status_code == 303


def test_it_works_once_and_then_ends_the_others(
    app: Flask, account: Account, path: str, system: System, mailer: FakeMailer
) -> None:
    """T36: used once, it ends all that were mailed; it is kept as a hash. Who only asks ends nobody's."""
    with system.work() as uow:
        (row,) = uow.session.scalars(select(AccountLink))
        uow.session.execute(text("DELETE FROM delivery"))  # or a second mail within minutes is the first
    token = path.rpartition("/")[2]
    assert row.token_hash == hashlib.sha256(token.encode()).hexdigest()
    ask(Browser(app), account.email)
    newer = link_in(send_all(system, mailer)[0])
    assert newer != path
    assert Browser(app).get(newer).status_code == 200
    assert choose(Browser(app), path).status_code == 303
    for ended in (path, newer):
        page = Browser(app).get(ended)
        assert page.status_code == 410
        assert "Ask for a new link" in page.text
        assert choose(Browser(app), ended, "another quiet otter kite").status_code == 410


def test_it_is_good_for_half_an_hour(browser: Browser, path: str, system: System) -> None:
    """T36: by the database's clock."""
    with system.work() as uow:
        (row,) = uow.session.scalars(select(AccountLink))
        assert row.expires_at - row.created_at == timedelta(minutes=30)
        uow.session.execute(update(AccountLink).values(expires_at=func.now()))
    assert browser.get(path).status_code == 410
    assert choose(browser, path).status_code == 410


def test_looking_changes_nothing(browser: Browser, account: Account, path: str) -> None:
    for _ in range(3):
        assert browser.get(path).status_code == 200
    assert browser.sign_in(account.email).status_code == 303, "the old password still works"
    assert choose(Browser(browser.client.application), path).status_code == 303


def test_a_new_password_ends_all_that_was_open(
    app: Flask, account: Account, path: str, system: System, mailer: FakeMailer
) -> None:
    """T11: sessions, tokens, and a captured cookie; the owner hears of it."""
    browser, program = Browser(app), app.test_client(use_cookies=False)
    browser.sign_in(account.email)
    captured, token = browser.cookie(), bearer(system, account)
    assert program.get("/api/v1/uploads", headers=token).status_code == 200
    assert choose(Browser(app), path).status_code == 303
    assert not browser.signed_in()
    assert not Browser(app).steal(captured).signed_in()
    assert program.get("/api/v1/uploads", headers=token).status_code == 401
    told = {mail.text for mail in send_all(system, mailer) if mail.to == account.email}
    assert sum("A new password was set" in text for text in told) == 1
    assert len(told) == 2, "and that somebody signed in from a device that was never seen"
    (deed,) = deeds(system, "account.password_set")
    assert (deed.account_id, deed.means) == (account.id, "mailed link")


def test_it_leads_past_no_second_factor(app: Flask, account: Account, path: str, system: System) -> None:
    """T36, ASVS 6.4.3."""
    give_app(system, account)
    browser = Browser(app)
    answer = choose(browser, path)
    assert (answer.status_code, answer.location) == (303, "/sign-in/second")
    assert not browser.signed_in()


def give_app(system: System, account: Account) -> None:
    """Let the account's owner have an authenticator app."""
    with system.work() as uow:
        uow.session.execute(
            text("INSERT INTO totp (account_id, secret, confirmed_at) VALUES (:id, :secret, now())"),
            {"id": account.id, "secret": pyotp.random_base32()},
        )


@pytest.mark.parametrize("header", ["Host", "X-Forwarded-Host", "Forwarded", "X-Host", "X-Original-Host"])
def test_the_mail_names_the_configured_host(
    account: Account, system: System, mailer: FakeMailer, header: str
) -> None:
    """T36: whatever a request says of hosts; where proxies are believed as well."""
    settings = system.settings.model_copy(update={"trusted_hosts": ("evil.example",), "proxy_hops": 1})
    app = create_app(settings, adapters=system.adapters, database=system.database)
    value = "host=evil.example" if header == "Forwarded" else "evil.example"
    said: dict[str, Any] = {"headers": {header: value}}
    if header == "Host":
        said = {"base_url": "http://evil.example"}
    browser = Browser(app)
    form = {"email": account.email, "csrf_token": csrf_token_in(browser.get("/reset", **said))}
    assert browser.ask("POST", "/reset", data=form, **said).status_code == 200
    (mail,) = send_all(system, mailer)
    assert link_in(mail).startswith("/reset/")
    assert "evil" not in mail.text


def test_the_same_is_said_and_done_for_everybody(
    app: Flask, account: Account, system: System, queue: FakeQueue, mailer: FakeMailer
) -> None:
    """T35: the request does not even look who there is."""
    locked, machine = make_account(system), "machine-1@machines.invalid"
    with system.work() as uow:
        uow.session.get_one(Account, locked.id).active = False
    pages, rows = set(), set()
    for email in (account.email, "nobody@example.com", locked.email, machine):
        queue.rung.clear()
        answer = ask(Browser(app), email)
        pages.add((answer.status_code, without_csrf_tokens(answer.text.replace(email, "IT"))))
        with system.work() as uow:
            row = uow.session.scalars(select(Delivery).where(Delivery.recipient == email)).one()
        rows.add((row.event, str(row.told), row.attempts, len(queue.rung)))
    assert len(pages) == 1
    assert len(rows) == 1
    assert "If there is an account for" in pages.pop()[1]
    assert [mail.to for mail in send_all(system, mailer)] == [account.email]


def test_what_is_no_address_is_told_so(browser: Browser) -> None:
    for email in ("nobody", "a b@example.com", "", "a@b\r\nBcc: c@d", "x" * 250 + "@y.de"):
        answer = ask(browser, email)
        assert answer.status_code == 422, email


def test_a_mailbox_is_not_flooded(app: Flask, account: Account, system: System, mailer: FakeMailer) -> None:
    """From a network ten times in a quarter of an hour; from many networks one mail in five minutes."""
    browser = Browser(app)
    assert [ask(browser, account.email).status_code for _ in range(11)] == [200] * 10 + [429]
    for network in range(5):
        assert ask(browser, account.email.upper(), f"198.51.{network}.1").status_code == 200
    assert len(send_all(system, mailer)) == 1


def test_the_mail_goes_to_the_address_that_was_set_up(
    app: Flask, account: Account, system: System, mailer: FakeMailer
) -> None:
    """Never as somebody typed it."""
    ask(Browser(app), f" {account.email.upper()} ")
    assert [mail.to for mail in send_all(system, mailer)] == [account.email]


def test_who_has_a_provider_only_is_told_so(
    app: Flask, account: Account, system: System, mailer: FakeMailer
) -> None:
    make_provider_identity(system, account, "Initrode Login")
    with system.work() as uow:
        uow.session.get_one(Account, account.id).password_hash = None
    ask(Browser(app), account.email)
    (mail,) = send_all(system, mailer)
    assert "you sign in through Initrode Login" in mail.text
    assert "/reset/" not in mail.text
    with system.work() as uow:
        assert uow.session.scalars(select(AccountLink)).all() == []


def test_staff_held_to_a_provider_get_no_link(account: Account, system: System, mailer: FakeMailer) -> None:
    strict = system.settings.model_copy(update={"staff_sign_in": "provider"})
    strictly = System(settings=strict, adapters=system.adapters, database=system.database)
    app = create_app(strict, adapters=system.adapters, database=system.database)
    engineer = make_account(system, Role.ENGINEER)
    for email in (engineer.email, account.email):
        ask(Browser(app), email)
    mails = {mail.to: mail.text for mail in send_all(strictly, mailer)}
    assert "your company's own sign-in" in mails[engineer.email]
    assert "/reset/" not in mails[engineer.email]
    assert "/reset/" in mails[account.email]


def test_who_was_only_invited_is_told_so(app: Flask, system: System, mailer: FakeMailer) -> None:
    with system.work() as uow:
        accounts.invite(uow, email="new@example.com", name=None, role=Role.ADMIN, organisation=None)
    send_all(system, mailer)
    ask(Browser(app), "new@example.com")
    (mail,) = send_all(system, mailer)
    assert "have not set up your account yet" in mail.text
    assert "/reset/" not in mail.text


def test_a_bad_password_does_not_use_it_up(browser: Browser, account: Account, path: str) -> None:
    answer = choose(browser, path, account.email)
    assert answer.status_code == 422
    assert "your mail address" in html.unescape(answer.text)
    assert choose(browser, path).status_code == 303
