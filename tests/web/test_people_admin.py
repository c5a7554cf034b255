"""/admin/people: who is there, who they are to be, and what is never shown."""

import csv
import io
from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import select

from app.domain.events import Event
from app.domain.policy import Role
from app.models import Account, AuditEvent, Delivery
from app.services import sealed_codes
from app.system import System
from tests.factories.people import make_account, make_machine, make_organisation
from tests.web.callers import Browser
from tests.web.looks import account_of

NEW = "new@acme.example"
REASON = "Left the company in May."


def fields(**other: str) -> dict[str, str]:
    return {"email": NEW, "name": "New Person", "role": "engineer", "organisation": ""} | other


def trail(system: System, account: Account) -> list[AuditEvent]:
    with system.work() as uow:
        query = select(AuditEvent).where(AuditEvent.account_id == account.id).order_by(AuditEvent.id)
        return list(uow.session.scalars(query))


def test_whoever_is_invited_gets_a_mail_and_chooses_the_password(
    admin_browser: Browser, system: System
) -> None:
    home = make_organisation(system, "acme")
    answer = admin_browser.post(
        "/admin/people/invite", fields(role="customer", organisation="acme", manager="y", password="chosen")
    )
    account = account_of(system, NEW)
    assert account
    assert answer.headers["Location"].startswith(f"/admin/people/{account.id}")
    assert (account.role, account.organisation_id, account.manager) == (Role.CUSTOMER, home.id, True)
    assert (account.password_hash, account.activated_at) == (None, None)
    page = admin_browser.get(answer.headers["Location"]).text
    for words in ("New Person", "Invited", "The invitation is on its way.", "good until", "Invite again"):
        assert words in page
    with system.work() as uow:
        [mail] = uow.session.scalars(select(Delivery).where(Delivery.recipient == account.email))
    assert mail.event is Event.ACCOUNT_INVITED
    code = sealed_codes.unseal(system.settings, mail.told)
    assert code
    assert code not in page


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        (fields(email="nobody"), "is not a mail address"),
        (fields(name="  "), "Type a name."),
        (fields(role="boss"), "Choose a role."),
        (fields(role="customer"), "A customer belongs to an organisation."),
        (fields(organisation="acme"), "Engineers and admins belong to no organisation."),
        (fields(manager="y"), "Only customers manage"),
        (fields(role="customer", organisation="nowhere"), "There is no organisation nowhere."),
        (fields(role="customer", organisation="shut"), "is suspended"),
        (fields(email="Taken@Acme.example"), "There is already an account"),
    ],
)
def test_who_cannot_be_invited_is_said(
    admin_browser: Browser, system: System, typed: dict[str, str], sentence: str
) -> None:
    make_organisation(system, "acme")
    with system.work() as uow:
        uow.session.merge(make_organisation(system, "shut")).suspended_at = datetime.now(UTC)
    make_taken(system)
    answer = admin_browser.post("/admin/people/invite", typed)
    assert answer.status_code in {404, 409, 422}
    assert sentence in answer.text
    assert account_of(system, NEW) is None


def test_the_form_suggests_no_role_and_nothing_that_is_suspended(
    admin_browser: Browser, system: System
) -> None:
    make_organisation(system, "acme")
    with system.work() as uow:
        uow.session.merge(make_organisation(system, "shut")).suspended_at = datetime.now(UTC)
    page = admin_browser.get("/admin/people/invite").text
    assert '<option selected value="">Choose one</option>' in page
    assert ('value="acme"' in page, 'value="shut"' in page) == (True, False)
    answer = admin_browser.post("/admin/people/invite", fields(role=""))
    assert (answer.status_code, "Choose a role." in answer.text) == (422, True)


def make_taken(system: System) -> None:
    account = make_account(system, Role.ENGINEER)
    with system.work() as uow:
        uow.session.merge(account).email = "taken@acme.example"


def test_lists_are_searched_and_narrowed(admin_browser: Browser, system: System) -> None:
    home = make_organisation(system, "acme")
    person = make_account(system, organisation=home)
    engineer = make_account(system, Role.ENGINEER)
    machine = make_machine(system, home.id)
    admin_browser.post("/admin/people/invite", fields())
    admin_browser.post(f"/admin/people/{engineer.id}/suspend", {"reason": REASON})
    everybody = (person.email, engineer.email, NEW, machine.email)
    for query, expected in {
        "": (True, True, True, False),
        f"?q={person.email.upper()}": (True, False, False, False),
        "?q=new+person": (False, False, True, False),
        "?role=customer": (True, False, False, False),
        "?organisation=acme": (True, False, False, False),
        "?organisation=nowhere": (False, False, False, False),
        "?state=invited": (False, False, True, False),
        "?state=suspended": (False, True, False, False),
        "?state=active&role=engineer": (False, False, False, False),
        "?q=%25": (False, False, False, False),
    }.items():
        page = admin_browser.get(f"/admin/people{query}").text
        assert tuple(f'roll__aside">{email}<' in page for email in everybody) == expected, query
        file = admin_browser.get(f"/admin/people.csv{query}")
        mails = [row[0] for row in csv.reader(io.StringIO(file.text))]
        assert tuple(email in mails for email in everybody) == expected, query
    assert file.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert file.headers["Content-Disposition"] == 'attachment; filename="people.csv"'
    assert file.headers["X-Content-Type-Options"] == "nosniff"
    for path in ("?role=boss", "?state=none", "?cursor=none", ".csv?role=boss", ".csv?state=none"):
        assert admin_browser.get(f"/admin/people{path}").status_code == 400, path
    assert admin_browser.get(f"/admin/people/{machine.id}").status_code == 404


def test_a_change_is_told_in_the_trail_and_to_its_owner(admin_browser: Browser, system: System) -> None:
    make_organisation(system, "acme")
    account = make_account(system, Role.ENGINEER)
    to = {"name": "Another Name", "role": "customer", "organisation": "acme", "manager": "y"}
    assert admin_browser.post(f"/admin/people/{account.id}", to).status_code == 303
    event = trail(system, account)[-1]
    assert event.action == "account.changed"
    assert event.detail["before"] == {
        "name": account.name, "role": "engineer", "organisation": None, "manager": False
    }  # fmt: skip
    assert event.detail["after"] == {
        "name": "Another Name", "role": "customer", "organisation": "acme", "manager": True
    }  # fmt: skip
    with system.work() as uow:
        mails = uow.session.scalars(select(Delivery.event).where(Delivery.recipient == account.email))
        assert list(mails) == [Event.ACCOUNT_CHANGED]
    before = len(trail(system, account))
    admin_browser.post(f"/admin/people/{account.id}", to)
    assert len(trail(system, account)) == before  # nothing was changed, nothing is written


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"role": "customer", "organisation": ""}, "A customer belongs to an organisation."),
        ({"role": "engineer", "organisation": "acme"}, "Engineers and admins belong"),
        ({"role": "engineer", "manager": "y"}, "Only customers manage"),
        ({"role": "engineer", "name": "x" * 201}, "A name has at most 200"),
    ],
)
def test_what_does_not_go_together_changes_nothing(
    admin_browser: Browser, system: System, typed: dict[str, str], sentence: str
) -> None:
    make_organisation(system, "acme")
    account = make_account(system, Role.ENGINEER)
    answer = admin_browser.post(f"/admin/people/{account.id}", {"name": "N", "organisation": ""} | typed)
    assert (answer.status_code, sentence in answer.text) == (422, True)
    now = account_of(system, account.email)
    assert now
    assert (now.name, now.role, now.organisation_id) == (account.name, Role.ENGINEER, None)


def test_nobody_sees_or_chooses_a_password(admin_browser: Browser, system: System) -> None:
    account = make_account(system)
    secret = account.password_hash or "none"
    pages = ["/admin/people", "/admin/people.csv", f"/admin/people/{account.id}"]
    pages += [f"/admin/people/{account.id}/{act}" for act in ("suspend", "send-reset", "reset-factors")]
    for path in pages:
        page = admin_browser.get(path)
        assert page.status_code == 200, path
        assert secret not in page.text
        assert 'type="password"' not in page.text
    admin_browser.post(f"/admin/people/{account.id}", {"name": "N", "role": "engineer", "password": "chosen"})
    now = account_of(system, account.email)
    assert now
    assert now.password_hash == secret


PAYLOADS = (
    "{{7*7}}${7*7}<%=7*7%>",
    "<script>alert(1)</script>",
    "a\r\nBcc: x@y.example",
    "=cmd|' /C calc'!A1",
    "\uff1d1+1",
)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_is_typed_stays_text(app: Flask, admin_browser: Browser, system: System, payload: str) -> None:
    """T18, T19, C6: in name and reason, on every page, in the mail and in the file."""
    admin_browser.post("/admin/people/invite", fields(name=payload))
    account = account_of(system, NEW)
    assert account
    assert account.name == " ".join(payload.split())
    admin_browser.post(f"/admin/people/{account.id}/suspend", {"reason": f"{payload} and ten more"})
    for path in ("/admin/people", f"/admin/people/{account.id}", f"/admin/people/{account.id}/resume"):
        page = admin_browser.get(path)
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        if "{{7*7}}" in payload:
            assert "{{7*7}}" in page.text
    [row] = [
        row
        for row in csv.reader(io.StringIO(admin_browser.get("/admin/people.csv").text))
        if row[0] == account.email
    ]
    assert row[1] == ("'" if payload[0] in "=\uff1d" else "") + account.name
    for typed in ({"email": payload}, {"role": payload}, {"organisation": payload}):
        answer = admin_browser.post("/admin/people/invite", fields(**typed))
        assert answer.status_code in {404, 422}, typed
        assert "<script>alert" not in answer.text


def test_every_part_for_admins_is_one_step_away(admin_browser: Browser) -> None:
    parts = (
        "/",
        "/admin/people",
        "/admin/organisations",
        "/admin/providers",
        "/admin/issuers",
        "/admin/audit",
    )
    for part in parts:
        page = admin_browser.get(part).text
        bar = page[page.index('aria-label="Admin"') : page.index("<main")]
        assert [way for way in parts if f'href="{way}"' not in bar] == []
        assert f'href="{part}" aria-current="page"' in " ".join(bar.split())
