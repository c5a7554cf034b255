"""T12: what a ticket lets somebody without an account do, and nothing beside it."""

from uuid import UUID

import pytest
from flask import Flask

from app.domain.lifecycle import UploadState
from app.services.intake import records
from app.services.quota import QuotaError
from app.services.tickets import Issued
from app.system import System
from tests.factories.requests import TGZ
from tests.factories.tickets import (
    basic,
    basic_of,
    close_case,
    holder,
    issue_ticket,
    let_expire,
    ticket_now,
)
from tests.factories.uploads import make_upload
from tests.web.callers import Caller
from tests.web.looks import deeds, document, only_upload, problem, stored, uploads
from tests.web.parts import check_whole, join, parts, places
from tests.web.tus import Tus


@pytest.fixture
def issued(system: System, customer: Caller) -> Issued:
    return issue_ticket(system, "CS-1", customer.actor.organisation_id, uploads=2)


@pytest.fixture
def guest(app: Flask, system: System, issued: Issued) -> Caller:
    """Give somebody who sends the ticket as `curl -u CASE:TICKET` does."""
    guest = Caller(app, system)
    guest.headers = basic(issued)
    return guest


def revoke(engineer: Caller, issued: Issued) -> None:
    document(engineer.ask("DELETE", f"/api/v1/tickets/{issued.seen.ticket.id}"), 200)


def test_what_is_sent_belongs_to_the_tickets_case(guest: Caller, issued: Issued, system: System) -> None:
    """Whatever else was announced; and the ticket sees what became of it."""
    answer = guest.put(TGZ, "web-01.tgz", "?case=CS-99&note=Down")
    body = document(answer)
    assert (body["case"], body["note"], body["filename"]) == ("CS-1", "Down", "web-01.tgz")
    assert body["uploaded_by"] == f"ticket {issued.code[:4]} for CS-1"
    assert answer.location == f"/api/v1/uploads/{body['id']}"
    assert guest.get(answer.location).status_code == 202
    row = only_upload(system)
    assert (row.uploader_id, row.ticket_id) == (None, issued.seen.ticket.id)
    (deed,) = deeds(system, "upload.sealed")
    assert (deed.actor_label, deed.actor_id) == (f"ticket {issued.code[:4]} for CS-1", row.ticket_id)


def test_every_door_takes_it(guest: Caller, system: System) -> None:
    assert guest.send_form(("diag", "a.tgz", TGZ)).status_code == 201
    assert Tus(guest).create().patch().status_code == 200
    assert {row.door for row in uploads(system)} == {"form", "tus"}


@pytest.mark.parametrize("case", ["cs-1", " Cs-1 "])
@pytest.mark.parametrize("spell", [str.lower, lambda code: code.replace("-", "")], ids=["lower", "bare"])
def test_any_spelling_will_do(guest: Caller, issued: Issued, case: str, spell: object) -> None:
    guest.headers = basic_of(case, spell(issued.code))  # type: ignore[operator]
    assert guest.put(TGZ).status_code == 201


def test_a_case_with_colons_is_told_from_its_ticket(guest: Caller, system: System) -> None:
    """RFC 7617: a user name has none, so the first one ends it."""
    issued = issue_ticket(system, "SR:2026:7")
    guest.headers = basic(issued)
    assert document(guest.put(TGZ))["case"] == "SR:2026:7"


@pytest.mark.parametrize("case", ["CS-2", "", "CS-1:CS-1"])
def test_with_another_case_nobody_is_known(guest: Caller, issued: Issued, system: System, case: str) -> None:
    guest.headers = basic_of(case, issued.code)
    problem(guest.put(TGZ), 401, "not_signed_in")
    assert uploads(system) == []


def test_the_last_use_is_the_last(guest: Caller, system: System) -> None:
    """T12: one use more than allowed is 410, and leaves nothing."""
    for _ in range(2):
        assert guest.put(TGZ).status_code == 201
    assert "used up" in problem(guest.put(TGZ), 410, "gone")["detail"]
    answer = guest.send_form(("diag", "a.tgz", TGZ))
    problem(answer, 410, "gone")
    asked = {"Tus-Resumable": "1.0.0", "Upload-Length": "9", "Upload-Metadata": "filename YS50Z3o="}
    assert guest.ask("POST", "/tus", headers=asked).status_code == 410
    assert len(uploads(system)) == len(stored(system)) == 2


def test_what_comes_to_nothing_costs_no_use(guest: Caller, issued: Issued, system: System) -> None:
    for _ in range(3):
        assert guest.put(b"PK\x03\x04" + bytes(2000)).status_code == 415
    assert Tus(guest).create().delete().status_code == 204
    row = ticket_now(system, issued)
    assert (row.used_uploads, row.used_bytes) == (0, 0)
    assert guest.put(TGZ).status_code == 201
    assert (ticket_now(system, issued).used_uploads, ticket_now(system, issued).used_bytes) == (1, len(TGZ))


def test_bytes_are_counted_over_all_uploads(guest: Caller, system: System) -> None:
    issued = issue_ticket(system, uploads=9, size=len(TGZ) + 50)
    guest.headers = basic(issued)
    assert guest.put(TGZ).status_code == 201
    assert "50 bytes left" in problem(guest.put(TGZ), 413, "quota_exceeded")["detail"]
    assert ticket_now(system, issued).used_uploads == 1


def test_a_last_use_that_grows_too_large_is_told_so(system: System) -> None:
    """Its own use is not what it lacks."""
    issued = issue_ticket(system, uploads=1, size=50)
    with system.work(holder(issued)) as uow:
        upload = records.start(uow, records.Announcement("put", "a.tgz"), "filesystem")
    with (
        pytest.raises(QuotaError, match="has 50 bytes left, and this needs 51"),
        system.work(holder(issued)) as uow,
    ):
        records.checkpoint(uow, upload.id, 51)
    assert ticket_now(system, issued).used_bytes == 0


def test_it_reads_nothing_but_its_own(guest: Caller, customer: Caller, system: System) -> None:
    """T12, C11: no list, no bytes, no page, not even of its own case."""
    own = document(guest.put(TGZ))["id"]
    other = make_upload(system, customer.actor, UploadState.CLEAN, case="CS-1").id
    assert guest.get(f"/api/v1/uploads/{own}").status_code == 202
    problem(guest.get(f"/api/v1/uploads/{other}"), 404, "not_found")
    for path in (f"/api/v1/uploads/{own}/content", f"/download/{own}", f"/files/{own}", "/files", "/cases"):
        problem(guest.get(path), 403, "forbidden")
    for path in ("/api/v1/uploads", "/api/v1/cases", f"/files/{own}/receipt", "/", "/quarantine"):
        assert guest.get(path).status_code == 403
    assert guest.ask("PATCH", f"/api/v1/uploads/{own}", json={"case": "CS-2"}).status_code == 403
    assert guest.ask("DELETE", f"/api/v1/uploads/{own}").status_code == 403


def test_it_extends_nothing(guest: Caller, issued: Issued, system: System) -> None:
    """T12."""
    path = f"/api/v1/tickets/{issued.seen.ticket.id}"
    for method in ("GET", "PATCH", "DELETE"):
        problem(guest.ask(method, path, json={"days": 90}), 403, "forbidden")
    assert guest.ask("POST", f"/tickets/{issued.seen.ticket.id}/refresh").status_code == 403
    assert ticket_now(system, issued).max_uploads == 2


def test_expired_it_finishes_what_it_began_and_begins_nothing(
    guest: Caller, issued: Issued, system: System
) -> None:
    begun = Tus(guest).create()
    assert begun.patch(0, 20).status_code == 204
    let_expire(system, issued)
    assert "expired" in problem(guest.put(TGZ), 410, "gone")["detail"]
    assert begun.offset() == 20
    done = begun.patch(20)
    assert done.status_code == 200
    assert guest.get(f"/api/v1/uploads/{done.headers['Upload-Id']}").status_code == 202
    let_expire(system, issued, seconds=system.settings.resumable_for + 1)
    problem(guest.get(f"/api/v1/uploads/{done.headers['Upload-Id']}"), 410, "gone")


def test_expired_it_joins_the_parts_that_it_sent(guest: Caller, issued: Issued, system: System) -> None:
    sent = parts(guest)
    let_expire(system, issued)
    check_whole(system, document(join(Tus(guest), places(sent))))
    asked = {"Upload-Length": "9", "Upload-Concat": "partial"}
    problem(Tus(guest).ask("POST", "/tus", asked), 410, "gone")


def test_revoked_the_next_chunk_is_refused_and_what_came_is_gone(
    guest: Caller, engineer: Caller, issued: Issued, system: System
) -> None:
    """T12: mid-upload."""
    begun = Tus(guest).create()
    assert begun.patch(0, 20).status_code == 204
    revoke(engineer, issued)
    refused = [begun.patch(20), begun.head(), begun.delete(), guest.put(TGZ)]
    assert [answer.status_code for answer in refused] == [410] * 4
    row = only_upload(system)
    assert (row.state, row.held_bytes) == (UploadState.ABANDONED, None)
    assert "withdrawn" in str(row.reason)
    assert stored(system) == set()
    assert ticket_now(system, issued).used_bytes == 0


def test_what_was_received_outlives_the_ticket(guest: Caller, engineer: Caller, issued: Issued) -> None:
    upload_id = document(guest.put(TGZ))["id"]
    revoke(engineer, issued)
    problem(guest.get(f"/api/v1/uploads/{upload_id}"), 410, "gone")
    assert engineer.get(f"/api/v1/uploads/{upload_id}").get_json()["state"] == "sealed"


def test_closed_it_ends_and_reopened_it_goes_on(
    guest: Caller, issued: Issued, engineer: Caller, system: System
) -> None:
    begun = Tus(guest).create()
    assert begun.patch(0, 20).status_code == 204
    close_case(system, issued)
    assert begun.patch(20).status_code == 410
    assert "closed" in problem(guest.put(TGZ), 410, "gone")["detail"]
    path = f"/api/v1/cases/{issued.seen.ticket.case_id}"
    document(engineer.ask("PATCH", path, json={"state": "open"}), 200)
    assert begun.patch(20).status_code == 200


@pytest.mark.parametrize(
    ("address", "status"),
    [("192.0.2.9", 201), ("::ffff:192.0.2.9", 201), ("2001:db8::9", 201), ("198.51.100.1", 403), ("", 403)],
)
def test_it_is_good_from_its_networks_only(guest: Caller, system: System, address: str, status: int) -> None:
    issued = issue_ticket(system, uploads=2, networks=("192.0.2.0/24", "2001:db8::/32"))
    guest.headers = basic(issued)
    answer = guest.put(TGZ, environ_base={"REMOTE_ADDR": address})
    assert answer.status_code == status, answer.text
    page = guest.client.get(f"/t/{issued.code}", environ_base={"REMOTE_ADDR": address})
    assert page.status_code == (200 if status == 201 else 403)


def test_two_tickets_of_a_case_know_nothing_of_each_other(
    app: Flask, guest: Caller, customer: Caller, system: System
) -> None:
    """C11: siblings."""
    sibling = Caller(app, system)
    sibling.headers = basic(issue_ticket(system, "CS-1", customer.actor.organisation_id))
    begun = Tus(guest).create()
    theirs = UUID(begun.place.rsplit("/", 1)[1])
    problem(sibling.get(f"/api/v1/uploads/{theirs}"), 404, "not_found")
    elsewhere = Tus(sibling)
    elsewhere.place = begun.place
    assert [elsewhere.head().status_code, elsewhere.patch().status_code, elsewhere.delete().status_code] == [
        404
    ] * 3
    key = {"Idempotency-Key": "the same"}
    assert document(guest.put(TGZ, headers=key))["id"] != document(sibling.put(TGZ, headers=key))["id"]
