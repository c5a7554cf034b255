"""The list of what is held back: what stands there, in which order, and for whom. T3."""

from typing import Any

import pytest
from flask import Flask

from app.domain.lifecycle import QUARANTINED, UploadState
from app.models import Scan, Upload
from app.services.scanning import rescans
from app.system import System
from tests.factories.quarantine import REASON, VIRUS, make_infected, make_released
from tests.factories.uploads import make_upload
from tests.web.callers import Browser, Caller
from tests.web.looks import problem

JSON = {"Accept": "application/json"}


@pytest.fixture
def page(app: Flask, engineer: Caller) -> Browser:
    browser = Browser(app)
    browser.sign_in(engineer.account.email)
    return browser


def listed(who: Caller, query: str = "") -> list[dict[str, Any]]:
    answer = who.get(f"/quarantine{query}", headers=JSON)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.get_json()["items"]
    return items


def names(who: Caller, query: str = "") -> list[str]:
    return [item["filename"] for item in listed(who, query)]


def in_order(page: str, *words: str) -> bool:
    places = [page.index(word) for word in words]
    return places == sorted(places)


def test_it_holds_what_nobody_may_have(
    page: Browser, engineer: Caller, admin: Caller, customer: Caller, system: System
) -> None:
    for state in UploadState:
        make_upload(system, customer.actor, state, filename=f"{state}.tgz")
    for who in (engineer, admin):
        assert sorted(names(who)) == sorted(f"{state}.tgz" for state in QUARANTINED)
    for state in UploadState:
        assert (f">{state}.tgz</a>" in page.get("/quarantine").text) is (state in QUARANTINED), state


def test_the_newest_comes_first_page_by_page(
    page: Browser, engineer: Caller, customer: Caller, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.queries.uploads.PAGE_SIZE", 2)
    made = [make_upload(system, customer.actor, UploadState.UNSCANNABLE) for _ in range(5)]
    expected = [str(one.id) for one in sorted(made, key=lambda one: (one.created_at, one.id), reverse=True)]
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        body = engineer.get(f"/quarantine?cursor={cursor}", headers=JSON).get_json()
        html = page.get(f"/quarantine?state=unscannable&cursor={cursor}").text
        ids = [item["id"] for item in body["items"]]
        assert in_order(html, *(f'href="/files/{each}"' for each in ids))
        assert (">Older" in html) is (body["next_cursor"] is not None)
        assert html.count("state=unscannable") == html.count(">Older") + html.count("</svg>Newest")
        seen += ids
        cursor = body["next_cursor"]
    assert seen == expected
    problem(engineer.get("/quarantine?cursor=garbage"), 400, "bad_request")


def test_it_says_who_sent_what_and_what_is_wrong(page: Browser, customer: Caller, system: System) -> None:
    upload = make_upload(system, customer.actor, UploadState.UNSCANNABLE, case="CS-1", filename="web-01.tgz")
    text = page.get("/quarantine").text
    assert customer.account.organisation
    facts = (customer.account.organisation.name, customer.account.name, "CS-1", upload.reason, "Needs review")
    for fact in facts:
        assert fact
        assert fact in text
    assert f'href="/files/{upload.id}#what-now"' in text


def test_it_names_the_first_findings_and_how_many_more(
    page: Browser, customer: Caller, system: System
) -> None:
    """T20."""
    upload = make_infected(system, customer.actor)
    assert VIRUS in page.get("/quarantine").text
    with system.work() as uow:
        uow.session.get_one(Scan, upload.id).findings = [
            {"member": f"var/log/{number}.log", "signature": "Fake.Malware", "entry": number}
            for number in range(1234)
        ]
    text = page.get("/quarantine").text
    assert all(f"var/log/{number}.log" in text for number in range(3))
    assert "var/log/3.log" not in text
    assert "and 1,231 more" in text


def test_what_was_released_and_what_is_checked_again_say_so(
    page: Browser, engineer: Caller, customer: Caller, system: System
) -> None:
    upload = make_released(system, customer.actor)
    assert "Being checked again" not in page.get("/quarantine").text
    with system.work(engineer.actor) as uow:
        rescans.ask(uow, upload.id)
    text = page.get("/quarantine").text
    for words in ("Released", upload.released_by, REASON, "Being checked again"):
        assert words
        assert words in text
    [item] = listed(engineer)
    assert item["state"] == "unscannable"
    assert item["released"] == {
        "at": item["released"]["at"],
        "by": upload.released_by,
        "reason": REASON,
    }
    assert item["rescan_asked_at"]


def test_it_can_be_narrowed(engineer: Caller, customer: Caller, stranger: Caller, system: System) -> None:
    def make(owner: Caller, state: UploadState, filename: str) -> Upload:
        return make_upload(system, owner.actor, state, filename=filename)

    make(customer, UploadState.INFECTED, "virus.tgz")
    make(customer, UploadState.UNSCANNABLE, "cut.tgz")
    make(stranger, UploadState.INTEGRITY_FAILED, "changed.tgz")
    assert stranger.account.organisation
    assert names(engineer, "?state=infected") == ["virus.tgz"]
    assert sorted(names(engineer, "?state=infected,unscannable")) == ["cut.tgz", "virus.tgz"]
    assert names(engineer, f"?organisation={stranger.account.organisation.slug}") == ["changed.tgz"]
    assert names(engineer, "?q=CUT") == ["cut.tgz"]
    assert names(engineer, "?q=nothing") == []


@pytest.mark.parametrize("state", ["clean", "clean,infected", "nonsense"])
def test_only_what_is_held_can_be_asked_for(engineer: Caller, state: str) -> None:
    problem(engineer.get(f"/quarantine?state={state}"), 400, "bad_request")


def test_an_empty_quarantine_is_good_news(page: Browser, customer: Caller, system: System) -> None:
    assert "Nothing in quarantine" in page.get("/quarantine").text
    assert "Nothing matches" in page.get("/quarantine?q=web").text
    make_upload(system, customer.actor, UploadState.CLEAN)
    assert "Nothing in quarantine" in page.get("/quarantine").text


def test_it_is_for_staff(
    app: Flask, page: Browser, browser: Browser, customer: Caller, engineer: Caller
) -> None:
    """T3."""
    problem(customer.get("/quarantine"), 403, "forbidden")
    browser.sign_in(customer.account.email)
    assert browser.get("/quarantine").status_code == 403
    assert 'href="/quarantine"' not in browser.get("/files").text
    assert 'href="/quarantine"' in page.get("/files").text
