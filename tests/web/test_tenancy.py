"""T2, C10: another organisation's upload answers like one that does not exist, byte for byte."""

from uuid import uuid4

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.domain.lifecycle import UploadState
from app.models import Organisation
from app.services.intake import records
from app.system import System
from tests.architecture.access_matrix import read_matrix
from tests.factories.requests import TGZ, request_for
from tests.factories.uploads import make_upload
from tests.web.callers import Caller, without_what_differs
from tests.web.looks import document, only_upload

BY_ID = sorted(key for key in read_matrix() if key[1].count("<") == 1 and "<uuid:upload_id>" in key[1])
_ONE_REQUESTS_HEADERS = {"Date", "X-Request-Id", "Set-Cookie"}  # the cookie keeps the CSRF token


def fingerprint(response: TestResponse) -> tuple[int, str, list[tuple[str, str]]]:
    """Return everything that may tell one answer from another, bar what every request gets anew."""
    headers = [(name, value) for name, value in response.headers if name not in _ONE_REQUESTS_HEADERS]
    return response.status_code, without_what_differs(response), sorted(headers)


def make_tus_upload(system: System, owner: Caller) -> object:
    with system.work(owner.actor) as uow:
        return records.start(uow, records.Announcement("tus", "a.tgz", len(TGZ)), "filesystem").id


@pytest.mark.parametrize("rule", sorted({rule for _, rule in BY_ID}))
def test_a_foreign_id_and_a_random_id_get_the_same_answer(
    rule: str, customer: Caller, stranger: Caller, system: System
) -> None:
    foreign = [make_upload(system, customer.actor, state).id for state in UploadState]
    targets = (uuid4(), *foreign, make_tus_upload(system, customer))
    for method in sorted(method for method, known in BY_ID if known == rule):
        for accept in ("*/*", "text/html", "application/json"):
            answers = [fingerprint(ask(stranger, method, rule, target, accept)) for target in targets]
            assert answers == answers[:1] * len(answers), (method, accept)
            assert answers[0][0] in ({200, 204, 403} if method == "OPTIONS" else {403, 404})


def ask(who: Caller, method: str, rule: str, target: object, accept: str) -> TestResponse:
    request = request_for(method, rule, target)
    return who.ask(**request | {"headers": {"Accept": accept, **request.get("headers", {})}})


@pytest.mark.parametrize("path", ["/files", "/api/v1/uploads"])
def test_no_list_search_or_filter_shows_another_organisations(
    path: str, customer: Caller, stranger: Caller, system: System
) -> None:
    upload = make_upload(system, customer.actor, filename="secret-name.tgz", case="CS-77")
    organisation = upload.organisation.slug
    narrowed = (
        "",
        "?q=secret",
        "?case=CS-77",
        f"?organisation={organisation}",
        "?state=sealed",
        f"?q={upload.sha256}",
    )
    for query in narrowed:
        answer = stranger.get(path + query, headers={"Accept": "application/json"})
        assert answer.get_json() == {"items": [], "next_cursor": None}, query
    assert [item["id"] for item in customer.get("/api/v1/uploads?q=secret").get_json()["items"]] == [
        str(upload.id)
    ]


def test_no_page_of_a_stranger_holds_anything_of_ours(
    customer: Caller, stranger: Caller, system: System
) -> None:
    upload = make_upload(
        system, customer.actor, UploadState.INFECTED, filename="secret-name.tgz", case="CS-77"
    )
    needles = (upload.filename, str(upload.id), "CS-77", customer.account.email, upload.organisation.slug)
    for path in ("/", "/files", "/files?state=infected"):
        page = stranger.get(path, headers={"Accept": "text/html"}).text
        assert [needle for needle in needles if needle in page] == [], path


def test_colleagues_see_each_others_uploads_but_do_not_continue_them(
    app: Flask, customer: Caller, system: System
) -> None:
    with system.work() as uow:
        ours = uow.session.get_one(Organisation, customer.account.organisation_id)
    colleague = Caller(app, system, organisation=ours)
    target = make_tus_upload(system, customer)
    assert colleague.get(f"/files/{target}").status_code == 200
    assert colleague.ask("HEAD", f"/tus/{target}", headers={"Tus-Resumable": "1.0.0"}).status_code == 404
    assert colleague.ask("DELETE", f"/tus/{target}", headers={"Tus-Resumable": "1.0.0"}).status_code == 404
    assert only_upload(system).state is UploadState.RECEIVING


def test_an_idempotency_key_belongs_to_whoever_sent_it(customer: Caller, stranger: Caller) -> None:
    key = {"Idempotency-Key": "the same"}
    ours = document(customer.put(TGZ, headers=key))
    theirs = document(stranger.put(TGZ, headers=key))
    assert ours["id"] != theirs["id"]
    assert ours["organisation"] != theirs["organisation"]
