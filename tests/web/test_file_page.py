"""`/files/<id>` and its receipt, in every state, for everybody who may see it."""

import pytest
from flask import Flask

from app.domain.lifecycle import QUARANTINED, SETTLED, UploadState
from app.domain.retention import NAMELESS
from app.system import System
from app.web.portal.labels import LABELS
from tests.factories.uploads import make_upload
from tests.web.callers import Browser, Caller
from tests.web.looks import document


@pytest.mark.parametrize("state", UploadState)
def test_the_page_says_how_things_stand(
    app: Flask, customer: Caller, engineer: Caller, admin: Caller, system: System, state: UploadState
) -> None:
    upload = make_upload(system, customer.actor, state, filename="web-01.tgz", case="CS-1")
    for who in (customer, engineer, admin):
        browser = Browser(app)
        browser.sign_in(who.account.email)
        page = browser.get(f"/files/{upload.id}").text
        name = NAMELESS if state is UploadState.DELETED else "web-01.tgz"
        assert all(fact in page for fact in (name, "CS-1", LABELS[state], str(upload.id)))
        assert (f'href="/download/{upload.id}"' in page) is (state is UploadState.CLEAN)
        assert (f'href="/files/{upload.id}/delete"' in page) is (
            who is not customer and state not in {UploadState.DELETED, *QUARANTINED}
        )
        assert ("What now" in page) is (who is not customer and state in QUARANTINED)
        assert ("hx-get" in page) is (state not in SETTLED), "only what may change is asked for again"
        assert (upload.reason is None) or (upload.reason in page)
        if upload.sha256:
            assert upload.sha256 in page


@pytest.mark.parametrize("state", UploadState)
def test_the_receipt_is_there_from_the_first_byte(
    browser: Browser, customer: Caller, system: System, state: UploadState
) -> None:
    upload = make_upload(system, customer.actor, state, filename="it's.tgz")
    browser.sign_in(customer.account.email)
    page = browser.get(f"/files/{upload.id}/receipt").text
    assert LABELS[state] in page
    assert ("sha256sum -c" in page) is (upload.sha256 is not None and state is not UploadState.DELETED)


def test_a_virus_is_named_by_its_member(browser: Browser, customer: Caller, system: System) -> None:
    upload = make_upload(system, customer.actor, UploadState.INFECTED)
    browser.sign_in(customer.account.email)
    for path in (f"/files/{upload.id}", f"/files/{upload.id}/receipt"):
        page = browser.get(path).text
        assert "var/log/mail.log" in page
        assert "Eicar-Test-Signature" in page


def test_the_fragment_is_the_part_that_changes(browser: Browser, customer: Caller, system: System) -> None:
    upload = make_upload(system, customer.actor, UploadState.SCANNING)
    browser.sign_in(customer.account.email)
    fragment = browser.get(f"/files/{upload.id}", headers={"HX-Request": "true"})
    assert fragment.text.lstrip().startswith('<div class="file-status"')
    assert "HX-Request" in fragment.vary


@pytest.mark.parametrize("state", UploadState)
def test_programs_get_the_contracts_document(customer: Caller, system: System, state: UploadState) -> None:
    upload = make_upload(system, customer.actor, state, case="CS-1")
    answer = customer.get(f"/api/v1/uploads/{upload.id}")
    body = document(answer, 200 if state in SETTLED else 202)
    assert ("Retry-After" in answer.headers) is (state not in SETTLED)
    assert customer.get(f"/files/{upload.id}", headers={"Accept": "application/json"}).get_json() == body
    assert {name: body[name] for name in ("id", "filename", "state", "case", "sha256", "reason")} == {
        "id": str(upload.id),
        "filename": None if state is UploadState.DELETED else "bundle.tgz",
        "state": state.value,
        "case": "CS-1",
        "sha256": upload.sha256,
        "reason": upload.reason,
    }
    scan = body["scan"]
    assert (scan is None) is (upload.scan is None)
    if scan:
        assert scan["verdict"] == state
        assert scan["members"] == {"total": 1, "scanned": 1}
        assert scan["bytes"] == {"expanded": 7, "scanned": 7}


def test_home_is_what_somebody_came_for(
    app: Flask, customer: Caller, engineer: Caller, admin: Caller, system: System
) -> None:
    make_upload(system, customer.actor, UploadState.CLEAN, filename="web-01.tgz")
    titles = {customer: "Send a diagnostics bundle", engineer: "Inbox", admin: "Overview"}
    for who, title in titles.items():
        browser = Browser(app)
        browser.sign_in(who.account.email)
        page = browser.get("/").text
        assert f'<h1 class="title">{title}</h1>' in page
        assert "web-01.tgz" in page
