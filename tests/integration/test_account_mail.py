"""The mails about accounts: their words, and where the links in them must never be found. T18, T36, T39."""

import re

import pytest
from flask import Flask
from sqlalchemy import select

from app import log as logs
from app.domain.errors import DeliveryRefusedError, DeliveryUncertainError, DependencyError, PortalError
from app.domain.events import Event
from app.domain.policy import Role
from app.models import Account, Delivery
from app.queries.accounts import actor_of
from app.services import accounts, outcomes, sealed_codes, sweeping
from app.services.accounts import tell_changed
from app.system import System
from tests.factories.links import NEW_PASSWORD
from tests.factories.mailbox import link_in, send_all
from tests.factories.people import make_account
from tests.fakes import FakeMailer
from tests.integration.test_ticket_mail import whole_database
from tests.web.callers import Browser

TO = "new@initrode.example"
HOSTILE = (
    "Initrode\r\nBcc: all@evil.example\n\n{{7919*7907}}${7919*7907}<%=7919*7907%><script>alert(1)</script>"
)


def invite(system: System) -> None:
    with system.work() as uow:
        accounts.invite(uow, email=TO, name=HOSTILE, role=Role.ADMIN, organisation=None)


def row_of(system: System, event: Event) -> Delivery:
    with system.work() as uow:
        uow.session.expire_all()
        return uow.session.scalars(select(Delivery).where(Delivery.event == event)).one()


def test_names_are_words_and_nothing_else(system: System, mailer: FakeMailer) -> None:
    """T18, C6: no header, no line of its own, no markup, no template."""
    with system.work() as uow:
        home = accounts.ensure_organisation(uow, "initrode", HOSTILE)
        account = accounts.create(
            uow, email=TO, name=HOSTILE, role=Role.CUSTOMER, organisation=home, password=NEW_PASSWORD
        )
        accounts.invite(uow, email="b@initrode.example", name=HOSTILE, role=Role.CUSTOMER, organisation=home)
        tell_changed(uow, account, HOSTILE)
        assert "\n" not in account.name
    for mail in send_all(system, mailer):
        assert "\n" not in mail.subject
        assert str(7919 * 7907) not in mail.text + (mail.html or "")
        assert "<script" not in (mail.html or "<script")
        assert "\nBcc" not in mail.text
        assert "Initrode Bcc: all@evil.example {{7919*7907}}" in mail.text
    assert len(mailer.sent) == 2


def test_a_change_says_what_when_and_whence(system: System, mailer: FakeMailer) -> None:
    account, admin = make_account(system), make_account(system, Role.ADMIN)
    with system.work(actor_of(account, "203.0.113.7")) as uow:  # from behind the wall
        tell_changed(uow, uow.session.get_one(Account, account.id), "A passkey was added.")
    with system.work(actor_of(admin, "203.0.113.9")) as uow:
        tell_changed(uow, uow.session.get_one(Account, account.id), "Your second factor was reset.")
    mine, admins = sorted(send_all(system, mailer), key=lambda mail: "second" in mail.text)
    assert {mine.to, admins.to} == {account.email}
    assert "A passkey was added." in mine.text
    assert "network address 203.0.113.7" in mine.text
    assert f"By:    {admin.email}" in admins.text
    assert "203.0.113.9" not in admins.text, "where an admin sits is nobody else's business"
    for mail in (mine, admins):
        assert re.search(r"^When:  \d+ \w{3} \d{4}, \d\d:\d\d UTC$", mail.text, re.MULTILINE)
        assert "http://localhost/reset\n" in mail.text


@pytest.mark.parametrize("event", [Event.ACCOUNT_INVITED, Event.ACCOUNT_RESET])
def test_the_link_is_kept_until_the_mail_has_gone_and_no_longer(
    app: Flask, system: System, mailer: FakeMailer, event: Event
) -> None:
    begin(app, system, event)
    mailer.error = DependencyError("Away.", cause="450 try later")
    send_all(system, mailer)
    first = sealed_codes.unseal(system.settings, row_of(system, event).told)
    assert first
    assert first not in whole_database(system), "sealed while it waits"
    mailer.error = None
    (mail,) = send_all(system, mailer)
    assert link_in(mail).endswith(f"/{first}"), "the try that did not go made it"
    assert row_of(system, event).sent_at
    assert not row_of(system, event).told.keys() & set(sealed_codes.NAMES)
    assert first not in whole_database(system)
    assert Browser(app).get(link_in(mail)).status_code == 200


def begin(app: Flask, system: System, event: Event) -> None:
    """Let a mail of that kind wait."""
    if event is Event.ACCOUNT_INVITED:
        invite(system)
    else:
        assert Browser(app).post("/reset", {"email": make_account(system).email}).status_code == 200


ENDS: dict[str, PortalError] = {
    "refused": DeliveryRefusedError("Refused.", cause="550 no such user"),
    "uncertain": DeliveryUncertainError("The mail server went away.", cause="after DATA"),
}


@pytest.mark.parametrize("error", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("event", [Event.ACCOUNT_INVITED, Event.ACCOUNT_RESET])
def test_what_never_goes_is_forgotten_too(
    app: Flask, system: System, mailer: FakeMailer, event: Event, error: PortalError
) -> None:
    begin(app, system, event)
    mailer.error = error
    for _ in range(outcomes.MAX_ATTEMPTS + 1):
        send_all(system, mailer)
    row = row_of(system, event)
    assert row.dead_at
    assert not row.told.keys() & set(sealed_codes.NAMES)


def test_an_invitation_that_was_overtaken_is_not_mailed(system: System, mailer: FakeMailer) -> None:
    invite(system)
    with system.work() as uow:
        account = uow.session.scalars(select(Account).where(Account.email == TO)).one()
        accounts.activate(uow, account, NEW_PASSWORD)
    assert send_all(system, mailer) == []
    row = row_of(system, Event.ACCOUNT_INVITED)
    assert row.dead_at
    assert not row.told.keys() & set(sealed_codes.NAMES)


def test_of_what_was_asked_for_nothing_stays(app: Flask, system: System, mailer: FakeMailer) -> None:
    """Nor of addresses that nobody has."""
    for email in (make_account(system).email, "nobody@example.com"):
        Browser(app).post("/reset", {"email": email})
    send_all(system, mailer)
    with system.work() as uow:
        sweeping.forget_old(uow)
        assert len(uow.session.scalars(select(Delivery)).all()) == 2
        for row in uow.session.scalars(select(Delivery)):
            row.created_at = row.created_at.replace(year=2020)
        uow.session.flush()
        sweeping.forget_old(uow)
        assert uow.session.scalars(select(Delivery)).all() == []


@pytest.mark.usefixtures("restored")
def test_no_log_audit_row_or_error_has_the_links(
    app: Flask, system: System, mailer: FakeMailer, capsys: pytest.CaptureFixture[str]
) -> None:
    """T39: planted, used well and badly, and looked for everywhere."""
    logs.configure("DEBUG")
    begin(app, system, Event.ACCOUNT_INVITED)
    begin(app, system, Event.ACCOUNT_RESET)
    paths = [link_in(mail) for mail in send_all(system, mailer)]
    assert len(paths) == 2
    form = {"password": NEW_PASSWORD, "again": NEW_PASSWORD}
    for path in paths:
        client, browser = app.test_client(), Browser(app)
        client.put(path)
        client.post(path, data=form, headers={"Origin": "https://evil.example"})
        client.get(f"{path}/nowhere")
        client.get(path.upper().replace("/ACTIVATE", "/Activate"))
        assert browser.post(path, form).status_code == 303
        assert browser.post(path, form).status_code == 410
    written, rows = capsys.readouterr().out, whole_database(system)
    assert '"path": "/reset/-"' in written
    assert '"path": "/activate/-"' in written
    for path in paths:
        token = path.rpartition("/")[2]
        assert token.lower() not in (written + rows).lower()
