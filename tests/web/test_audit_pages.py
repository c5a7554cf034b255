"""T13, I9: the trail as admins and engineers read it."""

import csv
import io
import re

import pytest
from flask import Flask

from app.domain.lifecycle import UploadState
from app.queries import audit
from app.services import audit as trail
from app.services import organisations, sign_in
from app.system import System
from tests.factories.people import make_organisation
from tests.factories.uploads import make_upload
from tests.web.callers import Browser, Caller
from tests.web.looks import deeds, problem


@pytest.fixture
def reader(app: Flask, admin: Caller) -> Browser:
    """Give an admin at a browser."""
    browser = Browser(app)
    browser.sign_in(admin.account.email)
    return browser


def shown(page: str) -> list[int]:
    """Return the ids of the rows on a page."""
    return [int(number) for number in re.findall(r'id="event-(\d+)"', page)]


def test_filters_narrow_the_trail(
    reader: Browser, customer: Caller, engineer: Caller, system: System
) -> None:
    upload = make_upload(system, customer.actor, UploadState.CLEAN, filename="web-01.tgz")
    assert engineer.get(f"/download/{upload.id}").status_code == 200
    (row,) = deeds(system, "upload.downloaded")
    home = customer.account.organisation
    assert home is not None
    for query in (
        "action=upload.downloaded",
        "action=downloads",
        f"action=downloads&person={engineer.account.email.upper()}",
        f"action=downloads&person={engineer.account.id}",
        f"action=downloads&organisation={home.slug}",
        f"action=downloads&upload={upload.id}",
        f"request={row.request_id}",
        "action=downloads&address=127.0.0.1",
        f"action=downloads&from={row.at:%Y-%m-%d}&to={row.at:%Y-%m-%d}",
    ):
        page = reader.get(f"/admin/audit?{query}").text
        assert shown(page) == [row.id], query
        assert "Downloaded" in page
        assert "web-01.tgz" in page
    for query in (
        "action=nothing",
        "action=downloads&person=nobody@example.com",
        f"action=downloads&person={customer.account.email}",
        "action=downloads&organisation=nobody",
        "action=downloads&upload=00000000-0000-4000-8000-000000000000",
        "request=none",
        "action=downloads&address=192.0.2.1",
        "action=downloads&to=2020-01-01",
        "action=downloads&from=2099-01-01",
    ):
        page = reader.get(f"/admin/audit?{query}").text
        assert shown(page) == [], query
        assert "Nothing matches" in page


@pytest.mark.parametrize(
    "query", ["upload=7", "from=yesterday", "to=9999-12-31", "from=0001-01-01", "cursor=x", "cursor=-1"]
)
def test_what_cannot_be_asked_is_said(reader: Browser, query: str) -> None:
    for path in ("/admin/audit", "/admin/audit.csv", "/admin/audit.json"):
        if "cursor" not in query or path == "/admin/audit":
            answer = reader.get(f"{path}?{query}", headers={"Accept": "application/json"})
            problem(answer, 400, "bad_request")
            assert ("Write a year from 2000 to 2100." in answer.text) is (
                "-" in query and "cursor" not in query
            )


def test_of_a_person_is_shown_what_they_did_and_what_was_done_to_them(
    reader: Browser, customer: Caller, admin: Caller, system: System
) -> None:
    with system.work(admin.actor) as uow:
        trail.record(uow, "account.suspended", person=customer.account)
    with system.work(customer.actor) as uow:
        trail.record(uow, "case.created", case="CS-1")
    with system.work() as uow:
        sign_in.refused(uow, customer.account.email.upper(), "192.0.2.1")
        sign_in.refused(uow, "nobody@example.com", "192.0.2.1")
    pages = [
        reader.get(f"/admin/audit?person={who}").text for who in (customer.account.email, customer.account.id)
    ]
    for page in pages:
        assert "Account suspended" in page
        assert "Case made" in page
        assert page.count("Sign-in refused</span>") == 1
        assert f'trail__about">{customer.account.email.upper()}</span>' in page, "whom it was tried as"
        assert shown(page) == sorted(shown(page), reverse=True)
    assert shown(pages[0]) == shown(pages[1])
    assert len(shown(reader.get("/admin/audit?person=Nobody@example.com").text)) == 1


def test_before_and_after_stand_beside_each_other(reader: Browser, system: System) -> None:
    home = make_organisation(system)
    with system.work() as uow:
        organisations.set_quota(uow, home.slug, size=500, uploads=None)
    page = reader.get("/admin/audit?action=organisation.quota_set").text
    assert re.search(r'<th scope="row">Bytes</th>\s*<td>nothing</td>\s*<td>500</td>', page)
    assert ">Uploads<" not in page, "what stayed the same is left out"


def test_pages_follow_each_other_without_loss(reader: Browser, system: System) -> None:
    with system.work() as uow:
        for number in range(2 * audit.PAGE_SIZE + 1):
            trail.record(uow, "case.retitled", case=f"CS-{number}")
    rows, seen, path = (
        {row.id for row in deeds(system, "case.retitled")},
        [],
        "/admin/audit?action=case.retitled",
    )
    for size in (50, 50, 1):
        page = reader.get(path).text
        assert len(shown(page)) == size
        seen += shown(page)
        further = re.search(r'id="pager-older"\s+href="([^"]+)"', page)
        path = further[1].replace("&amp;", "&") if further else ""
    assert path == ""
    assert (set(seen), len(seen)) == (rows, len(rows))


def test_an_export_is_what_the_filters_leave(reader: Browser, customer: Caller, system: System) -> None:
    """T19: and no cell is a formula. Whoever takes the trail away leaves a trace."""
    upload = make_upload(system, customer.actor, UploadState.CLEAN, filename="=1+1.tgz")
    answer = reader.get(f"/admin/audit.csv?upload={upload.id}")
    assert answer.mimetype == "text/csv"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["action"] for row in rows[-2:]] == ["upload.sealed", "upload.started"]
    assert {row["file"] for row in rows} == {"'=1+1.tgz"}
    assert rows[-1]["who"] == customer.account.email
    assert rows[-1]["words"] == "Upload started"
    items = reader.get(f"/admin/audit.json?upload={upload.id}").get_json()["items"]
    assert [str(item["id"]) for item in items] == [row["id"] for row in rows]
    assert items[-1]["detail"] == {"door": "put"}
    taken = deeds(system, "audit.exported")
    assert [row.detail["format"] for row in taken] == ["csv", "json"]
    assert {row.detail["filters"]["upload"] for row in taken} == {str(upload.id)}
    assert reader.ask("HEAD", "/admin/audit.csv").status_code == 200
    assert len(deeds(system, "audit.exported")) == 2


def test_an_export_joins_batches_and_ends(
    reader: Browser, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.web.admin.audit._AT_ONCE", 2)
    monkeypatch.setattr("app.web.admin.audit.MOST", 5)
    with system.work() as uow:
        for number in range(7):
            trail.record(uow, "case.retitled", case=f"CS-{number}")
    items = reader.get("/admin/audit.json?action=case.retitled").get_json()["items"]
    assert [item["detail"]["case"] for item in items] == ["CS-6", "CS-5", "CS-4", "CS-3", "CS-2"]


def test_staff_sees_who_downloaded_a_bundle(
    app: Flask, customer: Caller, engineer: Caller, system: System
) -> None:
    upload = make_upload(system, customer.actor, UploadState.CLEAN)
    browser = Browser(app)
    browser.sign_in(engineer.account.email)
    page = browser.get(f"/files/{upload.id}").text
    assert f'href="/files/{upload.id}/activity"' in page
    assert "Nobody so far" in browser.get(f"/files/{upload.id}/activity").text
    for who in (customer, engineer, engineer):
        assert who.get(f"/api/v1/uploads/{upload.id}/content").status_code == 200
    page = browser.get(f"/files/{upload.id}/activity").text
    takers = page[page.index("takers-title") : page.index("trail-title")]
    assert takers.index(engineer.account.email) < takers.index(customer.account.email)
    assert re.findall(r"(\d) ?<span class=\"takers__unit\"> times?", takers) == ["2", "1"]
    assert "127.0.0.1" in page[page.index("trail-title") :]
    assert "/admin/audit" not in page, "an engineer may not go there"
