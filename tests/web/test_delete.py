"""Deleting: by staff, for a reason; bytes and names at once, the row stays and says so. T15."""

import pytest
from werkzeug.test import TestResponse

from app.domain.lifecycle import UploadState
from app.models import Upload
from app.system import System
from tests.factories.keeping import WHY
from tests.factories.uploads import make_upload
from tests.web.callers import Browser, Caller
from tests.web.looks import deeds, only_upload, problem, stored, uploads


def by_page(who: Caller, upload: Upload) -> TestResponse:
    browser = Browser(who.client.application)
    browser.sign_in(who.account.email)
    headers = {"Accept": "application/json"}
    return browser.post(f"/files/{upload.id}/delete", {"reason": WHY}, headers=headers)


def by_api(who: Caller, upload: Upload) -> TestResponse:
    return who.ask("DELETE", f"/api/v1/uploads/{upload.id}", json={"reason": WHY})


WAYS = pytest.mark.parametrize("delete", [by_page, by_api])


@WAYS
@pytest.mark.parametrize("state", [state for state in UploadState if state is not UploadState.DELETED])
def test_staff_deletes_in_any_state(
    delete: object, engineer: Caller, customer: Caller, system: System, state: UploadState
) -> None:
    assert callable(delete)
    upload = make_upload(system, customer.actor, state)
    assert delete(engineer, upload).status_code in {204, 303}
    gone = only_upload(system)
    assert (gone.state, gone.sha256) == (UploadState.DELETED, upload.sha256)
    assert gone.reason == f"Deleted by support: {WHY}", "who it was, the audit says"
    assert stored(system) == set()
    assert [deed.actor_label for deed in deeds(system, "upload.deleted")] == [engineer.account.email]
    problem(customer.get(f"/download/{upload.id}"), 409, "state_conflict")


def test_nobody_else_deletes(customer: Caller, stranger: Caller, system: System) -> None:
    """Senders take back what is theirs; see test_withdraw."""
    upload = make_upload(system, customer.actor, UploadState.CLEAN)
    for who in (customer, stranger):
        problem(by_page(who, upload), 403, "forbidden")
    problem(by_api(stranger, upload), 404, "not_found")
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


def test_the_page_asks_why(browser: Browser, admin: Caller, customer: Caller, system: System) -> None:
    upload = make_upload(system, customer.actor, UploadState.CLEAN)
    browser.sign_in(admin.account.email)
    form = f"/files/{upload.id}/delete"
    assert "Delete for good" in browser.get(form).text
    refused = browser.post(form, {"reason": "short"})
    assert refused.status_code == 422
    assert "Write the reason in 10 to 1,000 characters." in refused.text
    assert only_upload(system).state is UploadState.CLEAN


def test_a_program_need_not_say_why(admin: Caller, customer: Caller, system: System) -> None:
    address = "/api/v1/uploads/{}"
    first, second = (make_upload(system, customer.actor, UploadState.CLEAN) for _ in range(2))
    problem(admin.ask("DELETE", address.format(first.id) + "?reason=short"), 422, "invalid_input")
    assert admin.ask("DELETE", address.format(first.id)).status_code == 204
    assert admin.ask("DELETE", address.format(second.id) + f"?reason={WHY}").status_code == 204
    reasons = {upload.reason for upload in uploads(system)}
    assert reasons == {"Deleted by support.", f"Deleted by support: {WHY}"}
