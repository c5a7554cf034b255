"""Two requests that write to one upload: the fence in Postgres decides, whatever they hold. F23, T4."""

import base64
import hashlib
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from random import Random
from typing import Any

import pytest
from sqlalchemy import update
from werkzeug.test import TestResponse

from app.domain.errors import GoneError, NotFoundError, OffsetConflictError
from app.domain.lifecycle import UploadState
from app.models import Upload
from app.services.intake import records, writing
from app.services.intake.records import OvertakenError
from app.system import System
from app.web.transfer import writers
from tests.factories.bundles import make_tgz
from tests.web.callers import Caller
from tests.web.looks import document, only_upload, problem
from tests.web.tus import Tus

CONTENT = make_tgz({"var/log/messages": Random(7).randbytes(20_000)})
SIZE = len(CONTENT)


@pytest.fixture
def tus(customer: Caller, monkeypatch: pytest.MonkeyPatch) -> Tus:
    monkeypatch.setattr(writers, "PATIENCE_SECONDS", 0.05)
    return Tus(customer, CONTENT)


class Interrupted(BytesIO):
    """A body in which something else happens after ``size`` bytes."""

    def __init__(self, data: bytes, size: int, happens: Callable[[], object]) -> None:
        super().__init__(data)
        self._size, self._happens = size, happens

    def read(self, size: int | None = -1, /) -> bytes:
        left = self._size - self.tell()
        if left == 0:
            self._happens()
        wanted = left if size is None or size < 0 else min(left, size)
        return super().read(wanted if left > 0 else size)


def interrupted(tus: Tus, size: int, happens: Callable[[], object], **more: Any) -> TestResponse:
    """Send the whole content; after ``size`` bytes something else happens."""
    environ = {"CONTENT_LENGTH": str(SIZE)}
    stream = Interrupted(CONTENT, size, happens)
    return tus.patch(data=None, input_stream=stream, environ_overrides=environ, **more)


def test_who_is_overtaken_writes_nothing_down_any_more(tus: Tus, system: System) -> None:
    """A second PATCH at the right offset evicts the first, which ends with 423 and no offset moved."""
    tus.create()
    seen: list[TestResponse] = []
    first = interrupted(tus, 7000, lambda: seen.append(tus.patch(0, 9000)))
    problem(seen[0], 423, "locked")  # the first still held the bytes, for this test runs in one thread
    assert seen[0].headers["Retry-After"]
    problem(first, 423, "locked")
    assert tus.offset() == 0
    assert only_upload(system).writer_epoch == 2
    assert document(tus.patch(), 200)["size"] == SIZE


@pytest.mark.parametrize("checked", [False, True])
def test_a_claim_on_another_host_is_enough(tus: Tus, system: System, *, checked: bool) -> None:
    """Nobody told this process: at the next offset, and before the seal, it finds out."""
    tus.create()

    def claim() -> None:
        with system.work(tus.caller.actor) as uow:
            writing.claim(uow, only_upload(system).id, 0)

    sha1 = base64.b64encode(hashlib.sha1(CONTENT, usedforsecurity=False).digest()).decode()
    headers = {"Upload-Checksum": f"sha1 {sha1}"} if checked else {}
    problem(interrupted(tus, 7000, claim, headers=headers), 423, "locked")
    upload = only_upload(system)
    assert (upload.state, upload.received_bytes) == (UploadState.RECEIVING, 0)


def test_a_wrong_offset_overtakes_nobody(tus: Tus, system: System) -> None:
    """409, and whoever writes goes on undisturbed."""
    tus.create()
    seen: list[TestResponse] = []
    first = interrupted(tus, 7000, lambda: seen.append(tus.patch(7000)))
    problem(seen[0], 409, "wrong_offset")
    assert document(first, 200)["size"] == SIZE


@pytest.mark.parametrize("refused", [{"Upload-Checksum": "md5 AAAA"}, {"Upload-Length": str(SIZE + 1)}])
def test_a_refused_chunk_overtakes_nobody(tus: Tus, refused: dict[str, str]) -> None:
    tus.create()
    seen: list[TestResponse] = []
    first = interrupted(tus, 7000, lambda: seen.append(tus.patch(headers=refused)))
    problem(seen[0], 400, "bad_request")
    assert first.status_code == 200


def silent(system: System, seconds: int) -> None:
    with system.work() as uow:
        uow.session.execute(update(Upload).values(active_at=Upload.active_at - timedelta(seconds=seconds)))


def test_asking_ends_a_silent_writer_which_notes_what_it_has(tus: Tus, system: System) -> None:
    """HEAD after ten seconds of silence: what came counts, and the sender goes on from there."""
    tus.create()
    seen: list[TestResponse] = []

    def ask() -> None:
        silent(system, 11)
        seen.append(tus.head())

    problem(interrupted(tus, 7000, ask), 400, "truncated")
    assert seen[0].headers["Upload-Offset"] == "0", "it held the bytes until the answer was out"
    assert tus.offset() > 0
    assert tus.patch(tus.offset()).status_code == 200


def test_asking_leaves_a_busy_writer_alone(tus: Tus, system: System) -> None:
    """HEAD tells the durable offset, and nothing else happens."""
    tus.create()
    seen: list[TestResponse] = []

    def ask() -> None:
        silent(system, 8)
        seen.append(tus.head())

    assert interrupted(tus, 7000, ask).status_code == 200
    assert seen[0].headers["Upload-Offset"] == "0"


def test_asking_about_what_nobody_writes_to_disturbs_nothing(tus: Tus, system: System) -> None:
    tus.create().patch(0, 5000)
    before = only_upload(system)
    silent(system, 3600)
    assert tus.offset() == 5000
    after = only_upload(system)
    assert (after.writer_epoch, after.state) == (before.writer_epoch, before.state)


def test_a_claim_is_good_for_the_newest_alone(customer: Caller, system: System, tus: Tus) -> None:
    """The words of the fence: each claim ends the one before, and only at the right offset."""
    tus.create()
    upload_id = only_upload(system).id
    with system.work(customer.actor) as uow:
        first = writing.claim(uow, upload_id, 0).writer_epoch
        records.checkpoint(uow, upload_id, 10, epoch=first)
        second = writing.claim(uow, upload_id, 10).writer_epoch
        assert second == first + 1
        for wrong in (lambda: records.checkpoint(uow, upload_id, 20, epoch=first),
                      lambda: writing.check(uow, upload_id, 10, first)):  # fmt: skip
            with pytest.raises(OvertakenError):
                wrong()
        with pytest.raises(OffsetConflictError):
            writing.claim(uow, upload_id, 20)
        writing.check(uow, upload_id, 10, second)
        records.checkpoint(uow, upload_id, 30, epoch=second)
        records.abandon(uow, upload_id, "enough")
        for ended in (
            lambda: writing.claim(uow, upload_id, 30),
            lambda: writing.check(uow, upload_id, 30, second),
        ):
            with pytest.raises(GoneError):
                ended()


def test_nobody_else_can_claim(stranger: Caller, system: System, tus: Tus) -> None:
    """T1."""
    tus.create()
    with system.work(stranger.actor) as uow, pytest.raises(NotFoundError):
        writing.claim(uow, only_upload(system).id, 0)
