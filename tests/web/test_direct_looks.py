"""Looking at an upload straight to S3 while others are at it: that ends nothing."""

from uuid import UUID

import pytest
from flask import Flask

from app import create_app
from app.adapters.storage.s3 import sealing
from app.adapters.storage.s3.presigning import Presigning
from app.domain.errors import NotFoundError
from app.domain.lifecycle import UploadState
from app.system import System
from tests.factories.direct import with_bucket
from tests.integration.looking import fresh, pass_time
from tests.s3servers import S3Server
from tests.web.callers import Caller
from tests.web.direct import SMALL, Direct

QUIET = 601  # seconds: longer than any request to the store lasts


@pytest.fixture
def system(system: System, moto: S3Server) -> System:
    return with_bucket(system, moto)


@pytest.fixture
def app(system: System) -> Flask:
    return create_app(system.settings, adapters=system.adapters, database=system.database)


def forget(patch: pytest.MonkeyPatch) -> None:
    """Let the store know of neither parts nor an object, as it may between the two."""

    def unknown(*_arguments: object) -> None:
        raise NotFoundError

    patch.setattr(Presigning, "parts", unknown)
    patch.setattr(Presigning, "joined", unknown)


def test_one_that_is_just_beginning(
    customer: Caller, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = Presigning.begin_parts
    seen = []

    def slow(store: Presigning, key: str) -> str:
        place = f"/api/v1/direct/{key.rpartition('/')[2]}"
        seen.append(customer.get(place))
        seen.append(
            customer.ask("POST", f"{place}/complete", json={"parts": Direct(customer, SMALL).parts()})
        )
        return begin(store, key)

    monkeypatch.setattr(Presigning, "begin_parts", slow)
    monkeypatch.setattr(Direct, "pieces", lambda upload: [upload.content])
    upload = Direct(customer, SMALL).begin()
    assert [(answer.status_code, answer.headers["Retry-After"]) for answer in seen] == [(423, "2")] * 2
    assert upload.send().complete().status_code == 200


def test_one_that_is_just_being_completed(
    customer: Caller, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F8: however long ago its sender was heard of."""
    upload = Direct(customer, SMALL).begin().send()
    pass_time(system, UUID(upload.id), QUIET)
    complete = sealing.complete
    seen = []

    def slow(*arguments: object) -> None:
        with monkeypatch.context() as patch:
            forget(patch)
            seen.extend([upload.look().status_code, upload.sign().status_code, upload.complete().status_code])
        complete(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr("app.adapters.storage.s3.presigning.complete", slow)
        assert upload.complete().status_code == 200
    assert seen == [423, 423, 423]


def test_one_that_the_store_has_lost(customer: Caller, system: System) -> None:
    """Only whoever completes it ends it."""
    upload = Direct(customer, SMALL).begin().send()
    system.adapters.storage.delete(fresh(system, UUID(upload.id)).storage_key)
    assert upload.complete().status_code == 423
    pass_time(system, UUID(upload.id), QUIET)
    assert (upload.look().status_code, upload.sign().status_code) == (410, 410)
    assert fresh(system, UUID(upload.id)).state is UploadState.RECEIVING
    assert upload.complete().status_code == 410
    assert fresh(system, UUID(upload.id)).state is UploadState.ABANDONED
