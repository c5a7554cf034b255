"""`POST /upload`: a form as browsers without JavaScript and `curl -F` send it."""

import hashlib
from io import BytesIO

import pytest

from app.domain.lifecycle import UploadState
from app.system import System
from tests.factories.requests import TGZ
from tests.web.callers import Browser, Caller
from tests.web.looks import (
    came_to_nothing,
    deeds,
    document,
    only_upload,
    problem,
    stored,
    stored_bytes,
    uploads,
)

FILE = ("diag", "web-01.tgz", TGZ)
SHA256 = hashlib.sha256(TGZ).hexdigest()


@pytest.fixture
def sender(browser: Browser, customer: Caller) -> Browser:
    browser.sign_in(customer.account.email)
    return browser


def test_a_program_gets_the_uploads_document(customer: Caller, system: System) -> None:
    answer = customer.send_form(("case", None, b"cs-1234"), ("note", None, "Häh?\r\nYes".encode()), FILE)
    body = document(answer)
    upload = only_upload(system)
    assert answer.location == f"/files/{upload.id}"
    assert (
        body | {"state": "sealed", "case": "CS-1234", "note": "Häh?\nYes", "filename": "web-01.tgz"} == body
    )
    assert (body["id"], body["size"], body["sha256"]) == (str(upload.id), len(TGZ), SHA256)
    assert body["uploaded_by"] == customer.account.email
    assert stored_bytes(system, upload) == TGZ
    assert [deed.upload_id for deed in deeds(system, "upload.sealed")] == [upload.id]


def test_a_browser_is_led_to_the_receipt(sender: Browser, system: System) -> None:
    form = {"case": "CS-1", "diag": (BytesIO(TGZ), "web-01.tgz")}
    answer = sender.post("/upload", form)
    upload = only_upload(system)
    assert (answer.status_code, answer.location) == (303, f"/files/{upload.id}/receipt")
    receipt = sender.get(answer.location).text
    for fact in ("web-01.tgz", f"{len(TGZ)} bytes", SHA256, "CS-1", str(upload.id), "Checking"):
        assert fact in receipt


def test_fields_may_stand_behind_the_file(customer: Caller) -> None:
    answer = customer.send_form(
        FILE, ("case", None, b"cs-9"), ("note", None, b"late"), ("sha256", None, SHA256.encode())
    )
    body = document(answer)
    assert (body["case"], body["note"]) == ("CS-9", "late")


@pytest.mark.parametrize("late", [False, True], ids=["before", "behind"])
def test_a_digest_is_compared_wherever_it_stands(customer: Caller, system: System, late: bool) -> None:
    """T4."""
    wrong = ("sha256", None, b"0" * 64)
    detail = problem(customer.send_form(*((FILE, wrong) if late else (wrong, FILE))), 422, "digest_mismatch")[
        "detail"
    ]
    assert SHA256 in detail
    assert came_to_nothing(system, UploadState.REJECTED).reason == detail


@pytest.mark.parametrize(
    "field",
    [("sha256", b"abc"), ("sha256", b"z" * 64), ("case", b"x" * 65), ("case", b"a;b"), ("note", b"n" * 2001)],
)
@pytest.mark.parametrize("late", [False, True], ids=["before", "behind"])
def test_a_field_that_will_not_do_is_named(
    customer: Caller, system: System, field: tuple[str, bytes], late: bool
) -> None:
    bad = (field[0], None, field[1])
    problem(customer.send_form(*((FILE, bad) if late else (bad, FILE))), 422, "invalid_input")
    assert [upload.state for upload in uploads(system)] == ([UploadState.REJECTED] if late else [])
    assert stored(system) == set()


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [("case", None, b"CS-1")],
        [("file", "web-01.tgz", TGZ)],
        [("diag", "", b"")],
        [("diag", None, TGZ[:20])],
        [("", "web-01.tgz", TGZ)],
    ],
)
def test_without_a_file_in_diag_nothing_begins(
    customer: Caller, system: System, parts: list[tuple[str, str | None, bytes]]
) -> None:
    answer = problem(customer.send_form(*parts), 400, "bad_request")
    assert "diag" in answer["detail"] or "UTF-8" in answer["detail"]
    assert uploads(system) == []


def test_two_files_are_one_too_many(customer: Caller, system: System) -> None:
    problem(customer.send_form(FILE, FILE), 400, "bad_request")
    came_to_nothing(system, UploadState.ABANDONED)


def test_a_form_that_breaks_off_is_never_sealed(customer: Caller, system: System) -> None:
    """T4: the last boundary is missing, whatever Content-Length says."""
    head = b'--b\r\nContent-Disposition: form-data; name="diag"; filename="a.tgz"\r\n\r\n'
    content_type = "multipart/form-data; boundary=b"
    answer = customer.ask("POST", "/upload", data=head + TGZ, content_type=content_type)
    problem(answer, 400, "truncated")
    came_to_nothing(system, UploadState.ABANDONED)


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data", "multipart/form-data; boundary=", "application/gzip", None]
)
def test_what_is_no_form_is_told_where_to_go(
    customer: Caller, system: System, content_type: str | None
) -> None:
    problem(customer.ask("POST", "/upload", data=TGZ, content_type=content_type), 400, "bad_request")
    assert uploads(system) == []


def test_many_fields_and_large_ones_are_refused(customer: Caller, system: System) -> None:
    """C19."""
    problem(customer.send_form(*(("case", None, b"") for _ in range(50)), FILE), 400, "bad_request")
    problem(customer.send_form(("note", None, b"x" * 70_000), FILE), 413, "too_large")
    assert uploads(system) == []


def test_a_cookies_token_must_stand_before_the_file(
    sender: Browser, customer: Caller, system: System
) -> None:
    """T31: it is judged before the first byte is kept."""
    customer.client, customer.headers = sender.client, {}
    token = ("csrf_token", None, sender.csrf_token().encode())
    assert customer.send_form(FILE, token).status_code == 403
    assert uploads(system) == []
    assert customer.send_form(token, FILE).status_code == 201


@pytest.mark.parametrize("field", ["diag", "file", "upload", ""])
def test_a_form_to_a_name_may_use_any_field(customer: Caller, field: str) -> None:
    body = document(customer.send_form((field, "other.tgz", TGZ), path="/upload/named.tgz?case=cs-5"))
    assert (body["filename"], body["case"], body["sha256"]) == ("named.tgz", "CS-5", SHA256)


def test_the_same_bundle_twice_is_two_uploads(customer: Caller, system: System) -> None:
    """T7."""
    ids = {document(customer.send_form(FILE))["id"] for _ in range(2)}
    assert len(ids) == len(stored(system)) == 2
