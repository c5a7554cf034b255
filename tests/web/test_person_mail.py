"""Another mail address for somebody: only an admin gives it, and all that was open ends. T11, T36, T39."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.domain.policy import Role
from app.models import Account, Delivery, SignInSession
from app.system import System
from tests.factories.mailbox import link_in, send_all
from tests.factories.people import bearer, make_account
from tests.fakes import FakeMailer
from tests.web.callers import Browser, Caller
from tests.web.looks import deeds

NEW = "new@initrode.example"


def page_of(account: Account) -> str:
    return f"/admin/people/{account.id}/mail-address"


def address(system: System, account: Account) -> str:
    with system.work() as uow:
        return uow.session.get_one(Account, account.id).email


@pytest.mark.parametrize("role", [Role.CUSTOMER, Role.ENGINEER])
def test_it_ends_what_is_open_and_both_addresses_hear_of_it(
    app: Flask, admin_browser: Browser, admin: Caller, system: System, mailer: FakeMailer, role: Role
) -> None:
    account = make_account(system, role)
    theirs, program, token = Browser(app), app.test_client(use_cookies=False), bearer(system, account)
    theirs.sign_in(account.email)
    Browser(app).post("/reset", {"email": account.email})
    link = link_in(send_all(system, mailer)[-1])
    assert theirs.get(link).status_code == 200

    answer = admin_browser.post(page_of(account), {"email": f"  {NEW} "})

    assert (answer.status_code, address(system, account)) == (303, NEW)
    assert "The mail address is changed." in admin_browser.get(answer.location).text
    assert not theirs.signed_in()
    assert program.get("/api/v1/uploads", headers=token).status_code == 401
    assert Browser(app).get(link).status_code == 410
    assert Browser(app).sign_in(account.email).status_code == 401
    assert theirs.sign_in(NEW).status_code == 303
    mailer.sent.clear()
    mails = send_all(system, mailer)
    assert {mail.to for mail in mails} == {account.email, NEW}
    for mail in mails:
        assert f"was {account.email} and is {NEW} now" in " ".join(mail.text.split())
        assert f"By:    {admin.account.email}" in mail.text
        assert ("/reset" in mail.text) is (mail.to == NEW), "the old one gets no link there any more"
        assert ("an administrator" in mail.text) is (role is not Role.CUSTOMER)
        assert ("support contact" in mail.text) is (role is Role.CUSTOMER)
    [deed] = deeds(system, "account.mail_changed")
    assert (deed.account_id, deed.actor_id) == (account.id, admin.account.id)
    assert deed.detail == {"before": {"email": account.email}, "after": {"email": NEW}}


def test_whoever_was_only_invited_is_invited_there(
    admin_browser: Browser, system: System, mailer: FakeMailer
) -> None:
    admin_browser.post(
        "/admin/people/invite", {"email": "typo@initrode.example", "name": "N", "role": "engineer"}
    )
    [first] = send_all(system, mailer)
    with system.work() as uow:
        account = uow.session.scalars(select(Account).where(Account.activated_at.is_(None))).one()
    mailer.sent.clear()
    assert admin_browser.post(page_of(account), {"email": NEW}).status_code == 303
    [second] = send_all(system, mailer)
    assert second.to == NEW
    assert admin_browser.get(link_in(first)).status_code == 410
    assert admin_browser.get(link_in(second)).status_code == 200


@pytest.mark.parametrize(
    ("typed", "status", "sentence"),
    [
        ("nobody", 422, "is not a mail address"),
        ("a@b.example\r\nBcc: all@evil.example", 422, "is not a mail address"),
        ("TAKEN@Initrode.example", 409, "There is already an account"),
    ],
)
def test_what_will_not_do_is_said_in_the_form(
    admin_browser: Browser, system: System, typed: str, status: int, sentence: str
) -> None:
    account, other = make_account(system), make_account(system)
    with system.work() as uow:
        uow.session.merge(other).email = "taken@initrode.example"
    answer = admin_browser.post(page_of(account), {"email": typed})
    assert (answer.status_code, sentence in answer.text) == (status, True)
    assert f'action="{page_of(account)}"' in answer.text
    assert admin_browser.post(page_of(account), {"email": account.email}).status_code == 409
    assert address(system, account) == account.email
    with system.work() as uow:
        assert uow.session.scalars(select(Delivery)).all() == []


def test_another_spelling_is_another_address(admin_browser: Browser, system: System) -> None:
    account = make_account(system)
    assert admin_browser.post(page_of(account), {"email": account.email.upper()}).status_code == 303
    assert address(system, account) == account.email.upper()


def test_it_needs_a_fresh_sign_in_and_keeps_what_was_typed(admin_browser: Browser, system: System) -> None:
    account, hour = make_account(system), timedelta(hours=1)
    with system.work() as uow:
        uow.session.execute(update(SignInSession).values(confirmed_at=SignInSession.confirmed_at - hour))
    answer = admin_browser.post(page_of(account), {"email": NEW})
    assert answer.headers["Location"].startswith("/sign-in/again")
    assert address(system, account) == account.email
    with system.work() as uow:
        uow.session.execute(update(SignInSession).values(confirmed_at=SignInSession.confirmed_at + hour))
    assert NEW in admin_browser.get(page_of(account)).text
