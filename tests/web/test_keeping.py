"""The pages about how long bundles are kept: longer, on hold, of a case, of an organisation."""

from datetime import timedelta

import pytest
from flask import Flask

from app.domain.lifecycle import UploadState
from app.domain.policy import Role
from app.models import Case, Organisation, Upload
from app.system import System
from tests.factories.keeping import WHY, case_of, set_policy, write_dates
from tests.factories.uploads import make_upload
from tests.web.callers import Browser, Caller
from tests.web.looks import deeds, only_upload, problem, stored


@pytest.fixture
def upload(system: System, customer: Caller) -> Upload:
    """Give a ready bundle of a case, kept for 30 days."""
    set_policy(system, customer.account.organisation_id, 30)
    return make_upload(system, customer.actor, UploadState.CLEAN, case="CS-1")


@pytest.fixture
def case(system: System, upload: Upload) -> Case:
    with system.work() as uow:
        return case_of(uow, "CS-1")


@pytest.fixture
def engineers(app: Flask, engineer: Caller) -> Browser:
    browser = Browser(app)
    browser.sign_in(engineer.account.email)
    return browser


@pytest.fixture
def customers(app: Flask, customer: Caller) -> Browser:
    browser = Browser(app)
    browser.sign_in(customer.account.email)
    return browser


def test_every_page_says_until_when(
    customers: Browser, engineers: Browser, customer: Caller, upload: Upload, case: Case
) -> None:
    assert upload.expires_at
    stamp = upload.expires_at.isoformat(timespec="seconds")
    for page in (f"/files/{upload.id}", f"/files/{upload.id}/receipt", "/files", f"/cases/{case.id}", "/"):
        assert stamp in customers.get(page).text, page
    assert stamp in engineers.get(f"/files/{upload.id}").text
    document = customer.get(f"/api/v1/uploads/{upload.id}").get_json()
    assert (document["expires_at"], document["held"]) == (upload.expires_at.isoformat(), None)
    receipt = customer.get(f"/api/v1/uploads/{upload.id}/receipt").get_json()
    assert receipt["expires_at"] == upload.expires_at.isoformat()


def test_an_engineer_keeps_it_longer(
    engineers: Browser, customers: Browser, system: System, upload: Upload
) -> None:
    address = f"/files/{upload.id}/keep"
    assert f'href="{address}"' in engineers.get(f"/files/{upload.id}").text
    assert f'href="{address}"' not in customers.get(f"/files/{upload.id}").text
    assert "Keep this bundle longer?" in engineers.get(address).text
    day = (upload.created_at + timedelta(days=90)).date()
    for typed, sentence in (
        ({"until": "2001-01-01", "reason": WHY}, "Choose a day after today"),
        ({"until": "soon", "reason": WHY}, "Write the day as in"),
        ({"until": day.isoformat(), "reason": "short"}, "Write the reason in"),
    ):
        refused = engineers.post(address, typed)
        assert refused.status_code == 422
        assert sentence in refused.text
    assert engineers.post(address, {"until": day.isoformat(), "reason": WHY}).status_code == 303
    kept = only_upload(system)
    assert kept.kept_until
    assert kept.expires_at == kept.kept_until
    assert kept.kept_until.date() == day + timedelta(days=1), "to the end of that day"
    assert f'value="{day}"' in engineers.get(address).text
    assert WHY not in customers.get(f"/files/{upload.id}").text
    assert WHY in engineers.get(f"/files/{upload.id}").text
    assert engineers.post(address, {"until": "", "reason": WHY}).status_code == 303
    assert only_upload(system).expires_at == upload.expires_at


def test_a_hold_is_put_on_and_taken_off(
    admin_browser: Browser,
    customers: Browser,
    customer: Caller,
    admin: Caller,
    system: System,
    upload: Upload,
) -> None:
    """T15: and meanwhile neither its sender nor staff deletes it."""
    address, page = f"/files/{upload.id}/hold", f"/files/{upload.id}"
    assert "legal hold?" in admin_browser.get(address).text
    assert admin_browser.post(address, {"reason": "short"}).status_code == 422
    assert admin_browser.post(address, {"reason": WHY}).status_code == 303
    assert admin_browser.post(address, {"reason": WHY}).status_code == 409
    shown = admin_browser.get(page).text
    assert "On legal hold" in shown
    assert WHY in shown
    assert f'href="{page}/delete"' not in shown
    seen = customers.get(page).text
    assert "Further notice" in seen
    assert "legal" not in seen.lower()
    assert WHY not in seen
    assert f'href="{page}/withdraw"' not in seen
    sentence = problem(customer.ask("DELETE", f"/api/v1/uploads/{upload.id}"), 409, "held")["detail"]
    assert sentence == "This bundle has to be kept for now, so it cannot be withdrawn. Ask support."
    sentence = problem(admin.ask("DELETE", f"/api/v1/uploads/{upload.id}"), 409, "held")["detail"]
    assert "on legal hold" in sentence
    assert admin_browser.post(f"{page}/delete", {"reason": WHY}).status_code == 409
    assert stored(system) == {upload.storage_key}
    held = admin.get(f"/api/v1/uploads/{upload.id}").get_json()["held"]
    assert (held["by"], held["reason"]) == (admin.account.email, WHY)
    assert customer.get(f"/api/v1/uploads/{upload.id}").get_json()["held"] is None
    assert "Take the legal hold off?" in admin_browser.get(f"{address}/end").text
    assert admin_browser.post(f"{address}/end", {"reason": WHY}).status_code == 303
    assert only_upload(system).expires_at == upload.expires_at
    assert customer.ask("DELETE", f"/api/v1/uploads/{upload.id}").status_code == 204
    assert [len(deeds(system, action)) for action in ("upload.held", "upload.hold_ended")] == [1, 1]


def test_a_case_is_held_with_all_of_it(
    admin_browser: Browser, customers: Browser, admin: Caller, system: System, upload: Upload, case: Case
) -> None:
    address = f"/cases/{case.id}/hold"
    assert "Put this case on legal hold?" in admin_browser.get(address).text
    assert admin_browser.post(address, {"reason": WHY}).status_code == 303
    assert "On legal hold" in admin_browser.get(f"/cases/{case.id}").text
    assert "kept until further notice" in customers.get(f"/cases/{case.id}").text
    assert "Further notice" in customers.get(f"/files/{upload.id}").text
    refused = problem(admin.ask("DELETE", f"/api/v1/uploads/{upload.id}"), 409, "held")
    assert refused["detail"].startswith("Its case is on legal hold")
    moved = customers.post(f"/files/{upload.id}/case", {"case": "CS-2"})
    assert moved.status_code == 409
    assert "has to be kept for now" in moved.text
    assert admin_browser.post(f"{address}/end", {"reason": WHY}).status_code == 303
    assert admin.get(f"/api/v1/cases/{case.id}").get_json()["held"] is None


def test_a_case_has_its_own_time(engineers: Browser, engineer: Caller, system: System, case: Case) -> None:
    address = f"/cases/{case.id}/retention"
    assert "kept for 30 days" in engineers.get(address).text
    refused = engineers.post(address, {"days": "0", "since": "received"})
    assert refused.status_code == 422
    assert "1 to 36,500, or nothing to keep them as long as the organisation" in refused.text
    assert engineers.post(address, {"days": "9", "since": "never"}).status_code == 422
    assert engineers.post(address, {"days": "9", "since": "closed"}).status_code == 303
    document = engineer.get(f"/api/v1/cases/{case.id}").get_json()
    assert document["retention"] == {"days": 9, "since": "closed"}
    write_dates(system)
    assert only_upload(system).expires_at is None
    assert "kept for 9 days after the case is closed" in engineers.get(f"/cases/{case.id}").text
    assert engineers.post(address, {"days": "", "since": "received"}).status_code == 303
    (first, second) = deeds(system, "case.retention_set")
    assert (first.detail["after"], second.detail["after"]) == ("9 days since closed", "no policy")


def test_an_organisation_says_what_its_days_are_counted_from(
    admin_browser: Browser, system: System, upload: Upload
) -> None:
    address = f"/admin/organisations/{upload.organisation_id}"
    assert 'name="retention_since"' in admin_browser.get(address).text
    typed = {"name": "Acme", "retention_days": "5", "retention_since": "downloaded"}
    assert admin_browser.post(address, typed).status_code == 303
    with system.work() as uow:
        uow.session.expire_all()
        home = uow.session.get_one(Organisation, upload.organisation_id)
        assert (home.retention_days, home.retention_since) == (5, "downloaded")
        assert home.retention_changed_at
    write_dates(system)
    assert only_upload(system).expires_at == upload.created_at + timedelta(days=5)


@pytest.mark.parametrize("path", ["keep", "hold", "hold/end", "delete"])
def test_nobody_of_elsewhere_learns_of_it(
    app: Flask, system: System, engineers: Browser, upload: Upload, path: str
) -> None:
    elsewhere = Browser(app)
    elsewhere.sign_in(Caller(app, system).account.email)
    assert elsewhere.get(f"/files/{upload.id}/{path}").status_code == 403
    assert elsewhere.get(f"/files/{upload.id}").status_code == 404
    if path.startswith("hold"):
        assert engineers.get(f"/files/{upload.id}/{path}").status_code == 403, "for admins"
    nothing = "00000000-0000-4000-8000-000000000000"
    boss = Browser(app)
    boss.sign_in(Caller(app, system, Role.ADMIN).account.email)
    assert boss.get(f"/files/{nothing}/{path}").status_code == 404
    assert boss.post(f"/files/{nothing}/{path}", {"reason": WHY}).status_code == 404
