"""What staff do with what is held back: who may, when, and what each act leaves behind. T3, T20."""

import html
from uuid import uuid4

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.domain.jobs import JobName
from app.domain.lifecycle import QUARANTINED, RESCANNABLE, UploadState
from app.models import Upload
from app.services.lifecycle import transition
from app.system import System
from tests.factories.quarantine import REASON, get, make_released
from tests.factories.uploads import make_upload
from tests.fakes import FakeQueue
from tests.web.callers import Browser, Caller
from tests.web.looks import deeds, problem, stored

JSON = {"Accept": "application/json"}
ACTS = ("release", "withdraw", "rescan", "delete")


@pytest.fixture
def page(browser: Browser, engineer: Caller) -> Browser:
    browser.sign_in(engineer.account.email)
    return browser


@pytest.fixture
def held(customer: Caller, system: System) -> Upload:
    return make_upload(system, customer.actor, UploadState.UNSCANNABLE)


def post(page: Browser, act: str, upload: Upload, **data: str) -> TestResponse:
    return page.post(f"/quarantine/{upload.id}/{act}", data)


def test_a_release_is_written_down_and_staff_can_download(
    page: Browser, engineer: Caller, admin: Caller, customer: Caller, system: System, held: Upload
) -> None:
    answer = post(page, "release", held, reason=f"  {REASON}\n")
    assert (answer.status_code, answer.location) == (303, f"/files/{held.id}")
    now = get(system, held)
    assert now.state is UploadState.UNSCANNABLE
    assert now.released_at
    assert (now.released_by, now.release_reason) == (engineer.account.email, REASON)
    [deed] = deeds(system, "upload.released")
    assert (deed.actor_label, deed.upload_id, deed.detail["why"]) == (engineer.account.email, held.id, REASON)
    for who in (engineer, admin):
        assert who.get(f"/download/{held.id}").status_code == 200
    problem(customer.get(f"/download/{held.id}"), 409, "state_conflict")


def test_a_release_can_be_taken_back(
    page: Browser, engineer: Caller, customer: Caller, system: System
) -> None:
    upload = make_released(system, customer.actor)
    assert post(page, "withdraw", upload).status_code == 303
    now = get(system, upload)
    assert (now.state, now.released_at, now.released_by, now.release_reason) == (
        UploadState.UNSCANNABLE,
        None,
        None,
        None,
    )
    assert [deed.actor_label for deed in deeds(system, "upload.release_withdrawn")] == [
        engineer.account.email
    ]
    problem(engineer.get(f"/download/{upload.id}"), 409, "state_conflict")
    assert post(page, "withdraw", upload).status_code == 409


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("", 422),
        ("nine char", 422),
        ("  ten char  ", 422),
        ("\x00" * 10, 422),
        ("ten chars!", 303),
        ("\u00e4" * 1000, 303),
        ("x" * 1001, 422),
    ],
)
@pytest.mark.parametrize("act", ["release", "delete"])
def test_the_reason_has_ten_to_a_thousand_characters(
    page: Browser, system: System, held: Upload, act: str, reason: str, status: int
) -> None:
    answer = post(page, act, held, reason=reason)
    assert answer.status_code == status, answer.text
    now = get(system, held)
    assert (now.state is UploadState.DELETED or now.released_at is not None) is (status == 303)
    if status == 422:
        assert "Write the reason in 10 to 1,000 characters." in answer.text
        assert html.escape(reason.strip().replace("\x00", "")) in answer.text, "what was typed is lost"


NEVER = {
    UploadState.INFECTED: "A virus was found in this bundle. It can never be released.",
    UploadState.INTEGRITY_FAILED: "The stored bytes are not what was received. Nobody can release them.",
}


@pytest.mark.parametrize("state", [state for state in UploadState if state is not UploadState.UNSCANNABLE])
def test_nothing_else_is_ever_released(
    page: Browser, customer: Caller, system: System, state: UploadState
) -> None:
    upload = make_upload(system, customer.actor, state)
    for answer in (
        page.get(f"/quarantine/{upload.id}/release"),
        post(page, "release", upload, reason=REASON),
    ):
        assert answer.status_code == 409
        assert NEVER.get(state, "Only a bundle that needs review can be released.") in answer.text
    now = get(system, upload)
    assert (now.state, now.released_at) == (state, None)
    assert deeds(system, "upload.released") == []


def test_it_is_released_once(page: Browser, customer: Caller, system: System) -> None:
    upload = make_released(system, customer.actor)
    answer = post(page, "release", upload, reason="Another reason altogether.")
    assert answer.status_code == 409
    assert "This bundle was released already." in answer.text
    assert get(system, upload).release_reason == REASON


@pytest.mark.parametrize("verdict", [UploadState.INFECTED, UploadState.CLEAN, UploadState.INTEGRITY_FAILED])
def test_a_later_verdict_ends_the_release(customer: Caller, system: System, verdict: UploadState) -> None:
    """T20: what turns out to be a virus is out of reach at once."""
    upload = make_released(system, customer.actor)
    with system.work() as uow:
        transition(uow, upload.id, verdict)
    now = get(system, upload)
    assert (now.released_at, now.released_by, now.release_reason) == (None, None, None)


@pytest.mark.parametrize("state", UploadState)
def test_what_has_a_verdict_can_be_checked_again(
    engineer: Caller, customer: Caller, system: System, queue: FakeQueue, state: UploadState
) -> None:
    """By a token, too: it changes no verdict by itself."""
    upload = make_upload(system, customer.actor, state)
    answer = engineer.ask("POST", f"/quarantine/{upload.id}/rescan", headers=JSON)
    now = get(system, upload)
    assert now.state is state
    if state in RESCANNABLE:
        assert answer.status_code == 200
        assert answer.get_json()["rescan_asked_at"] == now.rescan_asked_at.isoformat()  # type: ignore[union-attr]
        assert [deed.actor_label for deed in deeds(system, "upload.rescan_asked")] == [engineer.account.email]
        assert (JobName.RESCAN_UPLOAD, str(upload.id)) in queue.rung
    else:
        problem(answer, 409, "state_conflict")
        assert now.rescan_asked_at is None


@pytest.mark.parametrize("state", [state for state in UploadState if state is not UploadState.DELETED])
def test_an_engineer_deletes_what_is_held_and_says_why(
    page: Browser, engineer: Caller, customer: Caller, system: System, state: UploadState
) -> None:
    upload = make_upload(system, customer.actor, state)
    before = stored(system)
    form = page.get(f"/quarantine/{upload.id}/delete")
    answer = post(page, "delete", upload, reason=REASON)
    now = get(system, upload)
    if state in QUARANTINED:
        assert (form.status_code, answer.status_code) == (200, 303)
        assert (now.state, now.reason) == (UploadState.DELETED, f"Deleted by support: {REASON}")
        assert stored(system) == set()
        assert [deed.detail["reason"] for deed in deeds(system, "upload.deleted")] == [now.reason]
        assert REASON in customer.get(f"/files/{upload.id}", headers={"Accept": "text/html"}).text
    else:
        assert (form.status_code, answer.status_code) == (409, 409)
        assert "This bundle is not in quarantine." in answer.text
        assert (now.state, stored(system)) == (state, before)


def test_deleting_ends_a_release(page: Browser, customer: Caller, system: System) -> None:
    upload = make_released(system, customer.actor)
    assert post(page, "delete", upload, reason=REASON).status_code == 303
    assert get(system, upload).released_at is None


@pytest.mark.parametrize("act", ACTS)
def test_what_does_not_exist_is_not_there(page: Browser, act: str) -> None:
    assert page.post(f"/quarantine/{uuid4()}/{act}", {"reason": REASON}).status_code == 404


@pytest.mark.parametrize("act", ACTS)
def test_customers_do_none_of_it(
    app: Flask, customer: Caller, system: System, held: Upload, act: str
) -> None:
    """T3: not even with their own."""
    browser = Browser(app)
    browser.sign_in(customer.account.email)
    assert post(browser, act, held, reason=REASON).status_code == 403
    now = get(system, held)
    assert (now.state, now.released_at, now.rescan_asked_at) == (held.state, None, None)


def test_scripts_get_problems_and_documents_and_tokens_delete_nothing(
    page: Browser, engineer: Caller, held: Upload
) -> None:
    path = f"/quarantine/{held.id}/delete"
    problem(engineer.ask("POST", path, data={"reason": REASON}), 403, "forbidden")
    problem(page.post(path, {"reason": "short"}, headers=JSON), 422, "invalid_input")
    assert page.post(path, {"reason": REASON}, headers=JSON).get_json()["state"] == "deleted"


def test_why_it_was_released_stays_among_staff(
    app: Flask, engineer: Caller, admin: Caller, customer: Caller, system: System
) -> None:
    upload = make_released(system, customer.actor)
    for who, reads in ((engineer, True), (admin, True), (customer, False)):
        browser = Browser(app)
        browser.sign_in(who.account.email)
        for path in (f"/files/{upload.id}", f"/files/{upload.id}/receipt"):
            text = browser.get(path).text
            assert "Released" in text
            assert (REASON in text) is (reads and not path.endswith("receipt"))
        assert who.get(f"/api/v1/uploads/{upload.id}").get_json()["released"] == {
            "at": upload.released_at.isoformat() if upload.released_at else None,
            "by": upload.released_by if reads else None,
            "reason": REASON if reads else None,
        }
