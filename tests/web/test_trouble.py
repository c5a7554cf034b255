"""What sending does when something underneath is full or away. F7, F8, F17, F18; I5, I7."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context
from datetime import timedelta
from io import BytesIO
from typing import Never
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import delete, func, update
from sqlalchemy.orm import Session

from app import create_app
from app.db import Database
from app.domain.errors import DependencyError
from app.domain.jobs import JobName
from app.domain.lifecycle import UploadState
from app.jobs import periodic
from app.models import Upload
from app.system import System
from tests.factories.requests import TGZ
from tests.fakes import FakeQueue
from tests.web.callers import Browser, Caller
from tests.web.looks import came_to_nothing, document, only_upload, problem, stored
from tests.web.tus import Tus


class Failing:
    """Stands for one of os's functions and fails with an errno."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __call__(self, *_arguments: object) -> Never:
        raise OSError(self.number, os.strerror(self.number))


@pytest.mark.parametrize(
    ("function", "number", "status", "code"),
    [
        ("pwrite", errno.ENOSPC, 507, "storage_full"),
        ("pwrite", errno.EDQUOT, 507, "storage_full"),
        ("fdatasync", errno.ENOSPC, 507, "storage_full"),
        ("fdatasync", errno.EIO, 503, "unavailable"),
        ("fsync", errno.EIO, 503, "unavailable"),
        ("link", errno.EIO, 503, "unavailable"),
    ],
)
def test_a_storage_that_is_full_or_broken_acknowledges_nothing(
    customer: Caller,
    system: System,
    monkeypatch: pytest.MonkeyPatch,
    function: str,
    number: int,
    status: int,
    code: str,
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(os, function, Failing(number))
        answer = customer.put(TGZ)
    problem(answer, status, code)
    assert int(answer.headers["Retry-After"]) > 0
    came_to_nothing(system, UploadState.ABANDONED)
    assert document(customer.put(TGZ))["state"] == "sealed", "it heals when there is room again"


def test_a_chunk_into_a_full_storage_leaves_the_offset_honest(
    customer: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F17."""
    tus = Tus(customer).create()
    with monkeypatch.context() as broken:
        broken.setattr(os, "pwrite", Failing(errno.ENOSPC))
        problem(tus.patch(), 507, "storage_full")
    assert tus.offset() == 0
    assert document(tus.patch(), 200)["state"] == "sealed"


def test_without_the_queue_uploads_are_taken_and_found_later(
    customer: Caller, system: System, queue: FakeQueue
) -> None:
    """F7: the row is the truth, the queue is a doorbell."""
    queue.down = True
    upload_id = document(customer.put(TGZ))["id"]
    queue.down = False
    assert queue.rung == []
    grow_old(system)
    periodic.ring_scans(system)
    assert queue.rung == [(JobName.SCAN_UPLOAD, upload_id)]


def grow_old(system: System) -> None:
    """Let every upload look as if nothing had happened to it for an hour."""
    with system.work() as uow:
        uow.session.execute(update(Upload).values(active_at=func.now() - timedelta(hours=1)))


class Switched(Database):
    """A database that can be switched off."""

    away = False

    @contextmanager
    def transaction(self, organisation_id: UUID | None = None) -> Iterator[Session]:
        if self.away:
            raise DependencyError("The database is away. Try again in a moment.")
        with super().transaction(organisation_id) as session:
            yield session


@pytest.fixture
def switched(system: System) -> Switched:
    switched = Switched(system.database.engine)
    switched.sessions = system.database.sessions
    return switched


@pytest.fixture
def app(system: System, switched: Switched) -> Flask:
    app = create_app(system.settings, adapters=system.adapters, database=switched)
    app.testing = False
    return app


def test_a_database_that_goes_away_before_the_seal_gets_no_acknowledgement(
    customer: Caller, system: System, switched: Switched
) -> None:
    """F8, I5: and the sweeper tidies up when it is back."""

    class Body(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            switched.away = True
            return super().read(size)

    answer = customer.ask("PUT", "/upload/a.tgz", input_stream=Body(TGZ))
    switched.away = False
    problem(answer, 503, "unavailable")
    assert only_upload(system).state is UploadState.RECEIVING
    grow_old(system)
    periodic.abandon_stale(system)
    came_to_nothing(system, UploadState.ABANDONED)


@pytest.mark.parametrize(
    ("content", "status", "code"), [(TGZ, 503, "unavailable"), (b"PK\x03\x04" * 2000, 415, "wrong_content")]
)
def test_a_row_that_a_crash_has_forgotten_is_no_missing_address(
    customer: Caller, system: System, content: bytes, status: int, code: str
) -> None:
    """F8: the start of what comes in one request is not waited for to be durable."""

    def forget() -> None:
        with system.work() as uow:
            uow.session.execute(delete(Upload))

    class Body(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            Context().run(forget)  # by nobody's request
            return super().read(size)

    problem(customer.ask("PUT", "/upload/a.tgz", input_stream=Body(content)), status, code)
    assert stored(system) == set()


def test_a_database_that_is_away_is_said_and_nothing_begins(
    app: Flask, customer: Caller, system: System, switched: Switched
) -> None:
    switched.away = True
    answer = customer.put(TGZ)
    problem(answer, 503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    page = Browser(app).get("/files", headers=customer.headers)
    assert page.status_code == 503
    assert "The database is away. Try again in a moment." in page.text
    assert customer.get("/healthz").status_code == 200
    assert stored(system) == set()


def test_a_database_that_cannot_be_reached_is_a_dependency_that_is_away(system: System) -> None:
    nobody = Database.connect("postgresql+psycopg://127.0.0.1:1/nobody")
    app = create_app(system.settings, adapters=system.adapters, database=nobody)
    answer = app.test_client().get("/files", headers={"Authorization": "Bearer dgp_x"})
    problem(answer, 503, "unavailable")
    nobody.engine.dispose()
