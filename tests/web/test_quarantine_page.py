"""The page of a scanned or held bundle: what the verdict rests on, and what can be done now. T20."""

import re
from datetime import UTC, datetime

import html5lib
import pytest
from flask import Flask

from app.domain.lifecycle import UploadState
from app.domain.verdict import Obstacle
from app.models import Scan, Upload
from app.services.scanning import rescans
from app.system import System
from tests.factories.quarantine import REASON, get, make_infected, make_released
from tests.factories.uploads import make_upload
from tests.web.callers import Browser, Caller
from tests.web.looks import deeds


@pytest.fixture
def staff(app: Flask, engineer: Caller) -> Browser:
    browser = Browser(app)
    browser.sign_in(engineer.account.email)
    return browser


@pytest.fixture
def sender(app: Flask, customer: Caller) -> Browser:
    browser = Browser(app)
    browser.sign_in(customer.account.email)
    return browser


def words(page: str) -> str:
    """Return what somebody reads on the page, with single spaces."""
    body = html5lib.parse(page, namespaceHTMLElements=False).find("body")
    return re.sub(r"\s+", " ", "".join(body.itertext()))


def read(browser: Browser, upload: Upload) -> str:
    return words(browser.get(f"/files/{upload.id}").text)


def scanned(system: System, upload: Upload, **values: object) -> None:
    """Write other numbers into the row of the scan."""
    with system.work() as uow:
        scan = uow.session.get_one(Scan, upload.id)
        for name, value in values.items():
            setattr(scan, name, value)


def test_it_says_what_the_verdict_rests_on(
    staff: Browser, sender: Browser, customer: Caller, system: System
) -> None:
    upload = make_upload(system, customer.actor, UploadState.CLEAN)
    scanned(
        system,
        upload,
        members_total=5014,
        members_scanned=5014,
        bytes_expanded=3_100_000_000,
        bytes_scanned=3_100_000_000,
        engine="ClamAV 1.4.6",
        signatures="27450",
        signatures_at=datetime(2026, 11, 20, 8, 26, tzinfo=UTC),
        seconds=83.249,
    )
    for browser in (staff, sender):
        text = read(browser, upload)
        assert "5,014 of 5,014 members, 3.1 GB of 3.1 GB" in text
        assert "ClamAV 1.4.6, signatures 27450 of 20 Nov 2026, 08:26 UTC" in text
        assert "83.2 s" in text
        assert "too large for the scanner" not in text
        assert "Without a verdict" not in text


@pytest.mark.parametrize(
    ("windowed", "sentence"), [(1, "1 of them was too large"), (2, "2 of them were too large")]
)
def test_it_says_what_was_looked_at_in_pieces(
    sender: Browser, customer: Caller, system: System, windowed: int, sentence: str
) -> None:
    upload = make_upload(system, customer.actor, UploadState.CLEAN)
    scanned(system, upload, windowed=windowed)
    text = read(sender, upload)
    assert f"{sentence} for the scanner to take at once." in text
    assert "It looked at every byte in overlapping pieces, and never at the whole." in text


def test_it_says_what_has_no_verdict(sender: Browser, customer: Caller, system: System) -> None:
    upload = make_upload(system, customer.actor, UploadState.UNSCANNABLE)
    scanned(system, upload, bytes_expanded=5000, bytes_scanned=3000)
    assert "3.0 kB of 5.0 kB Without a verdict: 2.0 kB." in read(sender, upload)


@pytest.mark.parametrize("obstacle", Obstacle)
def test_every_obstacle_has_words(
    staff: Browser, sender: Browser, customer: Caller, system: System, obstacle: Obstacle
) -> None:
    upload = make_upload(system, customer.actor, UploadState.UNSCANNABLE)
    with system.work() as uow:
        uow.session.merge(upload).obstacle = obstacle
    texts = [read(browser, upload) for browser in (staff, sender)]
    texts.append(words(staff.get("/quarantine").text))
    label = re.search(r"Why not ([A-Z][a-z, ]+[a-z]) Looked at", texts[0])
    assert label
    assert all(label[1] in text for text in texts)
    assert customer.get(f"/api/v1/uploads/{upload.id}").get_json()["reason_code"] == obstacle.value


def test_what_the_scanner_stopped_over_has_a_page_too(
    staff: Browser, customer: Caller, system: System
) -> None:
    """It has no scan, for none came to an end."""
    upload = make_upload(system, customer.actor, UploadState.UNSCANNABLE)
    with system.work() as uow:
        uow.session.delete(uow.session.get_one(Scan, upload.id))
        uow.session.merge(upload).obstacle = Obstacle.SCANNER_CRASH
    assert "The scanner stopped over it" in read(staff, upload)
    assert staff.get("/quarantine").status_code == 200


def test_after_a_release_staff_can_download_and_take_it_back(
    staff: Browser, sender: Browser, customer: Caller, system: System
) -> None:
    upload = make_released(system, customer.actor)
    page = staff.get(f"/files/{upload.id}").text
    assert f'href="/download/{upload.id}"' in page
    assert f"Released by {upload.released_by} On" in words(page)
    assert f"because: {REASON}" in words(page)
    assert "Take the release back" in page
    theirs = sender.get(f"/files/{upload.id}").text
    assert f'href="/download/{upload.id}"' not in theirs
    assert "Our engineers work with it all the same." in theirs
    staff.post(f"/quarantine/{upload.id}/withdraw")
    text = read(staff, upload)
    assert "Release taken back" in text
    assert "Take the release back" not in text


@pytest.mark.parametrize("state", [UploadState.CLEAN, UploadState.INFECTED, UploadState.UNSCANNABLE])
def test_while_it_is_checked_again_the_page_says_so_and_renews_itself(
    staff: Browser, sender: Browser, engineer: Caller, customer: Caller, system: System, state: UploadState
) -> None:
    upload = make_upload(system, customer.actor, state)
    for browser in (staff, sender):
        page = browser.get(f"/files/{upload.id}").text
        assert "being checked again" not in page
        assert ('form="rescan"' in page) is (browser is staff)
    answer = staff.post(f"/quarantine/{upload.id}/rescan", follow_redirects=True)
    assert answer.request.path == f"/files/{upload.id}"
    for browser in (staff, sender):
        page = browser.get(f"/files/{upload.id}").text
        assert "being checked again" in page
        assert "hx-get" in page
        assert 'http-equiv="refresh"' in page
        assert 'form="rescan"' not in page
    assert len(deeds(system, "upload.rescan_asked")) == 1


def test_what_renews_itself_holds_no_token(
    staff: Browser, engineer: Caller, customer: Caller, system: System
) -> None:
    """Otherwise it were another one every two seconds, and whatever has the focus would lose it."""
    upload = make_released(system, customer.actor)
    with system.work(engineer.actor) as uow:
        rescans.ask(uow, upload.id)
    fragment = staff.get(f"/files/{upload.id}", headers={"HX-Request": "true"}).text
    assert "Take the release back" in fragment
    assert "csrf_token" not in fragment


def test_all_but_the_infected_is_offered_only_if_it_is_proven(
    staff: Browser, customer: Caller, system: System
) -> None:
    upload = make_infected(system, customer.actor)
    link = f'href="/quarantine/{upload.id}/clean-members"'
    assert link in staff.get(f"/files/{upload.id}").text
    scanned(system, upload, complete=False)
    page = staff.get(f"/files/{upload.id}").text
    assert link not in page
    assert "nobody knows which files are clean" in page


def test_many_findings_fold(staff: Browser, customer: Caller, system: System) -> None:
    upload = make_infected(system, customer.actor)
    found = [
        {"member": f"{number}.log", "signature": "Win.Test.A", "entry": number} for number in range(1000)
    ]
    scanned(system, upload, findings=found)
    page = staff.get(f"/files/{upload.id}").text
    assert "<summary>980 more</summary>" in page
    assert all(f">{number}.log<" in page for number in range(1000))
    assert "Win.<wbr>Test.<wbr>A" in page, "a name breaks after its dots, not within words"
    receipt = words(staff.get(f"/files/{upload.id}/receipt").text)
    assert "19.log: Win.Test.A" in receipt
    assert "and 980 more" in receipt


def test_the_history_is_in_words(staff: Browser, engineer: Caller, customer: Caller, system: System) -> None:
    upload = make_released(system, customer.actor)
    staff.post(f"/quarantine/{upload.id}/withdraw")
    staff.post(f"/quarantine/{upload.id}/rescan")
    staff.post(f"/quarantine/{upload.id}/delete", {"reason": REASON})
    assert get(system, upload).state is UploadState.DELETED
    text = read(staff, upload)
    for title in ("Released", "Release taken back", "Second virus check asked for", "Deleted"):
        assert title in text
    assert "upload." not in text
