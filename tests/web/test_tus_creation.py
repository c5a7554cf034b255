"""tus 1.0.0, creation, creation-defer-length and creation-with-upload."""

import base64
import hashlib
from io import BytesIO
from random import Random
from typing import Any

import pytest

from app.domain.lifecycle import UploadState
from app.settings import Settings
from app.system import System
from tests.factories.bundles import make_tgz
from tests.factories.requests import TGZ
from tests.web.callers import Caller
from tests.web.looks import came_to_nothing, document, only_upload, problem, uploads
from tests.web.tus import PATCH_TYPE, Tus, metadata

LIMIT = 10_000
NAME = metadata(filename="web-01.tgz")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"max_upload_bytes": LIMIT})


@pytest.fixture
def tus(customer: Caller) -> Tus:
    return Tus(customer)


def test_creation_gives_a_place(tus: Tus, system: System) -> None:
    """201 and Location; HEAD repeats Upload-Metadata as it was sent."""
    tus.create(case="cs-1", note="Häh?", unknown="ignored")
    upload = only_upload(system)
    assert tus.place == f"/tus/{upload.id}"
    assert (upload.filename, upload.case_reference, upload.note) == ("web-01.tgz", "CS-1", "Häh?")
    assert (upload.declared_bytes, upload.door) == (len(TGZ), "tus")
    answer = tus.head()
    assert (answer.headers["Upload-Offset"], answer.headers["Upload-Length"]) == ("0", str(len(TGZ)))
    assert answer.headers["Upload-Metadata"] == metadata(
        filename="web-01.tgz", case="cs-1", note="Häh?", unknown="ignored"
    )


@pytest.mark.parametrize("length", [None, "", "-1", "+5", "1.5", "0x10", "abc", "1 0", "\u0661", "9" * 30])
def test_creation_needs_a_length(tus: Tus, system: System, length: str | None) -> None:
    """Upload-Length is a whole number, not negative."""
    headers = {"Upload-Metadata": NAME} | ({} if length is None else {"Upload-Length": length})
    problem(tus.ask("POST", "/tus", headers), 400, "bad_request")
    assert uploads(system) == []


@pytest.mark.parametrize(
    ("length", "status", "code"),
    [(LIMIT + 1, 413, "too_large"), (10**17, 413, "too_large"), (0, 415, "wrong_content")],
)
def test_creation_judges_the_length(tus: Tus, system: System, length: int, status: int, code: str) -> None:
    """413 over the maximum; nothing to send is no bundle."""
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
        (f"filename {_encoded('a.tgz')},filename {_encoded('b.tgz')}", 400),
        (f"filename {_encoded('a.tgz')},caf\u00e9", 400),
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
    """Pairs of a key, each another, and base64; the value may be missing."""
    answer = tus.ask("POST", "/tus", {"Upload-Length": "9", "Upload-Metadata": field})
    assert answer.status_code == status
    assert len(uploads(system)) == (status == 201)


@pytest.fixture
def deferred(tus: Tus) -> Tus:
    """Give an upload of which nobody knows the length."""
    answer = tus.ask("POST", "/tus", {"Upload-Defer-Length": "1", "Upload-Metadata": NAME})
    assert answer.status_code == 201
    tus.place = answer.location
    return tus


@pytest.mark.parametrize("field", ["", "0", "2", "true", "01"])
def test_a_length_is_deferred_by_one(tus: Tus, system: System, field: str) -> None:
    """Upload-Defer-Length is 1, or 400; and never together with a length."""
    headers = {"Upload-Defer-Length": field, "Upload-Metadata": NAME}
    problem(tus.ask("POST", "/tus", headers), 400, "bad_request")
    both = {"Upload-Defer-Length": "1", "Upload-Length": "9", "Upload-Metadata": NAME}
    problem(tus.ask("POST", "/tus", both), 400, "bad_request")
    assert uploads(system) == []


@pytest.mark.parametrize("when", ["first", "middle", "last", "after"])
def test_the_length_is_said_with_a_chunk(deferred: Tus, system: System, when: str) -> None:
    """HEAD says Upload-Defer-Length: 1 until a PATCH brings Upload-Length, then that."""
    edges = {"first": (0, 40), "middle": (40, 60), "last": (60, len(TGZ)), "after": (len(TGZ),) * 2}
    known = False
    for name, (start, stop) in edges.items():
        asked = deferred.head()
        assert asked.headers.get("Upload-Defer-Length") == (None if known else "1")
        assert asked.headers.get("Upload-Length") == (str(len(TGZ)) if known else None)
        if name == "after" and when != "after":
            break
        known = known or name == when
        answer = deferred.patch(start, stop, headers={"Upload-Length": str(len(TGZ))} if name == when else {})
        assert answer.headers["Upload-Offset"] == str(stop)
    assert document(answer, 200)["sha256"] == hashlib.sha256(TGZ).hexdigest()
    assert only_upload(system).held_bytes == len(TGZ)


@pytest.mark.parametrize(
    ("length", "status", "code"),
    [("0", 415, "wrong_content"), (str(LIMIT + 1), 413, "too_large"), ("-1", 400, "bad_request"),
     ("99", 413, "too_large"), ("", 400, "bad_request")],
)  # fmt: skip
def test_a_length_that_is_said_late_is_judged_too(
    deferred: Tus, system: System, length: str, status: int, code: str
) -> None:
    """It may not be over the maximum, or less than what has come."""
    deferred.patch(0, 100)
    problem(deferred.patch(100, 150, headers={"Upload-Length": length}), status, code)
    assert only_upload(system).declared_bytes is None
    assert deferred.offset() == 100


def test_a_length_once_said_stays(deferred: Tus, system: System) -> None:
    """Once set it must not be changed; said again it is the same."""
    length = {"Upload-Length": str(len(TGZ))}
    deferred.patch(0, 100, headers=length)
    for other in (len(TGZ) - 1, len(TGZ) + 1):
        problem(deferred.patch(100, 101, headers={"Upload-Length": str(other)}), 400, "bad_request")
    assert deferred.offset() == 100
    assert deferred.patch(100, headers=length).status_code == 200
    assert only_upload(system).declared_bytes == len(TGZ)


def test_without_a_length_the_maximum_holds(customer: Caller, system: System) -> None:
    """T12: no more than the maximum comes, whatever was never said."""
    tus = Tus(customer, TGZ + bytes(LIMIT))
    tus.place = tus.ask("POST", "/tus", {"Upload-Defer-Length": "1", "Upload-Metadata": NAME}).location
    problem(tus.patch(0), 413, "too_large")
    assert tus.patch(0, LIMIT).headers["Upload-Offset"] == str(LIMIT)
    problem(tus.patch(LIMIT, LIMIT + 1), 413, "too_large")


def with_body(tus: Tus, body: bytes, **more: Any) -> Any:
    headers = {"Upload-Length": str(len(TGZ)), "Upload-Metadata": NAME, "Content-Type": PATCH_TYPE}
    return tus.ask("POST", "/tus", headers | more.pop("headers", {}), **{"data": body} | more)


@pytest.mark.parametrize("size", [1, 60, len(TGZ)])
def test_a_creation_may_bring_bytes(tus: Tus, system: System, size: int) -> None:
    """201 with Location and the offset after the bytes; with all of them, the receipt."""
    answer = with_body(tus, TGZ[:size])
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (201, str(size))
    tus.place = answer.location
    assert tus.offset() == size
    if size < len(TGZ):
        answer = tus.patch(size)
    assert document(answer, answer.status_code)["id"] == answer.headers["Upload-Id"]
    assert only_upload(system).state is UploadState.SEALED


def test_an_empty_creation_is_only_a_creation(tus: Tus, system: System) -> None:
    answer = with_body(tus, b"")
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (201, "0")
    assert only_upload(system).received_bytes == 0


def test_a_creation_with_another_kind_of_body_takes_none(tus: Tus, system: System) -> None:
    """The body must be application/offset+octet-stream to count; the offset tells."""
    answer = with_body(tus, TGZ, headers={"Content-Type": "application/octet-stream"})
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (201, "0")
    assert only_upload(system).received_bytes == 0


def test_a_creation_whose_body_is_cut_short_can_be_gone_on_with(customer: Caller) -> None:
    """As many bytes as possible are kept: the answer says where, and how many."""
    tus = Tus(customer, make_tgz({"var/log/messages": Random(7).randbytes(8_000)}))
    size = str(len(tus.content))
    short = {"input_stream": BytesIO(tus.content[:5000]), "environ_overrides": {"CONTENT_LENGTH": size}}
    answer = with_body(tus, b"", headers={"Upload-Length": size}, data=None, **short)
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (201, "5000")
    tus.place = answer.location
    assert document(tus.patch(5000), 200)["sha256"] == hashlib.sha256(tus.content).hexdigest()


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (TGZ + b"x", {}, 413, "too_large"),
        (b"no bundle! " * 10, {}, 415, "wrong_content"),
        (TGZ, {"Upload-Checksum": f"sha1 {base64.b64encode(bytes(20)).decode()}"}, 460, "checksum_mismatch"),
        (TGZ, {"Upload-Checksum": "md5 AAAA"}, 400, "bad_request"),
    ],
)
def test_a_creation_that_is_refused_leaves_nothing(
    tus: Tus, system: System, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    """The rules of PATCH apply; nobody was told a place to go on from."""
    problem(with_body(tus, body, headers=headers), status, code)
    state = UploadState.REJECTED if status in {413, 415} else UploadState.ABANDONED
    came_to_nothing(system, state)


def test_all_of_creation_goes_together(tus: Tus, system: System) -> None:
    """A first chunk, with its checksum, of what has no length yet."""
    digest = base64.b64encode(hashlib.sha256(TGZ[:60]).digest()).decode()
    headers = {"Upload-Defer-Length": "1", "Upload-Metadata": NAME, "Content-Type": PATCH_TYPE}
    answer = tus.ask("POST", "/tus", headers | {"Upload-Checksum": f"sha256 {digest}"}, data=TGZ[:60])
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (201, "60")
    tus.place = answer.location
    assert tus.patch(60, headers={"Upload-Length": str(len(TGZ))}).status_code == 200
