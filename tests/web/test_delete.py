"""Deleting: admins only, bytes at once, the row stays and says so. T15."""

import pytest
from werkzeug.test import TestResponse

from app.domain.lifecycle import UploadState
from app.models import Upload
from app.system import System
from tests.factories.uploads import make_upload
from tests.web.callers import Browser, Caller
from tests.web.looks import deeds, only_upload, problem, stored


def by_page(who: Caller, upload: Upload) -> TestResponse:
    browser = Browser(who.client.application)
    browser.sign_in(who.account.email)
    return browser.post(f"/files/{upload.id}/delete", headers={"Accept": "application/json"})


def by_api(who: Caller, upload: Upload) -> TestResponse:
    return who.ask("DELETE", f"/api/v1/uploads/{upload.id}")


WAYS = pytest.mark.parametrize("delete", [by_page, by_api])


@WAYS
@pytest.mark.parametrize("state", [state for state in UploadState if state is not UploadState.DELETED])
def test_an_admin_deletes_in_any_state(
    delete: object, admin: Caller, customer: Caller, system: System, state: UploadState
) -> None:
    assert callable(delete)
    upload = make_upload(system, customer.actor, state)
    assert delete(admin, upload).status_code in {204, 303}
    gone = only_upload(system)
    assert (gone.state, gone.sha256) == (UploadState.DELETED, upload.sha256)
    assert gone.reason == "Deleted by support.", "who it was, the audit says"
    assert stored(system) == set()
    assert [deed.actor_label for deed in deeds(system, "upload.deleted")] == [admin.account.email]
    problem(customer.get(f"/download/{upload.id}"), 409, "state_conflict")


def test_nobody_else_deletes(customer: Caller, stranger: Caller, engineer: Caller, system: System) -> None:
    """Senders take back what is theirs; see test_withdraw."""
    upload = make_upload(system, customer.actor, UploadState.CLEAN)
    for who in (customer, stranger, engineer):
        problem(by_page(who, upload), 403, "forbidden")
    problem(by_api(stranger, upload), 404, "not_found")
    problem(by_api(engineer, upload), 403, "forbidden")
    assert only_upload(system).state is UploadState.CLEAN
    assert stored(system) == {upload.storage_key}


@WAYS
def test_what_is_deleted_stays_deleted(
    delete: object, admin: Caller, customer: Caller, system: System
) -> None:
    assert callable(delete)
    upload = make_upload(system, customer.actor, UploadState.DELETED)
    problem(delete(admin, upload), 409, "state_conflict")
    assert len(deeds(system, "upload.deleted")) == 1


def test_the_page_shows_the_tombstone(
    browser: Browser, admin: Caller, customer: Caller, system: System
) -> None:
    upload = make_upload(system, customer.actor, UploadState.CLEAN)
    browser.sign_in(admin.account.email)
    assert "Delete for good" in browser.get(f"/files/{upload.id}/delete").text
    answer = browser.post(f"/files/{upload.id}/delete", follow_redirects=True)
    assert answer.request.path == f"/files/{upload.id}"
    assert "Deleted by support." in answer.text
