"""What pages say of how long a bundle is kept, before the dates in its row are written anew as well."""

from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import update

from app.domain.lifecycle import UploadState
from app.domain.policy import Role
from app.domain.retention import RetentionSince
from app.models import Account, Case, Upload
from app.services import cases, holding
from app.system import System
from tests.factories.keeping import WHY, admin, case_of, set_case_policy, set_policy, write_dates
from tests.factories.uploads import make_upload
from tests.web.callers import Browser, Caller
from tests.web.looks import only_upload

AFTER_CLOSING = "It is kept until 7 days after its case is closed, and then deleted."
NEVER = "It is kept until somebody deletes it."


@pytest.fixture
def upload(system: System, customer: Caller) -> Upload:
    return make_upload(system, customer.actor, UploadState.CLEAN, case="CS-1")


@pytest.fixture
def case(system: System, upload: Upload) -> Case:
    with system.work() as uow:
        return case_of(uow, "CS-1")


def browser_of(app: Flask, person: Caller) -> Browser:
    browser = Browser(app)
    browser.sign_in(person.account.email)
    return browser


@pytest.fixture
def readers(app: Flask, customer: Caller, engineer: Caller) -> list[Browser]:
    return [browser_of(app, customer), browser_of(app, engineer)]


def hold_case(system: System, case: Case) -> None:
    """Hold a case; the dates of its bundles are not written anew yet."""
    with system.work(admin(system)) as uow:
        holding.hold_case(uow, case.id, WHY)


def test_a_rule_that_waits_for_the_end_of_a_case_is_said_so(
    readers: list[Browser], system: System, upload: Upload, case: Case
) -> None:
    """And nobody reads that the bundle stays for ever."""
    for reader in readers:
        assert NEVER in reader.get(f"/files/{upload.id}").text
    set_case_policy(system, case.id, 7, RetentionSince.CLOSED)
    for reader in readers:
        for page in (f"/files/{upload.id}", f"/files/{upload.id}/receipt"):
            shown = reader.get(page).text
            assert AFTER_CLOSING in shown
            assert NEVER not in shown
    assert "until 7 days after its case is closed" in readers[1].get(f"/files/{upload.id}/keep").text
    page = readers[1].get(f"/cases/{case.id}").text
    assert "are then deleted after 7 days." in page
    assert "Everything else stays" not in page
    with system.work(admin(system)) as uow:
        ends = cases.close(uow, case.id).closed_at
    assert ends
    stamp = (ends + timedelta(days=7)).isoformat(timespec="seconds")
    assert only_upload(system).expires_at is None, "the date is not written yet"
    for reader in readers:
        assert stamp in reader.get(f"/files/{upload.id}").text
        assert reader.get(f"/cases/{case.id}").text.count(stamp) == 2


def test_a_case_that_nothing_is_counted_from_says_nothing_of_it(
    readers: list[Browser], system: System, upload: Upload, case: Case
) -> None:
    set_policy(system, upload.organisation_id, 30)
    page = readers[1].get(f"/cases/{case.id}").text
    assert "Everything else stays as it is." in page
    assert "kept for 30 days after each arrived" in page


def test_a_hold_on_a_case_is_seen_at_once_and_everywhere(
    app: Flask,
    readers: list[Browser],
    engineer: Caller,
    customer: Caller,
    system: System,
    upload: Upload,
    case: Case,
) -> None:
    """T15: with the old date still in the bundle's row, and once that has gone."""
    set_policy(system, upload.organisation_id, 30)
    hold_case(system, case)
    for dates in ("old", "new"):
        theirs, staffs = readers
        for page in (
            "/",
            "/files",
            f"/files/{upload.id}",
            f"/files/{upload.id}/receipt",
            f"/cases/{case.id}",
        ):
            shown = theirs.get(page).text
            assert "kept until <time" not in shown, (dates, page)
            assert "legal" not in shown.lower()
        for page in ("/files", f"/files/{upload.id}", f"/cases/{case.id}"):
            assert "on legal hold" in staffs.get(page).text.lower(), (dates, page)
        for document in (
            engineer.get(f"/api/v1/uploads/{upload.id}").get_json(),
            engineer.get("/api/v1/uploads").get_json()["items"][0],
            engineer.get("/files", headers={"Accept": "application/json"}).get_json()["items"][0],
        ):
            assert (document["held"]["case"], document["held"]["reason"]) == (True, WHY)
        assert customer.get(f"/api/v1/uploads/{upload.id}").get_json()["held"] is None
        write_dates(system)
    assert only_upload(system).expires_at is None


def test_what_is_held_is_refused_before_anybody_types_a_reason(
    app: Flask, readers: list[Browser], system: System, upload: Upload, case: Case
) -> None:
    """And the way back is to the bundle."""
    hold_case(system, case)
    theirs, staffs = readers
    for reader, act, sentence in (
        (theirs, "withdraw", "This bundle has to be kept for now, so it cannot be withdrawn."),
        (staffs, "delete", "Its case is on legal hold, so the bundle cannot be deleted"),
    ):
        page = reader.get(f"/files/{upload.id}/{act}")
        assert page.status_code == 409
        assert sentence in page.text
        assert f'href="/files/{upload.id}">Back to the bundle' in page.text
    boss = browser_of(app, Caller(app, system, Role.ADMIN))
    again = boss.post(f"/cases/{case.id}/hold", {"reason": WHY})
    assert again.status_code == 409
    assert f'href="/cases/{case.id}">Back to the case' in again.text


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_the_end_of_a_day_is_called_by_that_day(
    readers: list[Browser], engineer: Caller, system: System, upload: Upload, zone: str
) -> None:
    """In the history too, where its customer reads who did it, and no more."""
    with system.work() as uow:
        uow.session.execute(update(Account).values(time_zone=zone))
        uow.session.expire_all()
    set_policy(system, upload.organisation_id, 30)
    year = date.today().year + 1  # noqa: DTZ011  # any year to come
    theirs, staffs = readers
    posted = staffs.post(f"/files/{upload.id}/keep", {"until": f"{year}-03-01", "reason": WHY})
    assert posted.status_code == 303
    for reader in readers:
        shown = " ".join(reader.get(f"/files/{upload.id}").text.split())
        assert "the end of <time" in shown
        assert f">1 Mar {year}</time>. Then it is deleted." in shown
        assert "Kept until the end of <time" in shown
        assert "→" not in shown
        assert f"2 Mar {year}" not in shown
        assert "kept until <time" in reader.get("/files").text
        assert f">1 Mar {year}</time>" in reader.get("/files").text
    assert WHY not in theirs.get(f"/files/{upload.id}").text
    assert staffs.post(f"/files/{upload.id}/keep", {"until": "", "reason": WHY}).status_code == 303
    assert "Kept no longer than was agreed" in theirs.get(f"/files/{upload.id}").text


def test_a_shorter_rule_says_what_becomes_of_it(app: Flask, system: System, upload: Upload) -> None:
    with system.work() as uow:
        old = {
            "created_at": Upload.created_at - timedelta(days=9),
            "sealed_at": Upload.sealed_at - timedelta(days=9),
        }
        uow.session.execute(update(Upload).values(old))
    boss = browser_of(app, Caller(app, system, Role.ADMIN))
    address = f"/admin/organisations/{upload.organisation_id}"
    typed = {"name": "Acme", "retention_since": "received"}
    for days, said in (("30", False), ("5", True)):
        saved = boss.post(address, typed | {"retention_days": days})
        shown = boss.get(saved.location).text
        assert "Saved." in shown
        assert ("1 bundle has its day behind it" in shown) is said
        assert ("sooner than 12 hours after that was announced" in shown) is said
