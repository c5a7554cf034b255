"""/admin/organisations: what an admin does with organisations."""

import csv
import io

import pytest
from flask import Flask
from sqlalchemy import select

from app.models import Account, AuditEvent, Organisation, OrganisationDomain, SignInSession
from app.system import System
from tests.factories.people import bearer, make_account, make_organisation
from tests.factories.tickets import basic, issue_ticket
from tests.web.callers import Browser
from tests.web.looks import problem

REASON = "They have not paid for a year."
FIELDS = {
    "name": "Acme Labs",
    "slug": "acme-labs",
    "domains": "Acme.example, @M\u00fcller.example\nacme.example",
    "quota_bytes": "200 GB",
    "quota_uploads": "1,000",
    "retention_days": "90",
    "contacts": "it@acme.example\nboss@acme.example",
}


def the_one(system: System, slug: str = "acme-labs") -> Organisation:
    with system.work() as uow:
        return uow.session.scalars(select(Organisation).where(Organisation.slug == slug)).one()


def trail(system: System, action: str) -> list[AuditEvent]:
    with system.work() as uow:
        return list(uow.session.scalars(select(AuditEvent).where(AuditEvent.action == action)))


def test_an_organisation_is_made_as_it_was_typed(admin_browser: Browser, system: System) -> None:
    answer = admin_browser.post("/admin/organisations/new", FIELDS)
    made = the_one(system)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith(f"/admin/organisations/{made.id}")
    assert [each.domain for each in made.domains] == ["acme.example", "xn--mller-kva.example"]
    assert (made.quota_bytes, made.quota_uploads, made.retention_days) == (200 * 10**9, 1000, 90)
    assert made.contacts == ["it@acme.example", "boss@acme.example"]
    page = admin_browser.get(answer.headers["Location"]).text
    for words in ("Acme Labs", 'value="200 GB"', "xn--mller-kva.example", "Invite its people next"):
        assert words in page
    assert trail(system, "organisation.created")[-1].detail["after"]["bytes"] == 200 * 10**9


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("name", " ", "Type a name."),
        ("slug", "Acme Labs", "A short name has lower-case letters"),
        ("domains", "not a domain", "is not a mail domain"),
        ("quota_bytes", "much", "Write a size like"),
        ("quota_uploads", "-1", "How many bundles?"),
        ("retention_days", "0", "Type how many days"),
        ("contacts", "nobody", "is not a mail address"),
    ],
)
def test_what_will_not_do_is_said_beside_the_field(
    admin_browser: Browser, system: System, field: str, typed: str, sentence: str
) -> None:
    answer = admin_browser.post("/admin/organisations/new", FIELDS | {field: typed})
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert sentence in answer.text
    assert "boss@acme.example" in answer.text or field == "contacts"
    with system.work() as uow:
        assert uow.session.scalar(select(Organisation.id).where(Organisation.slug == "acme-labs")) is None


def test_short_name_and_domains_are_nobody_elses(admin_browser: Browser, system: System) -> None:
    admin_browser.post("/admin/organisations/new", FIELDS)
    again = admin_browser.post("/admin/organisations/new", FIELDS | {"domains": ""})
    assert (again.status_code, "already an organisation" in again.text) == (409, True)
    other = admin_browser.post(
        "/admin/organisations/new", FIELDS | {"slug": "other", "domains": "ACME.example."}
    )
    assert (other.status_code, "another organisation" in other.text) == (409, True)
    with system.work() as uow:
        assert uow.session.scalar(select(Organisation.id).where(Organisation.slug == "other")) is None


def test_a_change_leaves_what_was_and_what_is(admin_browser: Browser, system: System) -> None:
    admin_browser.post("/admin/organisations/new", FIELDS)
    made = the_one(system)
    changed = FIELDS | {"name": "Acme", "domains": "acme.example", "quota_bytes": "", "slug": "other"}
    assert admin_browser.post(f"/admin/organisations/{made.id}", changed).status_code == 303
    now = the_one(system)
    assert (now.name, now.quota_bytes, len(now.domains)) == ("Acme", None, 1)
    [event] = trail(system, "organisation.changed")
    assert event.detail["before"] == {
        "name": "Acme Labs",
        "domains": ["acme.example", "xn--mller-kva.example"],
        "bytes": 200 * 10**9,
    }
    assert event.detail["after"] == {"name": "Acme", "domains": ["acme.example"], "bytes": None}
    admin_browser.post(f"/admin/organisations/{made.id}", changed)
    assert len(trail(system, "organisation.changed")) == 1  # nothing was changed, nothing is written


def test_suspending_ends_everything_at_once_and_deletes_nothing(
    app: Flask, admin_browser: Browser, system: System
) -> None:
    """T11: session, token, ticket, password; and all but the session comes back."""
    home = make_organisation(system)
    person = make_account(system, organisation=home)
    theirs, token = Browser(app), bearer(system, person)
    ticket = basic(issue_ticket(system, "CS-1", home.id))
    guest = app.test_client(use_cookies=False)
    theirs.sign_in(person.email)
    assert theirs.signed_in()
    path = f"/admin/organisations/{home.id}"

    assert admin_browser.post(f"{path}/suspend", {"reason": "short"}).status_code == 422
    assert theirs.signed_in()
    assert admin_browser.post(f"{path}/suspend", {"reason": REASON}).status_code == 303
    assert not theirs.signed_in()
    assert guest.get("/api/v1/uploads", headers=token).status_code == 401
    problem(guest.put("/upload/a.tgz", headers=ticket, data=b"x"), 410, "gone")
    assert theirs.sign_in(person.email).status_code == 401
    assert REASON in admin_browser.get(path).text
    assert admin_browser.post(f"{path}/suspend", {"reason": REASON}).status_code == 409

    assert admin_browser.post(f"{path}/resume").status_code == 303
    assert not theirs.signed_in()
    assert guest.get("/api/v1/uploads", headers=token).status_code == 200
    assert guest.put("/upload/a.tgz", headers=ticket, data=b"x").status_code == 415
    assert theirs.sign_in(person.email).status_code == 303
    assert [len(trail(system, f"organisation.{what}")) for what in ("suspended", "resumed")] == [1, 1]


def test_lists_are_searched_and_narrowed(admin_browser: Browser, system: System) -> None:
    admin_browser.post("/admin/organisations/new", FIELDS)
    other = make_organisation(system, "zeta")
    admin_browser.post(f"/admin/organisations/{other.id}/suspend", {"reason": REASON})
    for query, found in {
        "": (True, True),
        "?q=LABS": (True, False),
        "?q=xn--mller": (True, False),
        "?state=suspended": (False, True),
        "?state=active": (True, False),
        "?q=%25": (False, False),
        "?q={{7*7}}": (False, False),
    }.items():
        page = admin_browser.get(f"/admin/organisations{query}").text
        assert ("Acme Labs" in page, ">Zeta<" in page) == found, query
        rows = list(csv.reader(io.StringIO(admin_browser.get(f"/admin/organisations.csv{query}").text)))[1:]
        names = [row[0] for row in rows]
        assert ("Acme Labs" in names, "Zeta" in names) == found, query
    assert admin_browser.get("/admin/organisations?state=none").status_code == 400
    assert admin_browser.get("/admin/organisations?cursor=none").status_code == 400


def test_pages_follow_each_other_by_name(admin_browser: Browser, system: System) -> None:
    with system.work() as uow:
        uow.session.add_all(Organisation(slug=f"many-{n}", name=f"Many {n % 7}") for n in range(120))
    seen: list[str] = []
    path = "/admin/organisations?q=many"
    while path:
        page = admin_browser.get(path).text
        seen += [f"many-{part.split('<')[0]}" for part in page.split('roll__aside">many-')[1:]]
        path = (
            page.split('id="pager-older"')[1].split('href="')[1].split('"')[0]
            if "pager-older" in page
            else ""
        )
        path = path.replace("&amp;", "&")
    assert len(seen) == len(set(seen)) == 120


PAYLOADS = (
    "{{7*7}}${7*7}<%=7*7%>",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "a\nb\r\nc",
    "=1+1",
)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_is_typed_stays_text(admin_browser: Browser, system: System, payload: str) -> None:
    """T18, T19, C6: in every field that takes free text, and in the file."""
    assert admin_browser.post("/admin/organisations/new", FIELDS | {"name": payload}).status_code == 303
    made = the_one(system)
    admin_browser.post(f"/admin/organisations/{made.id}/suspend", {"reason": f"{payload} and ten more"})
    for path in ("/admin/organisations", f"/admin/organisations/{made.id}", "/admin/people/invite"):
        page = admin_browser.get(path).text
        assert "49" not in page.replace(str(made.id), "")[page.index("<main") :] or "{{7*7}}" not in payload
        assert "<script>alert" not in page
        assert "<img src=x" not in page
    rows = list(csv.reader(io.StringIO(admin_browser.get("/admin/organisations.csv").text)))
    [name] = [row[0] for row in rows if row[1] == "acme-labs"]
    assert name == ("'=1+1" if payload == "=1+1" else " ".join(payload.split()))
    for field in ("slug", "domains", "quota_bytes", "quota_uploads", "retention_days", "contacts"):
        answer = admin_browser.post("/admin/organisations/new", FIELDS | {"slug": "x", field: payload})
        assert answer.status_code in {422, 409}, field
        assert "<script>alert" not in answer.text


def test_nothing_is_done_without_a_fresh_sign_in(admin_browser: Browser, system: System) -> None:
    """What was typed waits until the admin has proved who they are."""
    with system.work() as uow:
        for row in uow.session.scalars(select(SignInSession)):
            row.confirmed_at = row.confirmed_at.replace(year=2020)
    answer = admin_browser.post("/admin/organisations/new", FIELDS)
    assert answer.headers["Location"].startswith("/sign-in/again")
    with system.work() as uow:
        assert uow.session.scalar(select(Organisation.id).where(Organisation.slug == "acme-labs")) is None
        assert uow.session.scalar(select(OrganisationDomain.domain)) is None
        assert uow.session.scalar(select(Account.id).where(Account.active.is_(False))) is None
