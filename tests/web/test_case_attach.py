"""Putting an upload into a case, or into another: never across organisations."""

from uuid import uuid4

import pytest
from flask import Flask

from app.domain.lifecycle import UploadState
from app.domain.policy import SYSTEM, Scope
from app.models import Organisation
from app.queries import uploads as uploads_query
from app.services.letters import compose
from app.system import System
from tests.factories.people import bearer
from tests.factories.tickets import basic, holder, issue_ticket, make_case, organisation_of
from tests.factories.uploads import make_upload
from tests.integration.looking import outbox
from tests.web.callers import Browser, Caller
from tests.web.looks import deeds, document, problem, uploads


@pytest.fixture
def ours(system: System, customer: Caller) -> Organisation:
    return organisation_of(system, customer.actor)


def test_moved_and_taken_out_with_before_and_after(customer: Caller, system: System) -> None:
    upload = make_upload(system, customer.actor, case="CS-1")
    path = f"/api/v1/uploads/{upload.id}"
    for case, kept in (("cs-2", "CS-2"), ("CS-2", "CS-2"), (None, None), ("CS-3", "CS-3")):
        assert document(customer.ask("PATCH", path, json={"case": case}), 200)["case"] == kept
    trail = [
        (deed.detail.get("before"), deed.detail.get("after")) for deed in deeds(system, "upload.attached")
    ]
    assert trail == [("CS-1", "CS-2"), ("CS-2", None), (None, "CS-3")]
    found = customer.get("/api/v1/uploads?case=CS-3").get_json()["items"]
    assert [item["id"] for item in found] == [str(upload.id)]
    assert customer.get("/api/v1/uploads?case=CS-1").get_json()["items"] == []


def test_staff_put_it_into_a_case_of_its_organisation(
    customer: Caller, stranger: Caller, engineer: Caller, system: System
) -> None:
    """There is a case of that reference elsewhere; the upload does not go there."""
    theirs = make_upload(system, stranger.actor, case="CS-9")
    upload = make_upload(system, customer.actor)
    document(engineer.ask("PATCH", f"/api/v1/uploads/{upload.id}", json={"case": "CS-9"}), 200)
    rows = {row.id: row for row in uploads(system)}
    assert rows[upload.id].organisation_id == customer.actor.organisation_id
    assert [item["id"] for item in stranger.get("/api/v1/uploads?case=CS-9").get_json()["items"]] == [
        str(theirs.id)
    ]
    assert len(engineer.get("/api/v1/cases?q=CS-9").get_json()["items"]) == 2


def test_a_strangers_upload_is_no_upload(customer: Caller, stranger: Caller, system: System) -> None:
    upload = make_upload(system, customer.actor, case="CS-1")
    for target in (upload.id, uuid4()):
        problem(stranger.ask("PATCH", f"/api/v1/uploads/{target}", json={"case": "CS-2"}), 404, "not_found")
        assert stranger.ask("POST", f"/files/{target}/case", data={"case": "CS-2"}).status_code == 404
    assert [row.case_reference for row in uploads(system)] == ["CS-1"]
    assert stranger.get("/api/v1/cases").get_json()["items"] == []


@pytest.mark.parametrize("case", ["a;b", "x" * 65, 7, ["CS-1"]])
def test_what_is_no_reference_changes_nothing(customer: Caller, system: System, case: object) -> None:
    upload = make_upload(system, customer.actor, case="CS-1")
    answer = customer.ask("PATCH", f"/api/v1/uploads/{upload.id}", json={"case": case})
    problem(answer, 422, "invalid_input")
    assert [row.case_reference for row in uploads(system)] == ["CS-1"]


def test_a_token_needs_the_scope_to_write(app: Flask, customer: Caller, system: System) -> None:
    """T39."""
    upload = make_upload(system, customer.actor)
    customer.headers = bearer(system, customer.account, Scope.READ)
    answer = customer.ask("PATCH", f"/api/v1/uploads/{upload.id}", json={"case": "CS-1"})
    assert "uploads:write" in problem(answer, 403, "forbidden")["detail"]


def test_what_came_with_a_ticket_may_be_moved_by_staff(
    engineer: Caller, customer: Caller, ours: Organisation, system: System
) -> None:
    issued = issue_ticket(system, "CS-1", ours.id)
    upload = make_upload(system, holder(issued))
    moved = document(engineer.ask("PATCH", f"/api/v1/uploads/{upload.id}", json={"case": "CS-2"}), 200)
    assert (moved["case"], moved["uploaded_by"]) == ("CS-2", f"ticket {issued.code[:4]} for CS-1")


def test_its_sender_sees_the_case_of_the_ticket(
    app: Flask, engineer: Caller, ours: Organisation, system: System
) -> None:
    """T1: how support calls its other cases is none of theirs, whatever of ours they look at."""
    issued = issue_ticket(system, "CS-1", ours.id, recipient="guest@elsewhere.example")
    upload = make_upload(system, holder(issued), UploadState.CLEAN)
    document(engineer.ask("PATCH", f"/api/v1/uploads/{upload.id}", json={"case": "HIDDEN-2"}), 200)
    guest = Caller(app, system)
    guest.headers = basic(issued)
    seen = [guest.get(f"/api/v1/uploads/{upload.id}{more}") for more in ("", "/receipt")]
    assert [answer.get_json()["case"] for answer in seen] == ["CS-1", "CS-1"]
    pages = [Browser(app).get(f"/t/{issued.code}{more}").text for more in ("", f"/files/{upload.id}")]
    assert all("CS-1" in page and "HIDDEN-2" not in page for page in pages)
    with system.work() as uow:
        uow.session.expire_all()
        mails = [
            compose(row, uploads_query.get(uow.session, SYSTEM, upload.id), "https://diag.example.com")
            for row in outbox(system, upload.id)
        ]
    theirs = {mail.subject.split("]")[0] for mail in mails if mail.to == "guest@elsewhere.example"}
    ours_say = {mail.subject.split("]")[0] for mail in mails if mail.to == engineer.account.email}
    assert (theirs, ours_say) == ({"[CS-1"}, {"[HIDDEN-2"})


def test_a_case_that_nothing_is_known_of_goes_when_its_upload_does(customer: Caller, system: System) -> None:
    """T12: one upload makes one case, however often it is moved."""
    upload = make_upload(system, customer.actor, case="CS-0")
    for number in range(1, 6):
        customer.ask("PATCH", f"/api/v1/uploads/{upload.id}", json={"case": f"CS-{number}"})
    assert [item["reference"] for item in customer.get("/api/v1/cases").get_json()["items"]] == ["CS-5"]
    assert [deed.detail["case"] for deed in deeds(system, "case.removed")] == [f"CS-{n}" for n in range(5)]
    customer.ask("PATCH", f"/api/v1/uploads/{upload.id}", json={"case": None})
    assert customer.get("/api/v1/cases").get_json()["items"] == []


@pytest.mark.parametrize("what", ["title", "closed", "ticket", "upload"])
def test_a_case_of_which_something_is_known_stays(
    customer: Caller, engineer: Caller, ours: Organisation, system: System, what: str
) -> None:
    upload = make_upload(system, customer.actor, case="CS-1")
    case = make_case(system, "CS-1", ours.id)
    if what == "ticket":
        issue_ticket(system, "CS-1", ours.id)
    elif what == "upload":
        make_upload(system, customer.actor, UploadState.DELETED, case="CS-1")
    else:
        said = {"title": "Fail-over failed"} if what == "title" else {"state": "closed"}
        document(engineer.ask("PATCH", f"/api/v1/cases/{case.id}", json=said), 200)
    customer.ask("PATCH", f"/api/v1/uploads/{upload.id}", json={"case": "CS-2"})
    kept = {item["reference"] for item in customer.get("/api/v1/cases").get_json()["items"]}
    assert kept == {"CS-1", "CS-2"}


def test_the_file_page_has_the_form_and_the_way_to_the_case(
    app: Flask, customer: Caller, system: System
) -> None:
    upload = make_upload(system, customer.actor)
    browser = Browser(app)
    browser.sign_in(customer.account.email)
    assert "Put it into a case" in browser.get(f"/files/{upload.id}").text
    answer = browser.post(f"/files/{upload.id}/case", {"case": "cs-4"})
    page = browser.get(answer.location).text
    (case,) = customer.get("/api/v1/cases").get_json()["items"]
    assert f'href="/cases/{case["id"]}"' in page
    assert 'value="CS-4"' in page
    assert "No case → CS-4" in page
    browser.post(f"/files/{upload.id}/case", {"case": " "})
    assert "CS-4 → no case" in browser.get(f"/files/{upload.id}").text
