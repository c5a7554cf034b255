"""How many bodies are taken at a time: T9. Of one organisation, and in all."""

from io import BytesIO
from uuid import uuid4

import pytest
from flask import Flask

from app.domain.lifecycle import UploadState
from app.settings import Settings
from app.system import System
from app.web.open_bodies import OpenBodies
from tests.factories.requests import TGZ
from tests.web.callers import Caller
from tests.web.looks import document, problem, uploads
from tests.web.tus import Tus


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"web_threads": 9, "web_reserved_threads": 4, "max_open_bodies": 2})


@pytest.fixture
def bodies(app: Flask) -> OpenBodies:
    counted: OpenBodies = app.extensions["diagport.bodies"]
    return counted


def test_an_organisation_has_its_share(
    bodies: OpenBodies, customer: Caller, stranger: Caller, system: System
) -> None:
    for _ in range(2):
        bodies.enter(customer.actor.organisation_id)
    answer = customer.put(TGZ)
    assert "Your organisation is sending 2" in problem(answer, 503, "busy")["detail"]
    assert int(answer.headers["Retry-After"]) > 0
    assert uploads(system) == []
    document(stranger.put(TGZ))
    bodies.leave(customer.actor.organisation_id)
    document(customer.put(TGZ))


def test_a_reserve_is_left_for_pages(bodies: OpenBodies, customer: Caller) -> None:
    for _ in range(5):
        bodies.enter(uuid4())
    form = customer.send_form(("diag", "a.tgz", TGZ))
    assert "Too many bundles are arriving" in problem(form, 503, "busy")["detail"]
    assert customer.get("/files").status_code == 200


def test_a_chunk_that_comes_too_many_moves_nothing(bodies: OpenBodies, customer: Caller) -> None:
    tus = Tus(customer).create()
    for _ in range(2):
        bodies.enter(customer.actor.organisation_id)
    problem(tus.patch(), 503, "busy")
    assert tus.offset() == 0
    bodies.leave(customer.actor.organisation_id)
    document(tus.patch(), 200)


def test_whatever_came_of_it_nobody_is_counted_afterwards(customer: Caller, system: System) -> None:
    for _ in range(4):
        document(customer.put(TGZ))
        problem(customer.put(b"PK\3\4"), 415, "wrong_content")
        problem(
            customer.ask(
                "PUT",
                "/upload/a.tgz",
                input_stream=BytesIO(TGZ),
                environ_overrides={"CONTENT_LENGTH": "1000000"},
            ),
            400,
            "truncated",
        )
        document(customer.send_form(("diag", "a.tgz", TGZ)))
        problem(customer.send_form(("case", None, b"x")), 400, "bad_request")
    assert {upload.state for upload in uploads(system)} == {
        UploadState.SEALED,
        UploadState.REJECTED,
        UploadState.ABANDONED,
    }
