"""`PUT` and `POST /upload/<filename>`: a body that is the bundle, as `curl -T` sends it."""

import base64
import hashlib
from io import BytesIO
from typing import Any

import pytest

from app.domain.jobs import JobName
from app.domain.lifecycle import UploadState
from app.settings import Settings
from app.system import System
from tests.factories.requests import TGZ
from tests.web.callers import Caller
from tests.web.looks import came_to_nothing, document, only_upload, problem, stored, stored_bytes, uploads

LIMIT = 10_000
SHA256 = hashlib.sha256(TGZ).digest()
RIGHT = base64.b64encode(SHA256).decode()
WRONG = base64.b64encode(bytes(32)).decode()


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"max_upload_bytes": LIMIT})


class Unread(BytesIO):
    """A body that must not be touched."""

    def read(self, _size: int | None = -1, /) -> bytes:
        raise AssertionError("the body was read")


def announced(length: int, body: BytesIO) -> dict[str, Any]:
    """Return the arguments of a request with this Content-Length, whatever really comes."""
    return {"input_stream": body, "environ_overrides": {"CONTENT_LENGTH": str(length)}}


def chunked(data: bytes) -> dict[str, Any]:
    """Return the arguments of a request whose length nobody announced."""
    environ = {"wsgi.input_terminated": True, "CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}
    return {"input_stream": BytesIO(data), "environ_overrides": environ}


@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize(
    "headers",
    [
        {"User-Agent": "curl/8.5.0", "Accept": "*/*", "Expect": "100-continue"},
        {"User-Agent": "curl/8.5.0", "Accept": "*/*", "Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/gzip", "Accept": "application/json"},
        {"Content-Type": "text/plain", "Origin": "http://localhost"},
    ],
)
def test_the_body_is_the_bundle(
    customer: Caller, system: System, method: str, headers: dict[str, str]
) -> None:
    answer = customer.ask(method, "/upload/web-01.tgz?case=cs-1&note=hello", data=TGZ, headers=headers)
    body = document(answer)
    upload = only_upload(system)
    assert answer.location == f"/files/{upload.id}"
    assert (body["filename"], body["case"], body["note"], body["size"]) == (
        "web-01.tgz",
        "CS-1",
        "hello",
        len(TGZ),
    )
    assert stored_bytes(system, upload) == TGZ
    assert system.adapters.queue.waiting(JobName.SCAN_UPLOAD) == 1


def test_a_body_of_unknown_length_is_taken_whole(customer: Caller, system: System) -> None:
    body = document(customer.ask("PUT", "/upload/a.tgz", **chunked(TGZ)))
    assert (body["size"], body["sha256"]) == (len(TGZ), SHA256.hex())
    assert stored_bytes(system, only_upload(system)) == TGZ


@pytest.mark.parametrize("name", ["Content-Digest", "Repr-Digest"])
@pytest.mark.parametrize(
    "value",
    [
        f"sha-256=:{RIGHT}:",
        f"md5=:1B2M2Y8AsgTpgAmY7PhCfg==:, sha-256=:{RIGHT}:",
        "sha-512=:bm90IGxvb2tlZCBhdA==:",
        "unixsum=:AAA=:",
    ],
)
def test_a_digest_that_fits_or_is_unknown_is_fine(customer: Caller, name: str, value: str) -> None:
    document(customer.put(TGZ, headers={name: value}))


@pytest.mark.parametrize("name", ["Content-Digest", "Repr-Digest"])
def test_a_digest_that_does_not_fit_is_refused_for_good(customer: Caller, system: System, name: str) -> None:
    """T4."""
    problem(customer.put(TGZ, headers={name: f"sha-256=:{WRONG}:"}), 422, "digest_mismatch")
    came_to_nothing(system, UploadState.REJECTED)


@pytest.mark.parametrize("name", ["Content-Digest", "Repr-Digest"])
@pytest.mark.parametrize(
    "value", [f"sha-256={RIGHT}", "sha-256=:!!:", "sha-256=:AAAA:", "sha-256", f"SHA-256:{RIGHT}"]
)
def test_a_digest_that_is_none_is_said_before_the_body_is_read(
    customer: Caller, system: System, name: str, value: str
) -> None:
    answer = customer.ask("PUT", "/upload/a.tgz", headers={name: value}, **announced(99, Unread()))
    problem(answer, 400, "bad_request")
    assert uploads(system) == []


def test_the_digest_may_stand_in_the_address(customer: Caller, system: System) -> None:
    document(customer.put(TGZ, query=f"?sha256={SHA256.hex().upper()}"))
    problem(customer.put(TGZ, query=f"?sha256={'0' * 64}"), 422, "digest_mismatch")
    problem(customer.put(TGZ, query="?sha256=12"), 422, "invalid_input")
    assert len(stored(system)) == 1


@pytest.mark.parametrize("door", ["/upload/a.tgz", "/upload"])
def test_too_large_is_said_before_the_body_is_read(customer: Caller, system: System, door: str) -> None:
    """A form may be a little longer than its file."""
    request = announced(LIMIT + 1024**2 + 1, Unread())
    answer = customer.ask("POST", door, content_type="multipart/form-data; boundary=b", **request)
    assert f"{LIMIT:,}" in problem(answer, 413, "too_large")["detail"]
    assert uploads(system) == []


def test_one_byte_too_many_is_too_many(customer: Caller, system: System) -> None:
    problem(customer.ask("PUT", "/upload/a.tgz", **announced(LIMIT + 1, Unread())), 413, "too_large")
    assert uploads(system) == []


def test_too_large_is_noticed_where_no_length_was_announced(customer: Caller, system: System) -> None:
    problem(customer.ask("PUT", "/upload/a.tgz", **chunked(TGZ + bytes(LIMIT))), 413, "too_large")
    came_to_nothing(system, UploadState.REJECTED)
    problem(customer.send_form(("diag", "a.tgz", TGZ + bytes(LIMIT))), 413, "too_large")
    assert stored(system) == set()


@pytest.mark.parametrize("body", [{"data": b""}, chunked(b""), {}], ids=["length 0", "chunked", "none"])
def test_an_empty_body_is_refused(customer: Caller, system: System, body: dict[str, Any]) -> None:
    assert "empty" in problem(customer.ask("PUT", "/upload/a.tgz", **body), 415, "wrong_content")["detail"]
    assert stored(system) == set()


@pytest.mark.parametrize("arrived", [0, 1, 100, len(TGZ) - 1])
def test_a_body_that_ends_early_is_never_sealed(customer: Caller, system: System, arrived: int) -> None:
    """T4, I5."""
    answer = customer.ask("PUT", "/upload/a.tgz", **announced(len(TGZ), BytesIO(TGZ[:arrived])))
    assert f"{arrived:,} of {len(TGZ):,} bytes" in problem(answer, 400, "truncated")["detail"]
    came_to_nothing(system, UploadState.ABANDONED)
