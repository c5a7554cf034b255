"""An upload belongs to the account or the ticket, not to a cookie, a token or a process. F1, T1."""

import hashlib
from base64 import b64encode
from random import Random

import pytest
from flask import Flask

from app import create_app
from app.system import System
from tests.factories.bundles import make_tgz
from tests.factories.people import bearer
from tests.factories.tickets import issue_ticket
from tests.web.callers import Browser, Caller
from tests.web.looks import document, only_upload, problem, uploads
from tests.web.parts import join, part, places
from tests.web.tus import PATCH_TYPE, VERSION, Tus, metadata

CONTENT = make_tgz({"var/log/messages": Random(7).randbytes(20_000)})
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Scripted(Caller):
    """What the send page's script sends: a session's cookie and its CSRF token."""

    def __init__(self, browser: Browser) -> None:
        self.client = browser.client
        self.headers = {"X-CSRFToken": browser.csrf_token()}


def signed_in(app: Flask, customer: Caller) -> Browser:
    browser = Browser(app)
    assert browser.sign_in(customer.account.email).status_code == 303
    return browser


def test_it_goes_on_after_signing_out_and_in_another_browser(
    app: Flask, system: System, customer: Caller
) -> None:
    """The first browser's session has ended; a second one goes on, and a token finishes."""
    browser = signed_in(app, customer)
    tus = Tus(Scripted(browser), CONTENT).create()
    assert tus.patch(0, 5000).status_code == 204
    browser.post("/sign-out")
    assert browser.ask("HEAD", tus.place, headers=VERSION | {"Accept": "*/*"}).status_code == 401

    tus.caller = Scripted(signed_in(app, customer))
    assert tus.offset() == 5000
    assert tus.patch(5000, 9000).status_code == 204

    tus.caller = customer
    assert tus.offset() == 9000
    assert document(tus.patch(9000), 200)["sha256"] == SHA256
    assert len(uploads(system)) == 1


def test_a_page_without_the_csrf_token_changes_nothing(app: Flask, customer: Caller, system: System) -> None:
    """T23: whatever the method is called."""
    browser = signed_in(app, customer)
    tus = Tus(Scripted(browser), CONTENT).create()
    tus.caller.headers = {}
    for method, named in (
        ("PATCH", None),
        ("DELETE", None),
        ("POST", "PATCH"),
        ("HEAD", "DELETE"),
        ("HEAD", "PATCH"),
    ):
        headers = {"Upload-Offset": "0", "Content-Type": PATCH_TYPE}
        headers |= {"X-HTTP-Method-Override": named} if named else {}
        assert tus.ask(method, tus.place, headers, data=CONTENT).status_code == 403
    upload = only_upload(system)
    assert (upload.state.value, upload.received_bytes, upload.writer_epoch) == ("receiving", 0, 0)


def test_it_goes_on_after_a_restart(app: Flask, system: System, customer: Caller) -> None:
    """F1: nothing of it is kept in a process. Parts and a deferred length are no exception."""
    tus = Tus(customer, CONTENT)
    tus.place = tus.ask(
        "POST", "/tus", {"Upload-Defer-Length": "1", "Upload-Metadata": metadata(filename="a.tgz")}
    ).location
    tus.patch(0, 5000)
    several = [part(customer, CONTENT[:7000]), part(customer, CONTENT[7000:], 10)]

    restarted = create_app(system.settings, adapters=system.adapters, database=system.database)
    customer.client = restarted.test_client(use_cookies=False)

    assert tus.offset() == 5000
    answer = tus.patch(5000, headers={"Upload-Length": str(len(CONTENT))})
    assert document(answer, 200)["sha256"] == SHA256
    assert several[1].offset() == 10
    several[1].patch(10)
    assert document(join(tus, places(several)))["sha256"] == SHA256


def test_a_colleague_does_not_go_on_with_it(app: Flask, system: System, customer: Caller) -> None:
    """T1: of the same organisation, and yet it is not theirs."""
    tus = Tus(customer, CONTENT).create()
    tus.caller = Caller(app, system, organisation=customer.account.organisation)
    problem(tus.patch(0, 5000), 404, "not_found")
    assert tus.head().status_code == tus.delete().status_code == 404


@pytest.fixture
def ticket(system: System, app: Flask) -> Caller:
    """Give somebody who has nothing but a ticket."""
    caller = Caller(app, system)
    code = issue_ticket(system).code
    caller.headers = {"Authorization": "Basic " + b64encode(f"CS-1:{code}".encode()).decode()}
    return caller


def test_it_belongs_to_the_ticket(app: Flask, system: System, ticket: Caller, customer: Caller) -> None:
    """From another machine with the same ticket it goes on; without it, it is not there."""
    tus = Tus(ticket, CONTENT).create()
    tus.patch(0, 5000)
    ticket.client = app.test_client(use_cookies=False)
    assert tus.offset() == 5000
    tus.caller = customer
    assert tus.head().status_code == 404
    tus.caller = ticket
    body = document(tus.patch(5000), 200)
    assert (body["sha256"], body["case"]) == (SHA256, "CS-1")
    assert only_upload(system).uploader_id is None


def test_another_token_of_the_same_account_goes_on(system: System, customer: Caller) -> None:
    tus = Tus(customer, CONTENT).create()
    tus.patch(0, 5000)
    customer.headers = bearer(system, customer.account)
    assert document(tus.patch(5000), 200)["sha256"] == SHA256
