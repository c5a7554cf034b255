"""I5: the same Idempotency-Key brings exactly one upload, however often it is sent."""

from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from uuid import uuid4

import pytest

from app.domain.lifecycle import UploadState
from app.services import removal
from app.system import System
from tests.factories.requests import TGZ
from tests.live import Live
from tests.web.callers import Browser, Caller
from tests.web.looks import document, problem, stored, uploads

KEY = {"Idempotency-Key": "run 17 of job 4"}


@pytest.mark.parametrize("again", ["put", "form", "named form"])
def test_sending_again_returns_the_first_upload(customer: Caller, system: System, again: str) -> None:
    first = document(customer.put(TGZ, headers=KEY))
    file = ("diag", "other.tgz", b"not even read")
    send = {
        "put": lambda: customer.put(bytes(len(TGZ)), headers=KEY),
        "form": lambda: customer.send_form(file, headers=KEY),
        "named form": lambda: customer.send_form(file, path="/upload/x.tgz", headers=KEY),
    }
    answer = send[again]()
    assert document(answer, 200) == first
    assert answer.location == f"/files/{first['id']}"
    assert len(uploads(system)) == 1


@pytest.mark.parametrize(
    ("query", "headers", "content"),
    [
        ("", {}, TGZ + b"x"),
        (f"?sha256={'0' * 64}", {}, TGZ),
        ("", {"Repr-Digest": f"sha-256=:{'A' * 43}=:"}, TGZ),
    ],
)
def test_another_file_needs_another_key(
    customer: Caller, system: System, query: str, headers: dict[str, str], content: bytes
) -> None:
    document(customer.put(TGZ, headers=KEY))
    problem(customer.put(content, query=query, headers=KEY | headers), 422, "invalid_input")
    assert len(uploads(system)) == 1


def test_a_browser_is_led_to_the_receipt_of_the_first(browser: Browser, customer: Caller) -> None:
    first = document(customer.put(TGZ, headers=KEY))
    browser.sign_in(customer.account.email)
    answer = browser.post("/upload", {"diag": (BytesIO(TGZ), "a.tgz")}, headers=KEY)
    assert answer.location == f"/files/{first['id']}/receipt"


def test_a_try_that_failed_leaves_the_key_free(customer: Caller, system: System) -> None:
    problem(customer.put(b"this is no bundle", headers=KEY), 415, "wrong_content")
    problem(customer.put(TGZ, query=f"?sha256={'0' * 64}", headers=KEY), 422, "digest_mismatch")
    problem(customer.put(TGZ + b"x", query="?case=;", headers=KEY), 422, "invalid_input")
    upload_id = document(customer.put(TGZ, headers=KEY))["id"]
    assert document(customer.put(TGZ, headers=KEY), 200)["id"] == upload_id
    assert len(stored(system)) == 1


def test_a_deleted_upload_leaves_the_key_free(customer: Caller, system: System) -> None:
    first = document(customer.put(TGZ, headers=KEY))["id"]
    with system.work() as uow:
        removal.delete(uow, uploads(system)[0].id, "Deleted.")
    assert document(customer.put(TGZ, headers=KEY))["id"] != first


def test_a_second_try_takes_over_from_one_that_hangs(customer: Caller, system: System) -> None:
    """Whoever sends again has given up the first: when that one does come to its end, it is refused."""

    class Hangs(BytesIO):
        """A body in the middle of which the same sender sends again, and is done first."""

        second = None

        def read(self, size: int | None = -1, /) -> bytes:
            if self.second is None:
                self.second = customer.put(TGZ, headers=KEY)
            return super().read(size)

    body = Hangs(TGZ)
    first = customer.ask("PUT", "/upload/a.tgz", input_stream=body, headers=KEY)
    problem(first, 409, "state_conflict")
    assert body.second is not None
    document(body.second)
    assert sorted(upload.state for upload in uploads(system)) == [UploadState.ABANDONED, UploadState.SEALED]
    assert len(stored(system)) == 1


@pytest.mark.parametrize("key", ["x" * 256, ""])
def test_a_key_that_is_none_is_refused(customer: Caller, key: str) -> None:
    problem(customer.put(TGZ, headers={"Idempotency-Key": key}), 422, "invalid_input")


def test_of_many_at_once_one_brings_the_upload(live: Live) -> None:
    key = {"Idempotency-Key": uuid4().hex}
    with ThreadPoolExecutor(8) as threads:
        sent = [
            threads.submit(live.request, "PUT", "/upload/a.tgz", "acme", data=TGZ, headers=key)
            for _ in range(8)
        ]
        answers = [one.result() for one in sent]
    assert {answer.status_code for answer in answers} <= {200, 201, 409}
    last = live.request("PUT", "/upload/a.tgz", "acme", data=TGZ, headers=key)
    assert last.status_code == 200
    acknowledged = {answer.json()["id"] for answer in answers if answer.status_code in {200, 201}}
    assert acknowledged == {last.json()["id"]}
    sealed = live.sql("SELECT count(*) FROM upload WHERE idempotency_key = %s", key["Idempotency-Key"])
    assert sealed == [(1,)]
