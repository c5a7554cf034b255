"""/colleagues: a customer who manages the people of their organisation, within its wall."""

import re
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
from tests.factories.people import make_account, make_machine, make_manager, make_organisation
from tests.web.callers import Browser, without_csrf_tokens

REASON = {"reason": "Left the company in May."}
ACTS = ("invite-again", "end-sessions", "suspend", "resume")
_REQUEST_ID = re.compile(r"[0-9a-f]{32}")


@pytest.fixture
def home(system: System) -> Organisation:
    return make_organisation(system, "acme")


@pytest.fixture
def manager(system: System, home: Organisation) -> Account:
    return make_manager(system, home.id)


@pytest.fixture
def at_desk(browser: Browser, manager: Account) -> Browser:
    """Give the manager's browser."""
    browser.sign_in(manager.email)
    return browser


def invite(at_desk: Browser, email: str = "new@acme.example", **other: str) -> int:
    return at_desk.post("/colleagues/invite", {"email": email, "name": "New"} | other).status_code


def found(system: System, email: str = "new@acme.example") -> Account | None:
    with system.work() as uow:
        return uow.session.scalar(select(Account).where(Account.email == email))


def test_a_colleague_is_invited_as_a_customer_of_the_same_organisation(
    at_desk: Browser, manager: Account, home: Organisation, system: System
) -> None:
    """Whatever the form says besides."""
    asked = {"role": "admin", "organisation": "globex", "manager": "y", "password": "chosen"}
    assert invite(at_desk, **asked) == 303
    account = found(system)
    assert account
    assert (account.role, account.organisation_id) == (Role.CUSTOMER, home.id)
    assert (account.manager, account.password_hash) == (False, None)
    with system.work() as uow:
        [mail] = uow.session.scalars(select(Delivery).where(Delivery.recipient == account.email))
        [event] = uow.session.scalars(select(AuditEvent).where(AuditEvent.account_id == account.id))
    assert (mail.event, event.actor_id) == (Event.ACCOUNT_INVITED, manager.id)
    page = at_desk.get(f"/colleagues/{account.id}?done=invited").text
    assert "The invitation is on its way." in page
    assert "/invite-again" in page


def test_the_list_has_the_own_people_and_nobody_else(
    at_desk: Browser, manager: Account, home: Organisation, system: System
) -> None:
    """T2."""
    colleague, stranger = make_account(system, organisation=home), make_account(system)
    engineer, machine = make_account(system, Role.ENGINEER), make_machine(system, home.id)
    others = (stranger.email, engineer.email, machine.email)
    narrowed = ("?q=example", "?organisation=", f"?organisation={stranger.organisation_id}", "?role=engineer")
    for query in ("", *narrowed, f"?q={stranger.email}", f"?q={machine.email}"):
        page = at_desk.get(f"/colleagues{query}").text
        listed = page[page.index("<table") :] if "<table" in page else ""
        assert [email for email in others if email in listed] == [], query
    page = at_desk.get("/colleagues").text
    assert colleague.email in page
    assert f"{manager.email}, you" in page


@pytest.mark.parametrize("act", ["", *(f"/{act}" for act in ACTS)])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_whoever_is_no_colleague_is_like_nobody(
    at_desk: Browser, home: Organisation, system: System, method: str, act: str
) -> None:
    """T2: a foreign id and a random id get the same answer, byte for byte."""
    others = make_account(system), make_account(system, Role.ADMIN), make_machine(system, home.id)
    data = REASON | {"csrf_token": at_desk.csrf_token()}
    answers = [
        at_desk.ask(method, f"/colleagues/{account_id}{act}", data=data if method == "POST" else None)
        for account_id in (uuid4(), *(other.id for other in others))
    ]
    nobody, *rest = [
        (answer.status_code, _REQUEST_ID.sub("", without_csrf_tokens(answer.text))) for answer in answers
    ]
    assert nobody[0] == (404 if act or method == "GET" else 405)
    assert all(other == nobody for other in rest)
    assert all(found(system, other.email).active for other in others)  # type: ignore[union-attr]


def test_a_colleague_is_suspended_at_once_and_let_in_again(
    app: Flask, at_desk: Browser, home: Organisation, system: System
) -> None:
    """T11."""
    colleague = make_account(system, organisation=home)
    theirs = Browser(app)
    theirs.sign_in(colleague.email)
    path = f"/colleagues/{colleague.id}"
    assert at_desk.post(f"{path}/end-sessions").status_code == 303
    assert not theirs.signed_in()
    theirs.sign_in(colleague.email)
    assert at_desk.post(f"{path}/suspend", {"reason": "short"}).status_code == 422
    assert at_desk.post(f"{path}/suspend", REASON).status_code == 303
    assert not theirs.signed_in()
    assert REASON["reason"] in at_desk.get(path).text
    assert at_desk.post(f"{path}/resume").status_code == 303
    assert theirs.sign_in(colleague.email).status_code == 303


def test_managers_leave_each_other_and_what_support_did_alone(
    at_desk: Browser, manager: Account, home: Organisation, system: System, app: Flask
) -> None:
    other, colleague = make_manager(system, home.id), make_account(system, organisation=home)
    admin = Browser(app)
    admin.sign_in(make_account(system, Role.ADMIN).email)
    admin.post(f"/admin/people/{colleague.id}/suspend", {"reason": "Known to the police."})
    for account, act in ((other, "suspend"), (manager, "suspend"), (colleague, "resume")):
        assert at_desk.get(f"/colleagues/{account.id}/{act}").status_code == 403
        assert at_desk.post(f"/colleagues/{account.id}/{act}", REASON).status_code == 403
        page = at_desk.get(f"/colleagues/{account.id}").text
        assert "What you can do" not in page
        assert "police" not in page
    assert [found(system, each.email).active for each in (other, manager, colleague)] == [  # type: ignore[union-attr]
        True, True, False
    ]  # fmt: skip


@pytest.mark.parametrize("act", ["reset-factors", "revoke-tokens", "send-reset", "delete"])
def test_managers_have_no_other_acts(at_desk: Browser, home: Organisation, system: System, act: str) -> None:
    colleague = make_account(system, organisation=home)
    assert at_desk.get(f"/colleagues/{colleague.id}/{act}").status_code == 404
    assert at_desk.post(f"/colleagues/{colleague.id}/{act}", REASON).status_code == 404


def test_an_address_that_is_taken_tells_not_where_and_only_few_are_tried(
    at_desk: Browser, home: Organisation, system: System
) -> None:
    """A colleague and a stranger get one sentence; T34's limit holds for invitations too."""
    pages = set()
    for other in (
        make_account(system),
        make_account(system, organisation=home),
        make_account(system, Role.ADMIN),
    ):
        answer = at_desk.post("/colleagues/invite", {"email": other.email.upper(), "name": "N"})
        assert answer.status_code == 409
        pages.add(_REQUEST_ID.sub("", without_csrf_tokens(answer.text)).replace(other.email.upper(), ""))
    assert len(pages) == 1
    limit = system.settings.max_tries
    statuses = [invite(at_desk, f"new{number}@acme.example") for number in range(limit)]
    assert statuses[-3:] == [429, 429, 429]
    assert statuses.count(303) == limit - 3


def test_where_there_are_mail_domains_they_say_who_can_be_invited(
    at_desk: Browser, home: Organisation, system: System
) -> None:
    with system.work() as uow:
        uow.session.add(OrganisationDomain(domain="xn--mller-kva.example", organisation_id=home.id))
    assert invite(at_desk, "a@acme.example") == 422
    assert invite(at_desk, "a@xn--mller-kva.example") == 303
    assert invite(at_desk, "b@M\u00dcLLER.example") == 303
    assert invite(at_desk, "a@sub.xn--mller-kva.example") == 422


def test_nothing_happens_where_the_organisation_is_suspended(
    at_desk: Browser, home: Organisation, system: System
) -> None:
    """T11."""
    with system.work() as uow:
        uow.session.merge(home).suspended_at = datetime.now(UTC)
    assert at_desk.get("/colleagues").status_code == 303
    at_desk.post("/colleagues/invite", {"email": "new@acme.example", "name": "New"})
    assert found(system) is None


@pytest.mark.parametrize("name", ["{{7*7}}", "<script>alert(1)</script>", "a\r\nBcc: x@y.example"])
def test_what_is_typed_stays_text(at_desk: Browser, system: System, name: str) -> None:
    """T18, C6."""
    assert invite(at_desk, name=name) == 303
    account = found(system)
    assert account
    assert account.name == " ".join(name.split())
    for path in ("/colleagues", f"/colleagues/{account.id}", f"/colleagues/{account.id}/suspend"):
        page = at_desk.get(path).text
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
    app: Flask, at_desk: Browser, home: Organisation, system: System
) -> None:
    ways = [f'href="{path}"' for path in ("/colleagues", "/organisation/downloads")]
    page = at_desk.get("/files").text
    assert [way in page for way in ways] == [True, True]
    other = Browser(app)
    other.sign_in(make_account(system, organisation=home).email)
    page = other.get("/files").text
    assert [way in page for way in ways] == [False, False]
