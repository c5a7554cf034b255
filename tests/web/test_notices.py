"""Notices in the portal: the list, the bell, reading them. T1, T2, T32, T33."""

import html
import re
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from app.domain.events import Event
from app.domain.lifecycle import UploadState
from app.models import Notice, SignInSession, Upload
from app.queries import cases, notices
from app.system import System
from tests.factories.inbox import make_notice
from tests.factories.mailbox import spread_all
from tests.factories.uploads import make_upload
from tests.web.callers import Browser, Caller, without_what_differs
from tests.web.looks import problem


@pytest.fixture
def upload(system: System, customer: Caller) -> Upload:
    return make_upload(system, customer.actor, UploadState.CLEAN, filename="<b>web.tgz", case="CS-7")


@pytest.fixture
def reader(browser: Browser, engineer: Caller) -> Browser:
    browser.sign_in(engineer.account.email)
    return browser


def unread_ids(system: System, who: Caller) -> set[UUID]:
    with system.work() as uow:
        query = select(Notice.id).where(Notice.account_id == who.account.id, Notice.read_at.is_(None))
        return set(uow.session.scalars(query))


def bell(page: str) -> str:
    found = re.search(r'id="bell-label">([^<]*)<', page)
    assert found, page
    return found[1]


def test_a_verdict_is_told_in_the_portal_and_leads_to_the_bundle(
    reader: Browser, engineer: Caller, upload: Upload, system: System
) -> None:
    assert bell(reader.get("/notices").text) == "Notices, none unread"
    spread_all(system)
    page = reader.get("/notices").text
    assert "&lt;b&gt;web.tgz is ready · CS-7" in page
    assert f'href="/files/{upload.id}"' in page
    assert bell(page) == bell(reader.get("/files").text) == "Notices, 1 unread"
    assert reader.get(f"/files/{upload.id}").status_code == 200
    assert unread_ids(system, engineer) == set()
    assert bell(reader.get("/notices").text) == "Notices, none unread"


def test_what_customers_read_names_nobody_of_support(
    browser: Browser, customer: Caller, engineer: Caller, upload: Upload, system: System
) -> None:
    with system.work() as uow:
        uow.session.execute(
            update(Upload).where(Upload.id == upload.id).values(assignee_id=engineer.account.id)
        )
    make_notice(system, customer.account.id, upload, Event.UPLOAD_DOWNLOADED)
    spread_all(system)
    browser.sign_in(customer.account.email)
    assert "Support has begun to work" in browser.get("/notices").text
    for path in ("/notices", "/notices/unread"):
        text = browser.get(path).text
        assert engineer.account.email not in text
        assert engineer.account.name not in text


def test_one_is_read_by_its_button_and_the_others_are_not(
    reader: Browser, engineer: Caller, upload: Upload, system: System
) -> None:
    one, other = (make_notice(system, engineer.account.id, upload) for _ in range(2))
    for _ in range(2):  # again does no harm
        answer = reader.post(f"/notices/{one}/read")
        assert (answer.status_code, answer.location) == (303, "/notices")
    assert unread_ids(system, engineer) == {other}
    assert f'formaction="/notices/{one}/read"' not in reader.get("/notices").text


def test_all_are_read_but_those_that_came_after_the_page(
    reader: Browser, engineer: Caller, upload: Upload, system: System
) -> None:
    make_notice(system, engineer.account.id, upload, age=50)
    shown = make_notice(system, engineer.account.id, upload, age=20)
    assert f'value="{shown}"' in reader.get("/notices").text
    later = make_notice(system, engineer.account.id, upload, age=5)
    assert reader.post("/notices/read", {"until": str(shown)}).status_code == 303
    assert unread_ids(system, engineer) == {later}
    assert reader.post("/notices/read").status_code == 303
    assert unread_ids(system, engineer) == set()
    assert reader.post("/notices/read", {"until": "7"}).status_code == 400


def test_somebody_elses_notice_is_as_good_as_none(
    reader: Browser, engineer: Caller, admin: Caller, customer: Caller, upload: Upload, system: System
) -> None:
    """T2: nobody reads, marks or counts another's, staff neither."""
    theirs = [make_notice(system, who.account.id, upload) for who in (admin, customer)]
    assert str(theirs[0]) not in reader.get("/notices").text
    assert reader.get("/notices/unread").get_json() == {"unread": 0, "newest": None}
    random, *foreign = (reader.post(f"/notices/{notice_id}/read") for notice_id in (uuid4(), *theirs))
    for answer in foreign:
        assert answer.status_code == random.status_code == 404
        assert without_what_differs(answer) == without_what_differs(random)
    assert reader.post("/notices/read", {"until": str(theirs[0])}).status_code == 303
    assert unread_ids(system, admin) == {theirs[0]}
    assert unread_ids(system, customer) == {theirs[1]}


def test_who_has_left_an_organisation_reads_nothing_of_it(
    browser: Browser, customer: Caller, stranger: Caller, upload: Upload, system: System
) -> None:
    """T2: the notice is theirs still, the bundle is not."""
    make_notice(system, stranger.account.id, upload)
    browser.sign_in(stranger.account.email)
    assert browser.get("/notices/unread").get_json()["unread"] == 0
    assert "CS-7" not in browser.get("/notices").text


def test_the_bell_is_told_once_and_then_that_nothing_changed(
    reader: Browser, engineer: Caller, upload: Upload, system: System
) -> None:
    notice_id = make_notice(system, engineer.account.id, upload)
    first = reader.get("/notices/unread")
    assert first.get_json()["unread"] == 1
    newest = first.get_json()["newest"]
    assert (newest["id"], newest["url"]) == (str(notice_id), f"/files/{upload.id}")
    assert newest["words"] == "<b>web.tgz is ready · CS-7"
    assert first.headers["Cache-Control"] == "no-store"  # T33: no cache keeps it, the page asks by the tag
    same = reader.get("/notices/unread", headers={"If-None-Match": first.headers["ETag"]})
    assert (same.status_code, same.data) == (304, b"")
    assert same.headers["Cache-Control"] == "no-store"
    make_notice(system, engineer.account.id, upload, Event.UPLOAD_RELEASED)
    more = reader.get("/notices/unread", headers={"If-None-Match": first.headers["ETag"]})
    assert (more.status_code, more.get_json()["unread"]) == (200, 2)


def test_nobodys_tag_says_anything_of_somebody_elses(app: Flask, engineer: Caller, admin: Caller) -> None:
    """Two who were told nothing get the same words under different tags."""
    tags = set()
    for who in (engineer, admin):
        browser = Browser(app)
        browser.sign_in(who.account.email)
        tags.add(browser.get("/notices/unread").headers["ETag"])
    assert len(tags) == 2


def test_more_than_ninety_nine_are_not_counted(
    reader: Browser, engineer: Caller, upload: Upload, system: System
) -> None:
    for _ in range(notices.MOST + 3):
        make_notice(system, engineer.account.id, upload)
    assert reader.get("/notices/unread").get_json()["unread"] == 100
    assert bell(reader.get("/files").text) == "Notices, 99+ unread"


@pytest.mark.parametrize(("path", "kept"), [("/notices/unread", False), ("/notices", True)])
def test_an_open_page_alone_keeps_nobody_signed_in(
    reader: Browser, system: System, path: str, kept: bool
) -> None:
    """T32: what the bell asks is no use of the session; what a person opens is."""
    with system.work() as uow:
        old = {"last_seen_at": func.now() - timedelta(minutes=29)}
        uow.session.execute(update(SignInSession).values(old))
    assert reader.get(path).status_code == 200
    with system.work() as uow:
        unused = uow.session.scalars(select(func.now() - SignInSession.last_seen_at)).one()
    assert unused == (timedelta(0) if kept else timedelta(minutes=29))


def test_pages_have_no_gap_and_no_duplicate(
    reader: Browser, engineer: Caller, upload: Upload, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.queries.notices.PAGE_SIZE", 5)
    made = {str(make_notice(system, engineer.account.id, upload, age=number // 3)) for number in range(12)}
    seen: list[str] = []
    path: str | None = "/notices"
    while path:
        page = reader.get(path).text
        seen += re.findall(r'id="notice-([0-9a-f-]+)"', page)
        on = re.search(r'id="pager-older"[^>]*?href="([^"]+)"', page)
        path = html.unescape(on[1]) if on else None
    assert len(seen) == len(made)
    assert set(seen) == made
    problem(reader.get("/notices?cursor=garbage", headers={"Accept": "*/*"}), 400, "bad_request")


def test_a_case_that_is_opened_has_its_notices_read(
    reader: Browser, engineer: Caller, upload: Upload, system: System
) -> None:
    """Those of no bundle, such as that a ticket was used; a bundle's own page reads the bundle's."""
    of_bundle, of_case = (make_notice(system, engineer.account.id, upload) for _ in range(2))
    with system.work() as uow:
        case = cases.of_upload(uow.session, upload)
        assert case
        record = uow.session.get_one(Notice, of_case).record
        record.event, record.upload_id, record.case_id = Event.TICKET_USED, None, case.id
        uow.session.get_one(Notice, of_bundle).record.case_id = case.id
    engineer.get(f"/cases/{case.id}", headers={"Accept": "text/html"})  # a program
    reader.get(f"/cases/{case.id}", headers={"Accept": "application/json"})
    reader.ask("HEAD", f"/cases/{case.id}")
    assert unread_ids(system, engineer) == {of_bundle, of_case}
    assert reader.get(f"/cases/{case.id}").status_code == 200
    assert unread_ids(system, engineer) == {of_bundle}


def test_tokens_have_no_notices(engineer: Caller) -> None:
    problem(engineer.get("/notices/unread"), 403, "forbidden")


def test_only_a_person_who_opens_the_page_has_seen_it(
    reader: Browser, engineer: Caller, upload: Upload, system: System
) -> None:
    notice_id = make_notice(system, engineer.account.id, upload)
    engineer.get(f"/files/{upload.id}", headers={"Accept": "text/html"})  # a program
    reader.get(f"/files/{upload.id}", headers={"Accept": "application/json"})
    reader.ask("HEAD", f"/files/{upload.id}")
    assert unread_ids(system, engineer) == {notice_id}
    reader.get(f"/files/{upload.id}")
    assert unread_ids(system, engineer) == set()
