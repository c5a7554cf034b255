"""Deleting bundles and taking the trail away need a person who proved lately who they are. ASVS 7.5.3."""

import pytest

from app.domain.lifecycle import UploadState
from app.system import System
from tests.factories.quarantine import REASON, get
from tests.factories.uploads import make_upload
from tests.web.callers import Browser, Caller
from tests.web.looks import deeds, problem
from tests.web.test_step_up import age, confirm, next_in


@pytest.mark.parametrize(
    ("place", "state"),
    [("files", UploadState.CLEAN), ("quarantine", UploadState.UNSCANNABLE)],
)
def test_a_bundle_is_deleted_after_a_fresh_sign_in_alone(
    browser: Browser, admin: Caller, customer: Caller, system: System, place: str, state: UploadState
) -> None:
    upload = make_upload(system, customer.actor, state)
    form = f"/{place}/{upload.id}/delete"
    browser.sign_in(admin.account.email)
    age(system)
    assert next_in(browser.get(form)) == form
    assert next_in(browser.post(form, {"reason": REASON})) == form
    problem(admin.ask("POST", form, data={"reason": REASON}), 403, "forbidden")
    assert get(system, upload).state is state
    confirm(browser, target=form)
    page = browser.get(form).text
    assert REASON in page, "what was typed waits there"
    assert browser.post(form, {"reason": REASON}).status_code == 303
    assert get(system, upload).state is UploadState.DELETED


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_the_trail_is_taken_away_after_a_fresh_sign_in_alone(
    browser: Browser, admin: Caller, system: System, kind: str
) -> None:
    path = f"/admin/audit.{kind}?action=session.begun"
    browser.sign_in(admin.account.email)
    age(system)
    assert next_in(browser.get(path)) == path
    problem(admin.get(path), 403, "forbidden")
    assert deeds(system, "audit.exported") == []
    assert confirm(browser, target=path).location == path
    assert browser.get(path).headers["Content-Disposition"].startswith("attachment")
    assert len(deeds(system, "audit.exported")) == 1
