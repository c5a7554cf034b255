"""The words of tus 1.0.0 (https://tus.io/protocols/resumable-upload): core, creation, termination."""

import base64
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.domain.lifecycle import UploadState
from app.settings import Settings
from app.system import System
from tests.factories.requests import TGZ
from tests.factories.uploads import make_upload
from tests.web.callers import Caller
from tests.web.looks import came_to_nothing, document, only_upload, problem, stored, uploads
from tests.web.tus import PATCH_TYPE, VERSION, Tus, metadata

LIMIT = 10_000
NAME = metadata(filename="web-01.tgz")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"max_upload_bytes": LIMIT})


@pytest.fixture
def tus(customer: Caller) -> Tus:
    return Tus(customer)


@pytest.mark.parametrize("path", ["/tus", f"/tus/{UUID(int=7)}"])
def test_options_says_what_is_offered_to_anybody(customer: Caller, path: str) -> None:
    answer = customer.client.open(path, method="OPTIONS")
    assert answer.status_code == 204
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert answer.headers["Tus-Max-Size"] == str(LIMIT)
    assert answer.headers["Tus-Extension"].split(",") == ["creation", "termination", "checksum"]
    assert answer.headers["Tus-Checksum-Algorithm"].split(",") == ["sha256", "sha1"]


@pytest.mark.parametrize("method", ["POST", "HEAD", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "version", [{}, {"Tus-Resumable": "0.2.2"}, {"Tus-Resumable": "1.0"}, {"Tus-Resumable": ""}]
)
def test_another_version_is_refused_untouched(
    tus: Tus, system: System, method: str, version: dict[str, str]
) -> None:
    tus.create()
    answer = tus.caller.ask(
        method,
        "/tus" if method == "POST" else tus.place,
        headers={"Upload-Offset": "0", "Content-Type": PATCH_TYPE, **version},
        data=None if method == "HEAD" else TGZ,
    )
    assert answer.status_code == 412
    assert answer.headers["Tus-Version"] == answer.headers["Tus-Resumable"] == "1.0.0"
    assert (only_upload(system).state, only_upload(system).received_bytes) == (UploadState.RECEIVING, 0)


def test_creation_gives_a_place(tus: Tus, system: System) -> None:
    tus.create(case="cs-1", note="Häh?", unknown="ignored")
    upload = only_upload(system)
    assert tus.place == f"/tus/{upload.id}"
    assert (upload.filename, upload.case_reference, upload.note) == ("web-01.tgz", "CS-1", "Häh?")
    assert (upload.declared_bytes, upload.door) == (len(TGZ), "tus")
    answer = tus.head()
    assert (answer.headers["Upload-Offset"], answer.headers["Upload-Length"]) == ("0", str(len(TGZ)))
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("length", [None, "", "-1", "+5", "1.5", "0x10", "abc", "1 0", "\u0661", "9" * 30])
def test_creation_needs_a_length(tus: Tus, system: System, length: str | None) -> None:
    headers = {"Upload-Metadata": NAME} | ({} if length is None else {"Upload-Length": length})
    problem(tus.ask("POST", "/tus", headers), 400, "bad_request")
    assert uploads(system) == []


def test_a_length_that_nobody_knows_yet_is_not_offered(tus: Tus, system: System) -> None:
    problem(
        tus.ask("POST", "/tus", {"Upload-Defer-Length": "1", "Upload-Metadata": NAME}), 400, "bad_request"
    )
    assert uploads(system) == []


@pytest.mark.parametrize(
    ("length", "status", "code"),
    [(LIMIT + 1, 413, "too_large"), (10**17, 413, "too_large"), (0, 415, "wrong_content")],
)
def test_creation_judges_the_length(tus: Tus, system: System, length: int, status: int, code: str) -> None:
    headers = {"Upload-Length": str(length), "Upload-Metadata": NAME}
    problem(tus.ask("POST", "/tus", headers), status, code)
    assert uploads(system) == []


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("field", "status"),
    [
        (f"filename {_encoded('a.tgz')}", 201),
        (f"name {_encoded('a.tgz')}", 201),
        (f"filename {_encoded('a.tgz')},is_confidential", 201),
        (f" filename  {_encoded('a.tgz')} , , case {_encoded('cs-1')} ", 201),
        (f"case ,filename {_encoded('a.tgz')}", 201),
        ("", 422),
        ("filename", 422),
        (f"case {_encoded('cs-1')}", 422),
        ("filename a.tgz", 400),
        ("filename !!!!", 400),
        ("filename YQ", 400),
        ("filename //4=", 400),  # not UTF-8
        (f"filename {_encoded('a.tgz')},sha256 {_encoded('12')}", 422),
        (f"filename {_encoded('a.tgz')},case {_encoded('<b>')}", 422),
    ],
)
def test_creation_reads_metadata_strictly(tus: Tus, system: System, field: str, status: int) -> None:
    answer = tus.ask("POST", "/tus", {"Upload-Length": "9", "Upload-Metadata": field})
    assert answer.status_code == status
    assert len(uploads(system)) == (status == 201)


@pytest.mark.parametrize("method", ["HEAD", "PATCH", "DELETE"])
def test_what_is_not_there_is_not_found(tus: Tus, customer: Caller, system: System, method: str) -> None:
    """Uploads that came through another door are none of tus's business."""
    for target in (uuid4(), make_upload(system, customer.actor, UploadState.SEALED).id):
        headers = {"Upload-Offset": "0", "Content-Type": PATCH_TYPE}
        assert tus.ask(method, f"/tus/{target}", headers).status_code == 404
    assert only_upload(system).state is UploadState.SEALED


@pytest.mark.parametrize(
    "content_type", ["application/octet-stream", "application/gzip", "", PATCH_TYPE + "x"]
)
def test_a_chunk_has_its_own_content_type(tus: Tus, content_type: str) -> None:
    answer = tus.create().patch(headers={"Content-Type": content_type})
    assert answer.status_code == 415
    assert tus.offset() == 0


@pytest.mark.parametrize(
    ("offset", "status"), [("1", 409), (str(len(TGZ)), 409), ("-1", 400), ("", 400), ("x", 400)]
)
def test_a_chunk_begins_where_the_last_one_ended(tus: Tus, offset: str, status: int) -> None:
    assert tus.create().patch(headers={"Upload-Offset": offset}).status_code == status
    assert tus.offset() == 0


def test_the_offset_moves_with_every_chunk(tus: Tus) -> None:
    tus.create()
    answer = tus.patch(0, 40)
    assert (answer.status_code, answer.headers["Upload-Offset"], answer.data) == (204, "40", b"")
    assert tus.offset() == 40
    assert tus.patch(40, 40).headers["Upload-Offset"] == "40", "an empty chunk is none"
    problem(tus.patch(0, 40), 409, "wrong_offset")
    assert tus.offset() == 40


def test_the_last_chunk_gets_the_receipt(tus: Tus, system: System) -> None:
    answer = tus.create().patch()
    body = document(answer, 200)
    upload = only_upload(system)
    assert answer.headers["Upload-Offset"] == str(len(TGZ))
    assert answer.headers["Upload-Id"] == body["id"] == str(upload.id)
    assert (body["state"], body["size"]) == ("sealed", len(TGZ))
    assert stored(system) == {upload.storage_key}


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_post_may_stand_for_a_method_that_a_proxy_does_not_know(
    tus: Tus, system: System, method: str
) -> None:
    tus.create()
    headers = {"X-HTTP-Method-Override": method, "Upload-Offset": "0", "Content-Type": PATCH_TYPE}
    answer = tus.ask("POST", tus.place, headers, data=TGZ)
    assert answer.status_code == (200 if method == "PATCH" else 204)
    expected = UploadState.SEALED if method == "PATCH" else UploadState.ABANDONED
    assert only_upload(system).state is expected


@pytest.mark.parametrize(
    "override", [{}, {"X-HTTP-Method-Override": "PUT"}, {"X-HTTP-Method-Override": "HEAD"}]
)
def test_post_stands_for_nothing_else(tus: Tus, override: dict[str, str]) -> None:
    problem(tus.create().ask("POST", tus.place, override, data=TGZ), 400, "bad_request")
    assert tus.offset() == 0


@pytest.mark.parametrize("arrived", [0, 40])
def test_termination_frees_the_bytes(tus: Tus, system: System, arrived: int) -> None:
    tus.create().patch(0, arrived)
    assert tus.delete().status_code == 204
    came_to_nothing(system, UploadState.ABANDONED)
    problem(tus.patch(arrived), 410, "gone")
    assert tus.head().status_code == 410
    assert tus.delete().status_code == 204, "what has ended may be ended again"


def test_what_is_complete_cannot_be_withdrawn(tus: Tus, system: System) -> None:
    tus.create().patch()
    problem(tus.delete(), 409, "state_conflict")
    assert len(stored(system)) == 1


def test_a_place_is_only_for_whoever_has_made_it(
    tus: Tus, stranger: Caller, engineer: Caller, admin: Caller
) -> None:
    tus.create()
    answers: dict[str, Any] = {
        name: who.ask("HEAD", tus.place, headers=VERSION).status_code
        for name, who in (("stranger", stranger), ("engineer", engineer), ("admin", admin))
    }
    assert answers == {"stranger": 404, "engineer": 403, "admin": 403}
