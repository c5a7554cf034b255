"""Taking back what one has sent, until somebody has fetched it."""

from datetime import timedelta

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.domain.errors import StateConflictError
from app.domain.lifecycle import STORED, UploadState
from app.models import Organisation, Upload
from app.services import downloads, quarantine
from app.system import System
from app.web.wording import when
from tests.factories.quarantine import REASON, make_infected
from tests.factories.uploads import make_upload
from tests.web.callers import Browser, Caller
from tests.web.looks import deeds, only_upload, problem, stored


def by_page(who: Caller, upload: Upload) -> TestResponse:
    return who.ask("POST", f"/files/{upload.id}/withdraw")


def by_api(who: Caller, upload: Upload) -> TestResponse:
    return who.ask("DELETE", f"/api/v1/uploads/{upload.id}")


WAYS = pytest.mark.parametrize("withdraw", [by_page, by_api])


def quota_of(system: System, customer: Caller) -> tuple[int, int]:
    with system.work() as uow:
        uow.session.expire_all()
        organisation = uow.session.get_one(Organisation, customer.account.organisation_id)
        return organisation.used_bytes, organisation.used_uploads


@WAYS
@pytest.mark.parametrize("state", sorted(STORED))
def test_its_sender_takes_it_back(
    withdraw: object, customer: Caller, engineer: Caller, system: System, state: UploadState
) -> None:
    assert callable(withdraw)
    upload = make_upload(system, customer.actor, state)
    assert quota_of(system, customer) == (upload.size, 1)
    assert withdraw(customer, upload).status_code in {204, 303}
    gone = only_upload(system)
    assert (gone.state, gone.reason) == (UploadState.DELETED, f"Withdrawn by {customer.account.email}.")
    assert stored(system) == set()
    assert quota_of(system, customer) == (0, 0)
    assert [deed.actor_label for deed in deeds(system, "upload.deleted")] == [customer.account.email]
    problem(engineer.get(f"/download/{upload.id}"), 409, "state_conflict")
    problem(withdraw(customer, upload), 409, "state_conflict")


@WAYS
def test_what_is_not_complete_is_cancelled(withdraw: object, customer: Caller, system: System) -> None:
    assert callable(withdraw)
    upload = make_upload(system, customer.actor, UploadState.RECEIVING)
    with system.adapters.storage.append(upload.storage_key, 0) as sink:
        sink.write(memoryview(b"first bytes"))
    assert withdraw(customer, upload).status_code in {204, 303}
    ended = only_upload(system)
    assert (ended.state, ended.reason) == (UploadState.ABANDONED, "Cancelled by the sender.")
    assert stored(system) == set()
    assert quota_of(system, customer) == (0, 0)


@WAYS
def test_nobody_else_does(
    withdraw: object, app: Flask, customer: Caller, stranger: Caller, engineer: Caller, system: System
) -> None:
    assert callable(withdraw)
    upload = make_upload(system, customer.actor, UploadState.CLEAN)
    colleague = Caller(app, system, organisation=customer.account.organisation)
    assert "Only whoever sent" in problem(withdraw(colleague, upload), 403, "forbidden")["detail"]
    if withdraw is by_page:  # by the API staff deletes, see test_delete
        problem(withdraw(engineer, upload), 403, "forbidden")
    problem(withdraw(stranger, upload), 404, "not_found")
    assert only_upload(system).state is UploadState.CLEAN
    assert stored(system) == {upload.storage_key}


@WAYS
def test_not_after_a_download(withdraw: object, customer: Caller, engineer: Caller, system: System) -> None:
    assert callable(withdraw)
    upload = make_upload(system, customer.actor, UploadState.CLEAN)
    engineer.ask("HEAD", f"/download/{upload.id}")
    assert only_upload(system).first_downloaded_at is None, "nothing left with the HEAD"
    engineer.get(f"/download/{upload.id}", headers={"Range": "bytes=0-0"})
    first = only_upload(system).first_downloaded_at
    assert first
    sentence = problem(withdraw(customer, upload), 409, "state_conflict")["detail"]
    assert sentence == (
        "This bundle was downloaded already, so it can no longer be withdrawn. Ask support to delete it."
    )
    assert stored(system) == {upload.storage_key}


@WAYS
def test_not_after_its_clean_part_was_taken(
    withdraw: object, customer: Caller, engineer: Caller, system: System
) -> None:
    assert callable(withdraw)
    upload = make_infected(system, customer.actor)
    assert engineer.get(f"/quarantine/{upload.id}/clean-members").status_code == 200
    problem(withdraw(customer, upload), 409, "state_conflict")


@WAYS
def test_not_while_it_is_released(
    withdraw: object, customer: Caller, engineer: Caller, system: System
) -> None:
    assert callable(withdraw)
    upload = make_upload(system, customer.actor, UploadState.UNSCANNABLE)
    with system.work(engineer.actor) as uow:
        quarantine.release(uow, upload.id, REASON)
    sentence = problem(withdraw(customer, upload), 409, "state_conflict")["detail"]
    assert "Ask support to delete it." in sentence
    with system.work(engineer.actor) as uow:
        quarantine.withdraw(uow, upload.id)
    assert withdraw(customer, upload).status_code in {204, 303}


def test_a_leave_from_before_is_worth_nothing(customer: Caller, engineer: Caller, system: System) -> None:
    """The download was allowed, and not yet noted, when the bundle was taken back."""
    upload = make_upload(system, customer.actor, UploadState.CLEAN)
    with system.work(engineer.actor) as uow:
        asked, leave = downloads.leave_for_all(uow, upload.id)
    by_api(customer, upload)
    with pytest.raises(StateConflictError), system.work(engineer.actor) as uow:
        downloads.note(uow, asked, leave, None)
    assert deeds(system, "upload.downloaded") == []


def test_the_page_asks_first(browser: Browser, customer: Caller, system: System) -> None:
    upload = make_upload(system, customer.actor, UploadState.CLEAN)
    browser.sign_in(customer.account.email)
    address = f"/files/{upload.id}/withdraw"
    assert f'href="{address}"' in browser.get(f"/files/{upload.id}").text
    assert "Withdraw this bundle?" in browser.get(address).text
    assert only_upload(system).state is UploadState.CLEAN, "a GET changes nothing"
    assert browser.ask("POST", address).status_code == 403, "without the page's token"
    answer = browser.post(address, follow_redirects=True)
    assert answer.request.path == f"/files/{upload.id}"
    assert f"Withdrawn by {customer.account.email}." in answer.text
    assert f'href="{address}"' not in answer.text
    assert "Receipt" in browser.get(f"/files/{upload.id}/receipt").text


@pytest.mark.parametrize("door", ["tus", "direct", "put"])
def test_the_page_of_an_unfinished_one_says_until_when(
    browser: Browser, customer: Caller, system: System, door: str
) -> None:
    browser.sign_in(customer.account.email)
    upload = make_upload(system, customer.actor, UploadState.RECEIVING)
    with system.work() as uow:
        uow.session.get_one(Upload, upload.id).door = door
    until = upload.active_at + timedelta(days=7) if door != "put" else None
    kept = f"is kept until {when(until)}"
    page = browser.get(f"/files/{upload.id}").text
    assert "Cancel this upload" in page
    assert (kept in page) is (until is not None), "nobody can go on with what came in one request"
    assert ("kept until" in page) is (until is not None)
    document = customer.get(f"/api/v1/uploads/{upload.id}").get_json()
    assert document["kept_until"] == (until.isoformat() if until else None)
    assert ("kept until" in browser.get("/").text) is (until is not None)
    assert "Cancel this upload?" in browser.get(f"/files/{upload.id}/withdraw").text
    answer = browser.post(f"/files/{upload.id}/withdraw", follow_redirects=True)
    assert "Cancelled by the sender." in answer.text


@pytest.mark.parametrize("who", ["colleague", "engineer"])
def test_nobody_else_is_offered_it(
    app: Flask, browser: Browser, customer: Caller, engineer: Caller, system: System, who: str
) -> None:
    upload = make_upload(system, customer.actor, UploadState.CLEAN)
    colleague = Caller(app, system, organisation=customer.account.organisation)
    browser.sign_in({"colleague": colleague, "engineer": engineer}[who].account.email)
    assert f"/files/{upload.id}/withdraw" not in browser.get(f"/files/{upload.id}").text
