"""tus 1.0.0, the core protocol: HEAD, PATCH, OPTIONS, versions, methods in disguise."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from app.domain.lifecycle import UploadState
from app.settings import Settings
from app.system import System
from tests.factories.requests import TGZ
from tests.factories.uploads import make_upload
from tests.web.callers import Caller
from tests.web.looks import came_to_nothing, document, only_upload, problem, stored
from tests.web.tus import PATCH_TYPE, VERSION, Tus

LIMIT = 10_000


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"max_upload_bytes": LIMIT})


@pytest.fixture
def tus(customer: Caller) -> Tus:
    return Tus(customer)


@pytest.mark.parametrize("path", ["/tus", f"/tus/{UUID(int=7)}"])
def test_options_says_what_is_offered_to_anybody(customer: Caller, path: str) -> None:
    """OPTIONS needs no version and no sign-in; it names versions, extensions, limit and checksums."""
    answer = customer.client.open(path, method="OPTIONS")
    assert answer.status_code == 204
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert answer.headers["Tus-Max-Size"] == str(LIMIT)
    assert answer.headers["Tus-Extension"].split(",") == [
        "creation", "creation-with-upload", "creation-defer-length",
        "checksum", "expiration", "termination", "concatenation",
    ]  # fmt: skip
    assert answer.headers["Tus-Checksum-Algorithm"].split(",") == ["sha256", "sha1", "crc32"]
    assert answer.headers["Tus-Resumable"] == "1.0.0"


@pytest.mark.parametrize("method", ["POST", "HEAD", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "version", [{}, {"Tus-Resumable": "0.2.2"}, {"Tus-Resumable": "1.0"}, {"Tus-Resumable": ""}]
)
def test_another_version_is_refused_untouched(
    tus: Tus, system: System, method: str, version: dict[str, str]
) -> None:
    """Tus-Resumable must name a version that is spoken; otherwise 412, the versions, and nothing done."""
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


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/tus", 405), ("PUT", "/tus", 405), ("GET", f"/tus/{UUID(int=7)}", 405), ("HEAD", "/tus/x", 404),
     ("POST", "/tus/", 404), ("PATCH", "/tus/1/2", 404)],
)  # fmt: skip
def test_the_version_stands_on_every_answer(tus: Tus, method: str, path: str, status: int) -> None:
    """Tus-Resumable is on every answer, also where there is no such address."""
    assert tus.ask(method, path).status_code == status
    assert "Tus-Resumable" not in tus.caller.get("/tusk").headers


@pytest.mark.parametrize("method", ["HEAD", "PATCH", "DELETE"])
def test_what_is_not_there_is_not_found(tus: Tus, customer: Caller, system: System, method: str) -> None:
    """404 without an offset; uploads that came through another door are none of tus's business."""
    for target in (uuid4(), make_upload(system, customer.actor, UploadState.SEALED).id):
        headers = {"Upload-Offset": "0", "Content-Type": PATCH_TYPE}
        assert tus.ask(method, f"/tus/{target}", headers).status_code == 404
    assert only_upload(system).state is UploadState.SEALED


def test_head_always_tells_the_offset_and_is_never_cached(tus: Tus) -> None:
    """Upload-Offset, also when it is 0 or the upload is complete; Upload-Length; Cache-Control: no-store."""
    tus.create()
    for sent in (0, 40, len(TGZ)):
        if sent:
            tus.patch(tus.offset(), sent)
        answer = tus.head()
        assert (answer.status_code, answer.data) == (200, b"")
        assert answer.headers["Upload-Offset"] == str(sent)
        assert answer.headers["Upload-Length"] == str(len(TGZ))
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "content_type", ["application/octet-stream", "application/gzip", "", PATCH_TYPE + "x"]
)
def test_a_chunk_has_its_own_content_type(tus: Tus, content_type: str) -> None:
    """PATCH is application/offset+octet-stream, or 415."""
    answer = tus.create().patch(headers={"Content-Type": content_type})
    assert answer.status_code == 415
    assert tus.offset() == 0


@pytest.mark.parametrize(
    ("offset", "status"), [("1", 409), (str(len(TGZ)), 409), ("-1", 400), ("", 400), ("x", 400)]
)
def test_a_chunk_begins_where_the_last_one_ended(tus: Tus, offset: str, status: int) -> None:
    """Upload-Offset must be the current offset, or 409 and nothing is changed."""
    assert tus.create().patch(headers={"Upload-Offset": offset}).status_code == status
    assert tus.offset() == 0


def test_the_offset_moves_with_every_chunk(tus: Tus) -> None:
    """204 with the sum of the offset before and the bytes that came; a chunk may be empty."""
    tus.create()
    answer = tus.patch(0, 40)
    assert (answer.status_code, answer.headers["Upload-Offset"], answer.data) == (204, "40", b"")
    assert tus.offset() == 40
    assert tus.patch(40, 40).headers["Upload-Offset"] == "40", "an empty chunk is none"
    problem(tus.patch(0, 40), 409, "wrong_offset")
    assert tus.offset() == 40


def test_the_last_chunk_gets_the_receipt(tus: Tus, system: System) -> None:
    """The last chunk is answered with our receipt, as the contract has it."""
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
    """X-HTTP-Method-Override is the method that counts."""
    tus.create()
    headers = {"X-HTTP-Method-Override": method, "Upload-Offset": "0", "Content-Type": PATCH_TYPE}
    answer = tus.ask("POST", tus.place, headers, data=TGZ)
    assert answer.status_code == (200 if method == "PATCH" else 204)
    expected = UploadState.SEALED if method == "PATCH" else UploadState.ABANDONED
    assert only_upload(system).state is expected


@pytest.mark.parametrize("actual", ["POST", "PATCH", "DELETE", "HEAD"])
def test_the_method_that_is_named_counts_whatever_the_actual_one_is(
    tus: Tus, system: System, actual: str
) -> None:
    """X-HTTP-Method-Override: the actual method is ignored, in any case of letters."""
    tus.create().patch(0, 40)
    asked = tus.ask(actual, tus.place, {"X-HTTP-Method-Override": "head"})
    assert (asked.status_code, asked.headers["Upload-Offset"], asked.data) == (200, "40", b"")
    offered = tus.ask(actual, tus.place, {"X-HTTP-Method-Override": "OPTIONS"})
    assert (offered.status_code, offered.headers["Tus-Version"]) == (204, "1.0.0")
    assert only_upload(system).received_bytes == 40
    assert tus.ask(actual, tus.place, {"X-HTTP-Method-Override": "DELETE"}).status_code == 204
    came_to_nothing(system, UploadState.ABANDONED)


def test_options_in_disguise_makes_no_upload(tus: Tus, system: System) -> None:
    """X-HTTP-Method-Override works at the place of creation too."""
    answer = tus.ask("POST", "/tus", {"X-HTTP-Method-Override": "OPTIONS", "Upload-Length": "9"})
    assert (answer.status_code, answer.headers["Tus-Max-Size"]) == (204, str(LIMIT))
    assert stored(system) == set()


@pytest.mark.parametrize("override", [{}, {"X-HTTP-Method-Override": "PUT"}, {"X-HTTP-Method-Override": ""}])
def test_post_stands_for_nothing_else(tus: Tus, override: dict[str, str]) -> None:
    """Nothing else is known here."""
    problem(tus.create().ask("POST", tus.place, override, data=TGZ), 400, "bad_request")
    assert tus.offset() == 0


def test_a_place_is_only_for_whoever_has_made_it(
    tus: Tus, stranger: Caller, engineer: Caller, admin: Caller
) -> None:
    """T1: what is somebody else's is not there."""
    tus.create()
    answers: dict[str, Any] = {
        name: who.ask("HEAD", tus.place, headers=VERSION).status_code
        for name, who in (("stranger", stranger), ("engineer", engineer), ("admin", admin))
    }
    assert answers == {"stranger": 404, "engineer": 403, "admin": 403}
