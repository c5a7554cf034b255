"""/colleagues: a customer who manages the people of their organisation, within its wall."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from app.domain.events import Event
from app.domain.policy import Role
from app.models import Account, AuditEvent, Delivery, Organisation, OrganisationDomain
from app.queries.accounts import actor_of
from app.system import System
from tests.factories.people import make_account, make_machine, make_manager
from tests.web.callers import Browser, without_what_differs
from tests.web.looks import account_of

NEW = "new@acme.example"
REASON = {"reason": "Left the company in May."}
ACTS = ("invite-again", "end-sessions", "suspend", "resume")


def invite(manager_browser: Browser, email: str = NEW, **other: str) -> int:
    return manager_browser.post("/colleagues/invite", {"email": email, "name": "New"} | other).status_code


def test_a_colleague_is_invited_as_a_customer_of_the_same_organisation(
    manager_browser: Browser, manager: Account, home: Organisation, system: System
) -> None:
    """Whatever the form says besides."""
    asked = {"role": "admin", "organisation": "globex", "manager": "y", "password": "chosen"}
    assert invite(manager_browser, **asked) == 303
    account = account_of(system, NEW)
    assert account
    assert (account.role, account.organisation_id) == (Role.CUSTOMER, home.id)
    assert (account.manager, account.password_hash) == (False, None)
    with system.work() as uow:
        [mail] = uow.session.scalars(select(Delivery).where(Delivery.recipient == account.email))
        [event] = uow.session.scalars(select(AuditEvent).where(AuditEvent.account_id == account.id))
    assert (mail.event, event.actor_id) == (Event.ACCOUNT_INVITED, manager.id)
    page = manager_browser.get(f"/colleagues/{account.id}?done=invited").text
    assert "The invitation is on its way." in page
    assert "/invite-again" in page


def test_the_list_has_the_own_people_and_nobody_else(
    manager_browser: Browser, manager: Account, home: Organisation, system: System
) -> None:
    """T2."""
    colleague, stranger = make_account(system, organisation=home), make_account(system)
    engineer, machine = make_account(system, Role.ENGINEER), make_machine(system, home.id)
    others = (stranger.email, engineer.email, machine.email)
    narrowed = ("?q=example", "?organisation=", f"?organisation={stranger.organisation_id}", "?role=engineer")
    for query in ("", *narrowed, f"?q={stranger.email}", f"?q={machine.email}"):
        page = manager_browser.get(f"/colleagues{query}").text
        listed = page[page.index("<table") :] if "<table" in page else ""
        assert [email for email in others if email in listed] == [], query
    page = manager_browser.get("/colleagues").text
    assert colleague.email in page
    assert f"{manager.email}, you" in page


@pytest.mark.parametrize("act", ["", *(f"/{act}" for act in ACTS)])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_whoever_is_no_colleague_is_like_nobody(
    manager_browser: Browser, home: Organisation, system: System, method: str, act: str
) -> None:
    """T2: a foreign id and a random id get the same answer, byte for byte."""
    others = make_account(system), make_account(system, Role.ADMIN), make_machine(system, home.id)
    data = REASON | {"csrf_token": manager_browser.csrf_token()}
    answers = [
        manager_browser.ask(method, f"/colleagues/{account_id}{act}", data=data if method == "POST" else None)
        for account_id in (uuid4(), *(other.id for other in others))
    ]
    nobody, *rest = [(answer.status_code, without_what_differs(answer)) for answer in answers]
    assert nobody[0] == (404 if act or method == "GET" else 405)
    assert all(other == nobody for other in rest)
    assert all(account_of(system, other.email).active for other in others)  # type: ignore[union-attr]


def test_a_colleague_is_suspended_at_once_and_let_in_again(
    app: Flask, manager_browser: Browser, home: Organisation, system: System
) -> None:
    """T11."""
    colleague = make_account(system, organisation=home)
    theirs = Browser(app)
    theirs.sign_in(colleague.email)
    path = f"/colleagues/{colleague.id}"
    assert manager_browser.post(f"{path}/end-sessions").status_code == 303
    assert not theirs.signed_in()
    theirs.sign_in(colleague.email)
    assert manager_browser.post(f"{path}/suspend", {"reason": "short"}).status_code == 422
    assert manager_browser.post(f"{path}/suspend", REASON).status_code == 303
    assert not theirs.signed_in()
    assert REASON["reason"] in manager_browser.get(path).text
    assert manager_browser.post(f"{path}/resume").status_code == 303
    assert theirs.sign_in(colleague.email).status_code == 303


def test_managers_leave_each_other_and_what_support_did_alone(
    manager_browser: Browser, manager: Account, home: Organisation, system: System, app: Flask
) -> None:
    other, colleague = make_manager(system, home.id), make_account(system, organisation=home)
    admin = Browser(app)
    admin.sign_in(make_account(system, Role.ADMIN).email)
    admin.post(f"/admin/people/{colleague.id}/suspend", {"reason": "Known to the police."})
    for account, act in ((other, "suspend"), (manager, "suspend"), (colleague, "resume")):
        assert manager_browser.get(f"/colleagues/{account.id}/{act}").status_code == 403
        assert manager_browser.post(f"/colleagues/{account.id}/{act}", REASON).status_code == 403
        page = manager_browser.get(f"/colleagues/{account.id}").text
        assert "What you can do" not in page
        assert "police" not in page
    assert [account_of(system, each.email).active for each in (other, manager, colleague)] == [  # type: ignore[union-attr]
        True, True, False
    ]  # fmt: skip


@pytest.mark.parametrize("act", ["reset-factors", "revoke-tokens", "send-reset", "delete"])
def test_managers_have_no_other_acts(
    manager_browser: Browser, home: Organisation, system: System, act: str
) -> None:
    colleague = make_account(system, organisation=home)
    assert manager_browser.get(f"/colleagues/{colleague.id}/{act}").status_code == 404
    assert manager_browser.post(f"/colleagues/{colleague.id}/{act}", REASON).status_code == 404


def test_an_address_that_is_taken_tells_not_where_and_only_few_are_tried(
    manager_browser: Browser, home: Organisation, system: System
) -> None:
    """A colleague and a stranger get one sentence; T34's limit holds for invitations too."""
    pages = set()
    for other in (
        make_account(system),
        make_account(system, organisation=home),
        make_account(system, Role.ADMIN),
    ):
        answer = manager_browser.post("/colleagues/invite", {"email": other.email.upper(), "name": "N"})
        assert answer.status_code == 409
        pages.add(without_what_differs(answer).replace(other.email.upper(), ""))
    assert len(pages) == 1
    limit = system.settings.max_tries
    statuses = [invite(manager_browser, f"new{number}@acme.example") for number in range(limit)]
    assert statuses[-3:] == [429, 429, 429]
    assert statuses.count(303) == limit - 3


def test_where_there_are_mail_domains_they_say_who_can_be_invited(
    manager_browser: Browser, home: Organisation, system: System
) -> None:
    with system.work() as uow:
        uow.session.add(OrganisationDomain(domain="xn--mller-kva.example", organisation_id=home.id))
    assert invite(manager_browser, "a@acme.example") == 422
    assert invite(manager_browser, "a@xn--mller-kva.example") == 303
    assert invite(manager_browser, "b@M\u00dcLLER.example") == 303
    assert invite(manager_browser, "a@sub.xn--mller-kva.example") == 422


def test_nothing_happens_where_the_organisation_is_suspended(
    manager_browser: Browser, home: Organisation, system: System
) -> None:
    """T11."""
    with system.work() as uow:
        uow.session.merge(home).suspended_at = datetime.now(UTC)
    assert manager_browser.get("/colleagues").status_code == 303
    manager_browser.post("/colleagues/invite", {"email": "new@acme.example", "name": "New"})
    assert account_of(system, NEW) is None


@pytest.mark.parametrize("name", ["{{7*7}}", "<script>alert(1)</script>", "a\r\nBcc: x@y.example"])
def test_what_is_typed_stays_text(manager_browser: Browser, system: System, name: str) -> None:
    """T18, C6."""
    assert invite(manager_browser, name=name) == 303
    account = account_of(system, NEW)
    assert account
    assert account.name == " ".join(name.split())
    for path in ("/colleagues", f"/colleagues/{account.id}", f"/colleagues/{account.id}/suspend"):
        page = manager_browser.get(path).text
        assert "<script>alert" not in page
        assert ("{{7*7}}" in page) == (name == "{{7*7}}")


def test_the_database_itself_lets_a_manager_make_nobody_staff(
    manager: Account, home: Organisation, system: System
) -> None:
    """T3: with the code out of the way."""
    colleague = make_account(system, organisation=home)
    wall = pytest.raises(DBAPIError, match="permission denied")
    with wall, system.work(actor_of(manager, None)) as uow:
        uow.session.execute(
            text("UPDATE account SET role = 'admin', organisation_id = NULL WHERE id = :id"),
            {"id": colleague.id},
        )


def test_only_managers_are_shown_the_way(
    app: Flask, manager_browser: Browser, home: Organisation, system: System
) -> None:
    ways = [f'href="{path}"' for path in ("/colleagues", "/organisation/downloads")]
    page = manager_browser.get("/files").text
    assert [way in page for way in ways] == [True, True]
    other = Browser(app)
    other.sign_in(make_account(system, organisation=home).email)
    page = other.get("/files").text
    assert [way in page for way in ways] == [False, False]
