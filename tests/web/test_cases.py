"""Cases: made by staff or by a bundle, listed, closed and opened; T2 for those of others."""

import re
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask

from app.system import System
from tests.factories.requests import TGZ
from tests.factories.tickets import make_case
from tests.factories.uploads import make_upload
from tests.web.callers import Browser, Caller
from tests.web.looks import deeds, document, problem

HTML = {"Accept": "text/html"}


def made(who: Caller, organisation: str, reference: str, title: str = "") -> dict[str, Any]:
    asked = {"organisation": organisation, "reference": reference, "title": title}
    return document(who.ask("POST", "/api/v1/cases", json=asked))


def slug_of(system: System, caller: Caller) -> str:
    return make_upload(system, caller.actor).organisation.slug


def references(who: Caller, query: str = "") -> list[str]:
    return [item["reference"] for item in who.get("/api/v1/cases" + query).get_json()["items"]]


def test_a_bundle_makes_the_case_that_it_names_once(customer: Caller, system: System) -> None:
    for _ in range(2):
        assert document(customer.put(TGZ, query="?case=cs-7"))["case"] == "CS-7"
    (case,) = customer.get("/api/v1/cases").get_json()["items"]
    assert (case["reference"], case["state"], case["title"], case["uploads"]) == ("CS-7", "open", "", 2)
    assert [deed.detail["case"] for deed in deeds(system, "case.created")] == ["CS-7"]


def test_staff_make_cases(engineer: Caller, customer: Caller, system: System) -> None:
    case = made(engineer, slug_of(system, customer), " cs-8 ", "Fail-over\nfailed ")
    assert (case["reference"], case["title"], case["state"]) == ("CS-8", "Fail-over failed", "open")
    assert customer.get(f"/api/v1/cases/{case['id']}").get_json() == case
    again = {"organisation": case["organisation"], "reference": "CS-8"}
    problem(engineer.ask("POST", "/api/v1/cases", json=again), 409, "state_conflict")


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"organisation": "nobody-s", "reference": "CS-1"}, 422),
        ({"reference": "CS-1"}, 422),
        ({"organisation": "ours"}, 422),
        ({"organisation": "ours", "reference": "a;b"}, 422),
        ({"organisation": "ours", "reference": "CS-1", "title": "x" * 201}, 422),
        ({"organisation": "ours", "reference": 7}, 422),
        ({"organisation": "ours", "reference": "CS-1", "colour": "red"}, 422),
        ({"organisation": "\ud800", "reference": "CS-1"}, 422),
        ({"organisation": "ours", "reference": "CS-1", "title": "half\udc00"}, 422),
        ({"organisation": "a\x00b", "reference": "CS-1"}, 400),
        (["organisation"], 400),
        (None, 400),
    ],
)
def test_what_is_no_case_is_refused(
    engineer: Caller, customer: Caller, system: System, asked: Any, status: int
) -> None:
    if isinstance(asked, dict) and asked.get("organisation") == "ours":
        asked = asked | {"organisation": slug_of(system, customer)}
    answer = engineer.ask("POST", "/api/v1/cases", json=asked)
    problem(answer, status, "bad_request" if status == 400 else "invalid_input")
    assert references(engineer) == []


def test_a_closed_case_takes_what_comes_and_staff_see_that_it_is_closed(
    app: Flask, engineer: Caller, customer: Caller, system: System
) -> None:
    case = made(engineer, slug_of(system, customer), "CS-1")
    path = f"/api/v1/cases/{case['id']}"
    for _ in range(2):  # asking twice is no error
        closed = document(engineer.ask("PATCH", path, json={"state": "closed"}), 200)
    assert closed["state"] == "closed"
    assert closed["closed_at"]
    upload = document(customer.put(TGZ, query="?case=CS-1"))
    assert upload["case"] == "CS-1"
    browser = Browser(app)
    browser.sign_in(engineer.account.email)
    assert "Closed" in browser.get(f"/files/{upload['id']}").text
    assert document(engineer.ask("PATCH", path, json={"state": "open"}), 200)["closed_at"] is None
    assert [
        deed.actor_label for name in ("case.closed", "case.reopened") for deed in deeds(system, name)
    ] == [engineer.account.email] * 2


def test_a_title_is_changed_with_its_before_and_after(engineer: Caller, system: System) -> None:
    case = make_case(system)
    for title in ("First", "Second"):
        document(engineer.ask("PATCH", f"/api/v1/cases/{case.id}", json={"title": title}), 200)
    details = [deed.detail for deed in deeds(system, "case.retitled")]
    assert [(detail["before"], detail["after"]) for detail in details] == [("", "First"), ("First", "Second")]


def test_lists_are_narrowed_and_go_on(engineer: Caller, customer: Caller, system: System) -> None:
    slug = slug_of(system, customer)
    for number in range(60):
        case = make_case(system, f"CS-{number}", customer.actor.organisation_id)
    engineer.ask("PATCH", f"/api/v1/cases/{case.id}", json={"title": "100% of 50_50", "state": "closed"})
    first = engineer.get("/api/v1/cases").get_json()
    second = engineer.get(f"/api/v1/cases?cursor={first['next_cursor']}").get_json()
    assert (len(first["items"]), len(second["items"]), second["next_cursor"]) == (50, 10, None)
    everything = {item["reference"] for item in first["items"] + second["items"]}
    assert everything == {f"CS-{number}" for number in range(60)}
    assert references(engineer, "?state=closed") == ["CS-59"]
    assert "CS-59" not in references(engineer, "?state=open")
    assert references(engineer, "?q=cs-59") == references(engineer, "?q=100%25+50_50") == ["CS-59"]
    assert references(engineer, "?q=0_5+%2550") == []
    assert len(references(engineer, f"?organisation={slug}")) == 50
    assert references(engineer, "?organisation=nobody-s") == []
    problem(engineer.get("/api/v1/cases?state=ajar"), 400, "bad_request")
    problem(engineer.get("/api/v1/cases?cursor=x"), 400, "bad_request")


def test_nobody_sees_cases_of_others(customer: Caller, stranger: Caller, system: System) -> None:
    """T2: a foreign one answers like one that does not exist."""
    case = make_case(system, "CS-1", customer.actor.organisation_id)
    make_case(system, "CS-1", stranger.actor.organisation_id)
    for path in ("/api/v1/cases/{}", "/cases/{}"):
        answers = [stranger.get(path.format(one)) for one in (case.id, uuid4())]
        bodies = [re.sub(r"[0-9a-f]{32}", "", answer.text) for answer in answers]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert bodies[0] == bodies[1]
    assert str(case.id) not in stranger.get("/api/v1/cases").text
    slug = slug_of(system, customer)
    assert references(stranger, f"?organisation={slug}") == []


def test_a_cases_page_has_its_bundles_and_no_others(
    app: Flask, customer: Caller, stranger: Caller, system: System
) -> None:
    for who, name in ((customer, "ours.tgz"), (stranger, "theirs.tgz")):
        make_upload(system, who.actor, filename=name, case="CS-1")
    make_upload(system, customer.actor, filename="other.tgz", case="CS-2")
    case = make_case(system, "CS-1", customer.actor.organisation_id)
    browser = Browser(app)
    browser.sign_in(customer.account.email)
    page = browser.get(f"/cases/{case.id}").text
    assert "ours.tgz" in page
    assert "theirs.tgz" not in page
    assert "other.tgz" not in page
    for staff_only in ("Ticket", "ticket", "Save the title", "Close the case"):
        assert staff_only not in page
    assert f'href="/cases/{case.id}"' in browser.get("/cases").text


def test_staff_do_it_all_with_forms(app: Flask, engineer: Caller, customer: Caller, system: System) -> None:
    slug = slug_of(system, customer)
    browser = Browser(app)
    browser.sign_in(engineer.account.email)
    assert "No cases yet" in browser.get("/cases").text
    assert f'value="{slug}"' in browser.get("/cases/new").text
    refused = browser.post("/cases", {"organisation": slug, "reference": "a;b", "title": "Kept"})
    assert refused.status_code == 422
    assert 'value="Kept"' in refused.text
    answer = browser.post("/cases", {"organisation": slug, "reference": "cs-5", "title": "Down"})
    assert browser.post("/cases", {"organisation": slug, "reference": "cs-5"}).status_code == 409
    place = answer.location
    assert "Nothing yet" in browser.get(place).text
    browser.post(place, {"title": "Up again"})
    browser.post(f"{place}/close")
    page = browser.get(place).text
    assert "Up again" in page
    assert "Reopen the case" in page
    assert "Make a ticket" not in page
    assert browser.post(f"{place}/close").status_code == 409
    browser.post(f"{place}/reopen")
    assert "Make a ticket" in browser.get(place).text
    assert "Up again" in browser.get("/cases?state=open").text
    assert "Nothing matches" in browser.get("/cases?state=closed").text
