"""Chunks of a tus upload: what counts, what is taken back, and what the whole then is. T4, T5, I5."""

import base64
import hashlib
from io import BytesIO
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app import create_app
from app.domain.lifecycle import UploadState
from app.services.intake import records
from app.system import System
from tests.factories.bundles import make_tgz
from tests.web.callers import Caller
from tests.web.looks import came_to_nothing, deeds, document, only_upload, problem, stored_bytes, uploads
from tests.web.tus import Tus

CONTENT = make_tgz({"var/log/messages": Random(7).randbytes(20_000)})
SIZE = len(CONTENT)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def tus(customer: Caller) -> Tus:
    return Tus(customer, CONTENT)


def cut_short(size: int) -> dict[str, Any]:
    """Return the arguments of a request that promises everything and brings ``size`` bytes."""
    environ = {"CONTENT_LENGTH": str(SIZE)}
    return {"data": None, "input_stream": BytesIO(CONTENT[:size]), "environ_overrides": environ}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(0, SIZE), max_size=6).map(sorted), checked=st.booleans())
def test_wherever_it_is_cut_the_whole_is_the_same(tus: Tus, cuts: list[int], checked: bool) -> None:
    tus.create(sha256=SHA256)
    edges = [0, *cuts, SIZE]
    for start, stop in pairwise(edges):
        digest = base64.b64encode(hashlib.sha256(CONTENT[start:stop]).digest()).decode()
        headers = {"Upload-Checksum": f"sha256 {digest}"} if checked else {}
        answer = tus.patch(start, stop, headers=headers)
        assert answer.headers["Upload-Offset"] == str(stop)
    assert document(answer, 200)["sha256"] == SHA256


@pytest.mark.parametrize("chunked", [False, True])
def test_more_than_was_announced_is_refused(tus: Tus, system: System, chunked: bool) -> None:
    """T4: 413, and the offset stays where it was."""
    tus.create().patch(0, 5000)
    more = CONTENT[5000:] + b"x"
    environ = {"wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
    body: dict[str, Any] = {"data": None, "input_stream": BytesIO(more), "environ_overrides": environ}
    answer = tus.patch(5000, **(body if chunked else {"data": more}))
    problem(answer, 413, "too_large")
    assert tus.offset() == 5000
    assert document(tus.patch(5000), 200)["sha256"] == SHA256


def test_a_chunk_cut_short_keeps_what_came(tus: Tus) -> None:
    """I5: resumable at the exact offset."""
    tus.create()
    problem(tus.patch(0, **cut_short(7000)), 400, "truncated")
    assert tus.offset() == 7000
    assert document(tus.patch(7000), 200)["sha256"] == SHA256


def test_the_whole_is_hashed_again_where_another_process_took_the_beginning(
    tus: Tus, customer: Caller, system: System, app: Flask
) -> None:
    """T5: what one process computed is gone with it."""
    tus.create(sha256=SHA256).patch(0, 7000)
    other = create_app(system.settings, adapters=system.adapters, database=system.database)
    customer.client = other.test_client(use_cookies=False)
    assert document(tus.patch(7000), 200)["sha256"] == SHA256


def test_a_whole_that_is_not_what_was_announced_is_refused_for_good(tus: Tus, system: System) -> None:
    """T4."""
    tus.create(sha256="0" * 64).patch(0, 7000)
    problem(tus.patch(7000), 422, "digest_mismatch")
    came_to_nothing(system, UploadState.REJECTED)
    assert tus.head().status_code == 410


@pytest.mark.parametrize("first", [1, 300, None])
def test_what_is_no_bundle_is_refused_as_soon_as_it_shows(
    customer: Caller, system: System, first: int | None
) -> None:
    """T6."""
    tus = Tus(customer, b"Traceback (most recent call last):\n" * 200).create()
    answer = tus.patch(0, first)
    if answer.status_code == 204:
        answer = tus.patch(first or 0)
    problem(answer, 415, "wrong_content")
    came_to_nothing(system, UploadState.REJECTED)


def test_finishing_twice_gives_the_same_answer(tus: Tus, system: System) -> None:
    """T4: the answer to the last chunk was lost on its way."""
    first = document(tus.create().patch(), 200)
    assert document(tus.patch(SIZE), 200) == first
    assert tus.offset() == SIZE
    assert len(uploads(system)) == len(deeds(system, "upload.sealed")) == 1


def test_what_only_lacks_its_seal_gets_it_when_somebody_asks(tus: Tus, system: System) -> None:
    """F2: the process died between the last byte and the seal."""
    tus.create(sha256=SHA256).patch(0, 7000)
    upload = only_upload(system)
    with system.adapters.storage.append(upload.storage_key, 7000) as sink:
        sink.write(memoryview(CONTENT[7000:]))
        sink.sync()
    with system.work() as uow:
        records.checkpoint(uow, upload.id, SIZE)
    assert tus.offset() == SIZE
    sealed = only_upload(system)
    assert (sealed.state, sealed.sha256) == (UploadState.SEALED, SHA256)
    assert stored_bytes(system, sealed) == CONTENT


def test_bytes_beyond_the_acknowledged_offset_are_cut_off(tus: Tus, system: System) -> None:
    """F1: written, but the process died before the offset was committed."""
    tus.create().patch(0, 7000)
    with system.adapters.storage.append(only_upload(system).storage_key, 7000) as sink:
        sink.write(memoryview(b"never acknowledged"))
        sink.sync()
    assert tus.offset() == 7000
    assert document(tus.patch(7000), 200)["sha256"] == SHA256
