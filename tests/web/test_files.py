"""The list: `/files` and `/api/v1/uploads`. Every row appears once, whatever the page is narrowed to."""

import base64
import html
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from app.domain.lifecycle import UploadState
from app.models import Upload
from app.queries.uploads import PAGE_SIZE
from app.system import System
from tests.factories.uploads import make_upload
from tests.web.callers import Browser, Caller
from tests.web.looks import problem

LISTS = ("/files", "/api/v1/uploads")
JSON = {"Accept": "application/json"}


def names(who: Caller, query: str = "", path: str = "/api/v1/uploads") -> list[str]:
    answer = who.get(path + query, headers=JSON)
    assert answer.status_code == 200, answer.text
    return [item["filename"] for item in answer.get_json()["items"]]


def make_named(system: System, owner: Caller, *filenames: str, **more: Any) -> None:
    for filename in filenames:
        make_upload(system, owner.actor, UploadState.RECEIVING, filename=filename, **more)


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("query", ["", "q=tgz", "state=receiving"])
@pytest.mark.parametrize("apart", [0, 1], ids=["all at one moment", "a second apart"])
def test_pages_have_no_gap_and_no_duplicate(
    customer: Caller, system: System, monkeypatch: pytest.MonkeyPatch, path: str, query: str, apart: int
) -> None:
    monkeypatch.setattr("app.queries.uploads.PAGE_SIZE", 5)
    count = 12
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(count):
        upload = make_upload(system, customer.actor, UploadState.RECEIVING, filename=f"{number}.tgz")
        with system.work() as uow:
            at = start + timedelta(seconds=apart * number)
            uow.session.execute(update(Upload).where(Upload.id == upload.id).values(created_at=at))
    seen: list[str] = []
    sizes: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        page = customer.get(f"{path}?{query}&cursor={cursor}", headers=JSON).get_json()
        seen += [item["filename"] for item in page["items"]]
        sizes.append(len(page["items"]))
        cursor = page["next_cursor"]
    assert sizes == [5, 5, 2]
    assert len(set(seen)) == count
    if apart:
        assert seen == [f"{number}.tgz" for number in reversed(range(count))]


def test_a_full_last_page_is_the_last(customer: Caller, system: System) -> None:
    make_named(system, customer, *(f"{number}.tgz" for number in range(PAGE_SIZE)))
    assert customer.get("/api/v1/uploads").get_json()["next_cursor"] is None


def _cursor(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    "cursor",
    [
        "garbage",
        "%00",
        "%ff%fe",
        "=",
        _cursor("2026-01-01T00:00:00+00:00"),
        _cursor(f"2026-01-01T00:00:00 {UUID(int=7)}"),  # without a zone it would depend on the server's
        _cursor(f"yesterday {UUID(int=7)}"),
        _cursor("2026-01-01T00:00:00+00:00 1"),
        _cursor(f"2026-01-01T00:00:00+00:00 {UUID(int=7)}' OR 1=1"),
    ],
)
def test_a_cursor_that_is_not_ours_is_refused(customer: Caller, path: str, cursor: str) -> None:
    problem(customer.get(f"{path}?cursor={cursor}"), 400, "bad_request")


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-14:00"])
def test_a_cursor_from_the_end_of_time_is_only_far_away(customer: Caller, moment: str) -> None:
    assert customer.get(f"/api/v1/uploads?cursor={_cursor(f'{moment} {UUID(int=7)}')}").status_code == 200


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?q=50%25", ["50%.tgz"]),
        ("?q=%25", ["50%.tgz"]),
        ("?q=a_b", ["a_b.tgz"]),
        ("?q=%27", ["it's.tgz"]),
        ("?q=%22", ['say "hi".tgz']),
        ("?q=%5C", []),
        ("?q=/", []),
        ("?q=WEB", ["web-01.tgz"]),
        ("?q=tgz+web", ["web-01.tgz"]),
        ("?q=web+nowhere", []),
        ("?q=%C3%A4rger", ["\u00c4rger.tgz"]),
        ("?q=%27%3B+DROP+TABLE+upload%3B--", []),
        ("?q=%00web", ["web-01.tgz"]),
        ("?q=" + "x" * 5000, []),
    ],
)
def test_search_takes_every_character_as_it_is(
    customer: Caller, system: System, path: str, query: str, found: list[str]
) -> None:
    """C1."""
    everything = (
        "50%.tgz",
        "501.tgz",
        "a_b.tgz",
        "axb.tgz",
        "it's.tgz",
        'say "hi".tgz',
        "web-01.tgz",
        "\u00c4rger.tgz",
    )
    make_named(system, customer, *everything)
    assert names(customer, query, path) == found
    assert len(names(customer)) == len(everything)


def test_search_finds_by_case_and_note_too(customer: Caller, system: System) -> None:
    make_named(system, customer, "a.tgz", case="CS-1234")
    make_named(system, customer, "b.tgz")
    assert names(customer, "?q=cs-12") == ["a.tgz"]
    assert names(customer, "?case=cs-1234") == ["a.tgz"]
    assert names(customer, "?case=cs-12") == []


@pytest.mark.parametrize("state", UploadState)
def test_the_state_narrows(customer: Caller, system: System, state: UploadState) -> None:
    for each in UploadState:
        make_upload(system, customer.actor, each, filename=f"{each}.tgz")
    name: Any = None if state is UploadState.DELETED else f"{state}.tgz"
    assert names(customer, f"?state={state}") == [name]
    assert set(names(customer, f"?state={state},clean")) == {name, "clean.tgz"}


def test_staff_may_narrow_to_an_organisation(
    customer: Caller, stranger: Caller, engineer: Caller, system: System
) -> None:
    make_named(system, customer, "ours.tgz")
    make_named(system, stranger, "theirs.tgz")
    assert customer.account.organisation
    assert names(engineer, f"?organisation={customer.account.organisation.slug}") == ["ours.tgz"]
    assert names(engineer, "?organisation=nobody") == []
    assert sorted(names(engineer)) == ["ours.tgz", "theirs.tgz"]


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    ("query", "status", "code"),
    [("?state=ready", 400, "bad_request"), ("?state=clean,", 200, ""), ("?case=%3B", 422, "invalid_input")],
)
def test_a_filter_that_makes_no_sense_is_said(
    customer: Caller, path: str, query: str, status: int, code: str
) -> None:
    answer = customer.get(path + query, headers=JSON)
    assert answer.status_code == status
    assert answer.get_json().get("code", "") == code


def test_one_address_serves_page_fragment_and_json(
    browser: Browser, customer: Caller, system: System
) -> None:
    make_named(system, customer, "web-01.tgz")
    browser.sign_in(customer.account.email)
    page, fragment = browser.get("/files"), browser.get("/files", headers={"HX-Request": "true"})
    assert page.text.startswith("<!DOCTYPE html>")
    assert not fragment.text.startswith("<!DOCTYPE html>")
    assert fragment.text.strip() in page.text
    for answer in (page, fragment):
        assert "web-01.tgz" in answer.text
        assert {"Accept", "Cookie", "HX-Request"} <= set(answer.vary)
    assert browser.get("/files", headers=JSON).is_json


def test_the_pages_links_keep_the_filters(
    browser: Browser, engineer: Caller, customer: Caller, system: System
) -> None:
    make_named(system, customer, *["web & 01.tgz"] * (PAGE_SIZE + 1))
    browser.sign_in(engineer.account.email)
    first = browser.get("/files?q=web+%26&state=receiving")
    link = re.search(r'id="pager-older"[^>]*?href="([^"]+)"', first.text)
    assert link
    older = html.unescape(link[1])
    assert {"q=web+%26", "state=receiving"} <= set(older.partition("?")[2].split("&"))
    assert browser.get(older).text.count("data-key=") == 1
