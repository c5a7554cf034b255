"""Tickets as staff make, extend and end them."""

from typing import Any
from uuid import uuid4

import pytest
from flask import Flask

from app.domain import ticket_code
from app.domain.policy import Scope
from app.models import Case, Ticket
from app.system import System
from tests.factories.people import bearer
from tests.factories.requests import TGZ
from tests.factories.tickets import basic_of, issue_ticket, let_expire, make_case, ticket_now
from tests.web.callers import Browser, Caller
from tests.web.looks import deeds, document, problem


@pytest.fixture
def case(system: System, customer: Caller) -> Case:
    return make_case(system, "CS-1", customer.actor.organisation_id)


def issue(who: Caller, case: Case, **terms: Any) -> dict[str, Any]:
    return document(who.ask("POST", f"/api/v1/cases/{case.id}/tickets", json=terms))


def test_a_ticket_is_shown_once_with_what_is_to_be_passed_on(engineer: Caller, case: Case) -> None:
    made = issue(engineer, case)
    code = made["code"]
    assert ticket_code.parse(code) == code
    assert made["url"] == f"http://localhost/t/{code}"
    assert made["curl"] == f"curl -u CS-1:{code} -T bundle.tgz http://localhost/upload/"
    assert (made["state"], made["uploads"], made["bytes"]) == (
        "good",
        {"used": 0, "most": 10},
        {"used": 0, "most": None},
    )
    assert (made["networks"], made["recipient"], made["made_by"]) == ([], None, engineer.account.email)
    one = engineer.get(f"/api/v1/tickets/{made['id']}")
    listed = engineer.get(f"/api/v1/cases/{case.id}/tickets").get_json()["items"]
    shown_once = {"code", "url", "curl"}
    assert listed == [one.get_json()] == [{key: made[key] for key in made if key not in shown_once}]
    assert code not in one.text


def test_it_lasts_as_long_as_asked(engineer: Caller, case: Case, system: System) -> None:
    for days in (None, 90):
        made = issue(engineer, case, days=days)
        with system.work() as uow:
            row = uow.session.get_one(Ticket, made["id"])
        assert (row.expires_at - row.created_at).days == (days or 7)


@pytest.mark.parametrize(
    "terms",
    [
        {"days": 0},
        {"days": 91},
        {"days": "7"},
        {"days": True},
        {"uploads": 0},
        {"uploads": 1001},
        {"uploads": 2**70},
        {"bytes": 0},
        {"networks": "10.0.0.0/8"},
        {"networks": ["10.0.0.1/8"]},
        {"networks": ["10.0.0.0/8", 7]},
        {"recipient": "nobody"},
        {"code": "of my own"},
    ],
    ids=str,
)
def test_terms_that_no_ticket_has_are_refused(engineer: Caller, case: Case, terms: dict[str, Any]) -> None:
    problem(engineer.ask("POST", f"/api/v1/cases/{case.id}/tickets", json=terms), 422, "invalid_input")
    assert engineer.get(f"/api/v1/cases/{case.id}/tickets").get_json() == {"items": []}


def test_a_closed_case_gets_none_and_its_own_end_and_come_back(
    engineer: Caller, case: Case, system: System
) -> None:
    made = issue(engineer, case)
    path = f"/api/v1/cases/{case.id}"
    document(engineer.ask("PATCH", path, json={"state": "closed"}), 200)
    problem(engineer.ask("POST", f"{path}/tickets", json={}), 409, "state_conflict")
    ticket = f"/api/v1/tickets/{made['id']}"
    assert engineer.get(ticket).get_json()["state"] == "closed"
    problem(engineer.ask("PATCH", ticket, json={"days": 9}), 409, "state_conflict")
    document(engineer.ask("PATCH", path, json={"state": "open"}), 200)
    assert engineer.get(ticket).get_json()["state"] == "good"


def test_extended_it_keeps_its_code(engineer: Caller, customer: Caller, system: System) -> None:
    issued = issue_ticket(system, "CS-1", customer.actor.organisation_id)
    path = f"/api/v1/tickets/{issued.seen.ticket.id}"
    guest = basic_of("CS-1", issued.code)
    assert customer.put(TGZ, headers=guest).status_code == 201
    assert engineer.get(path).get_json()["state"] == "used_up"
    problem(customer.put(TGZ, headers=guest), 410, "gone")
    more = document(engineer.ask("PATCH", path, json={"uploads": 2}), 200)
    assert (more["state"], more["uploads"]) == ("good", {"used": 1, "most": 3})
    let_expire(system, issued)
    assert engineer.get(path).get_json()["state"] == "expired"
    problem(customer.put(TGZ, headers=guest), 410, "gone")
    document(engineer.ask("PATCH", path, json={"days": 30}), 200)
    assert customer.put(TGZ, headers=guest).status_code == 201
    before = ticket_now(system, issued).expires_at
    document(engineer.ask("PATCH", path, json={"days": 1}), 200)
    assert ticket_now(system, issued).expires_at == before, "extending never shortens"
    terms = [deed.detail["terms"] for deed in deeds(system, "ticket.refreshed")]
    assert terms == [{"uploads": 2}, {"days": 30}, {"days": 1}]


@pytest.mark.parametrize("asked", [{"days": 91}, {"uploads": 1000}, {"uploads": -1}, {"bytes": 7}], ids=str)
def test_it_is_never_extended_beyond_what_a_ticket_allows(
    engineer: Caller, system: System, asked: dict[str, int]
) -> None:
    issued = issue_ticket(system)
    answer = engineer.ask("PATCH", f"/api/v1/tickets/{issued.seen.ticket.id}", json=asked)
    problem(answer, 422, "invalid_input")
    assert ticket_now(system, issued).max_uploads == 1


def test_revoked_it_stays_so(engineer: Caller, customer: Caller, system: System) -> None:
    issued = issue_ticket(system, "CS-1", customer.actor.organisation_id)
    path = f"/api/v1/tickets/{issued.seen.ticket.id}"
    assert document(engineer.ask("DELETE", path), 200)["state"] == "revoked"
    problem(engineer.ask("DELETE", path), 409, "state_conflict")
    problem(engineer.ask("PATCH", path, json={"days": 9}), 409, "state_conflict")
    detail = problem(customer.put(TGZ, headers=basic_of("CS-1", issued.code)), 410, "gone")["detail"]
    assert "withdrawn" in detail
    assert [deed.detail["ticket"] for deed in deeds(system, "ticket.revoked")] == [issued.code[:4]]


def test_only_staff_and_tokens_with_the_scope(
    customer: Caller, engineer: Caller, case: Case, system: System
) -> None:
    """T39: the customer of the case neither makes nor sees its tickets."""
    issue(engineer, case)
    path = f"/api/v1/cases/{case.id}/tickets"
    problem(customer.get(path), 403, "forbidden")
    problem(customer.ask("POST", path, json={}), 403, "forbidden")
    engineer.headers = bearer(system, engineer.account, Scope.READ, Scope.WRITE, Scope.DOWNLOAD)
    problem(engineer.get(path), 403, "forbidden")
    engineer.headers = bearer(system, engineer.account, Scope.ADMIN)
    assert len(engineer.get(path).get_json()["items"]) == 1
    problem(engineer.get(f"/api/v1/cases/{uuid4()}/tickets"), 404, "not_found")
    problem(engineer.get(f"/api/v1/tickets/{uuid4()}"), 404, "not_found")


def test_staff_do_it_all_with_forms(app: Flask, engineer: Caller, case: Case, system: System) -> None:
    browser = Browser(app)
    browser.sign_in(engineer.account.email)
    place = f"/cases/{case.id}/tickets"
    form = browser.get(place).text
    assert 'value="7"' in form
    number = form.split('name="id"')[1].split('value="')[1].split('"')[0]
    typed = {"id": number, "days": "3", "uploads": "2", "megabytes": "1,5", "networks": "", "recipient": ""}
    refused = browser.post(place, typed)
    assert refused.status_code == 422
    assert "Type a whole number" in refused.text
    made = browser.post(place, typed | {"megabytes": "5", "networks": "192.0.2.0/24\r\n2001:db8::/32"})
    assert made.status_code == 201
    assert made.headers["Cache-Control"] == "no-store"
    page = browser.get(f"/cases/{case.id}").text
    for fact in ("0 of 2 uploads", "0 B of 5.0 MB", "Only from 192.0.2.0/24, 2001:db8::/32", "Good"):
        assert fact in page
    again = browser.post(place, typed | {"megabytes": "5"})
    assert (again.status_code, again.location) == (303, f"/cases/{case.id}"), "sent twice makes one ticket"
    assert page.count("Made by") == browser.get(f"/cases/{case.id}").text.count("Made by") == 1
    browser.post(f"/tickets/{number}/refresh", {"days": "9", "uploads": "3"})
    assert "0 of 5 uploads" in browser.get(f"/cases/{case.id}").text
    browser.post(f"/tickets/{number}/revoke")
    page = browser.get(f"/cases/{case.id}").text
    assert "Withdrawn" in page
    assert f"/tickets/{number}" not in page
