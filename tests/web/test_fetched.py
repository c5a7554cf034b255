"""T13, I10: what a customer learns of the trail: their own people by name, of support nobody."""

import csv
import io
import re

import pytest
from flask import Flask
from sqlalchemy import update

from app.domain.lifecycle import UploadState
from app.domain.policy import Role
from app.models import AuditEvent, Upload
from app.queries import audit as trail_query
from app.services import audit as trail
from app.system import System
from tests.factories.people import make_manager
from tests.factories.quarantine import make_infected
from tests.factories.tickets import holder, issue_ticket
from tests.factories.uploads import make_upload
from tests.web.callers import Browser, Caller


@pytest.fixture
def manager(app: Flask, customer: Caller, system: System) -> Caller:
    """Give whoever manages the people of the customer's organisation."""
    return Caller(app, system, account=make_manager(system, customer.account.organisation_id))


@pytest.fixture
def fetched(customer: Caller, stranger: Caller, engineer: Caller, system: System) -> Upload:
    """Give a bundle that a customer and an engineer have downloaded, among others that are not theirs."""
    upload = make_upload(system, customer.actor, UploadState.CLEAN, filename="web-01.tgz")
    other = make_upload(system, stranger.actor, UploadState.CLEAN, filename="foreign.tgz")
    assert customer.get(f"/download/{upload.id}").status_code == 200
    assert engineer.get(f"/download/{upload.id}", headers={"Range": "bytes=0-9"}).status_code == 206
    assert engineer.get(f"/download/{other.id}").status_code == 200
    assert stranger.get(f"/download/{other.id}").status_code == 200
    return upload


def test_a_manager_sees_every_download_of_their_organisation(
    app: Flask, manager: Caller, customer: Caller, engineer: Caller, fetched: Upload
) -> None:
    browser = Browser(app)
    browser.sign_in(manager.account.email)
    page = browser.get("/organisation/downloads").text
    rows = page[page.index("<tbody") : page.index("</tbody>")].split("</tr>")[:-1]
    by_support, by_customer = rows
    assert "Support" in by_support
    assert ", engineer" in by_support
    assert "A part of it: bytes=0-9" in by_support
    assert "127.0.0.1" not in by_support
    assert customer.account.email in by_customer
    assert "127.0.0.1" in by_customer
    assert f"/files/{fetched.id}" in by_customer
    assert engineer.account.email not in page
    assert engineer.account.name not in page
    assert "foreign.tgz" not in page


def test_the_file_tells_no_more_than_the_page(
    manager: Caller, customer: Caller, engineer: Caller, fetched: Upload
) -> None:
    """T19 too: it is the same writer as elsewhere."""
    answer = manager.get("/organisation/downloads.csv")
    by_support, by_customer = csv.DictReader(io.StringIO(answer.text))
    assert (by_support["who"], by_support["role"], by_support["range"]) == (
        "Support",
        "engineer",
        "bytes=0-9",
    )
    assert (by_support["address"], by_support["means"]) == ("", "")
    assert (by_customer["who"], by_customer["address"]) == (customer.account.email, "127.0.0.1")
    assert by_customer["means"].startswith("token dgp_")
    assert engineer.account.email not in answer.text
    assert "foreign.tgz" not in answer.text


def test_days_narrow_it(manager: Caller, fetched: Upload) -> None:
    for query, count in (("to=2020-01-01", 0), ("from=2020-01-01", 2), ("from=2999-01-01", 0)):
        answer = manager.get(f"/organisation/downloads.csv?{query}")
        assert len(answer.text.splitlines()) == count + 1


def test_what_support_took_of_an_infected_bundle_is_listed(
    manager: Caller, customer: Caller, engineer: Caller, system: System
) -> None:
    upload = make_infected(system, customer.actor)
    assert engineer.get(f"/quarantine/{upload.id}/clean-members").status_code == 200
    (row,) = csv.DictReader(io.StringIO(manager.get("/organisation/downloads.csv").text))
    assert (row["what"], row["who"]) == ("Taken without the infected files", "Support")


def test_a_manager_of_nothing_new_sees_an_empty_page(app: Flask, manager: Caller) -> None:
    browser = Browser(app)
    browser.sign_in(manager.account.email)
    assert "Nothing was downloaded yet" in browser.get("/organisation/downloads").text


def test_the_history_on_a_customers_page_names_nobody_of_support(
    app: Flask, customer: Caller, engineer: Caller, admin: Caller, fetched: Upload, system: System
) -> None:
    with system.work(admin.actor) as uow:
        upload = uow.session.get_one(Upload, fetched.id)
        trail.record(uow, "upload.attached", upload=upload, before=None, after="CS-1")
    browser = Browser(app)
    browser.sign_in(customer.account.email)
    page = browser.get(f"/files/{fetched.id}").text
    assert customer.account.email in page
    assert page.count('<span class="timeline__who">Support') == 2
    for staff in (engineer, admin):
        assert staff.account.email not in page
    assert "/activity" not in page
    browser = Browser(app)
    browser.sign_in(engineer.account.email)
    page = browser.get(f"/files/{fetched.id}").text
    assert engineer.account.email in page
    assert admin.account.email in page


@pytest.mark.parametrize(
    "action",
    [
        "upload.assigned",
        "upload.held",
        "upload.hold_ended",
        "case.held",
        "case.hold_ended",
        "case.retention_set",
    ],
)
def test_what_support_alone_decides_is_in_nobody_elses_trail(
    manager: Caller, engineer: Caller, admin: Caller, fetched: Upload, system: System, action: str
) -> None:
    """Whose work it is, what is held and why, how long a case is kept."""
    with system.work(admin.actor) as uow:
        trail.record(uow, action, organisation_id=fetched.organisation_id, why="A lawyer wrote.")
    for who, seen in ((manager, False), (engineer, True)):
        with system.work(who.actor) as uow:
            items = trail_query.page(uow.session, who.actor, trail_query.Filters()).items
        assert (action in {named.row.action for named in items}) is seen


def test_a_ticket_is_named_to_the_customer_and_its_issuer_is_not(
    app: Flask, customer: Caller, system: System
) -> None:
    issued = issue_ticket(system, "CS-9", customer.account.organisation_id)
    upload = make_upload(system, holder(issued), UploadState.CLEAN)
    browser = Browser(app)
    browser.sign_in(customer.account.email)
    page = browser.get(f"/files/{upload.id}").text
    with system.work() as uow:
        uow.session.expire_all()
        ticket = uow.session.merge(issued.seen.ticket)
        label, issuer = ticket.label, ticket.made_by
    assert label in page
    assert issuer
    assert issuer.email not in page


def test_rows_of_a_release_that_wrote_no_role_name_only_our_own(
    app: Flask, customer: Caller, fetched: Upload, engineer: Caller, system: System
) -> None:
    """F22: who is not known to be theirs is support to them."""
    with system.database.sessions() as session:
        session.execute(update(AuditEvent).values(actor_role=None))
        session.commit()
    browser = Browser(app)
    browser.sign_in(customer.account.email)
    page = browser.get(f"/files/{fetched.id}").text
    assert engineer.account.email not in page
    assert re.search(r'timeline__who">[^<]*Support', page)
    assert customer.account.email in page


def test_nobody_else_reads_it(customer: Caller, engineer: Caller, app: Flask, system: System) -> None:
    for who in (customer, engineer, Caller(app, system, Role.ADMIN)):
        assert who.get("/organisation/downloads").status_code == 403
