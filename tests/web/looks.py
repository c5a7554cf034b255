"""What a request left behind, and what an answer must look like."""

from typing import Any

from sqlalchemy import select
from werkzeug.test import TestResponse

from app.domain.lifecycle import UploadState
from app.models import Account, AuditEvent, Upload
from app.system import System


def account_of(system: System, email: str) -> Account | None:
    with system.work() as uow:
        uow.session.expire_all()
        return uow.session.scalar(select(Account).where(Account.email == email))


def uploads(system: System) -> list[Upload]:
    with system.work() as uow:
        return list(uow.session.scalars(select(Upload).order_by(Upload.created_at)))


def only_upload(system: System) -> Upload:
    (upload,) = uploads(system)
    return upload


def stored(system: System) -> set[str]:
    """Return the keys of everything in storage, sealed or not."""
    return {key for key, _ in system.adapters.storage.stored()}


def stored_bytes(system: System, upload: Upload) -> bytes:
    with system.adapters.storage.open(upload.storage_key)[0] as file:
        return file.read()


def deeds(system: System, action: str) -> list[AuditEvent]:
    with system.work() as uow:
        return list(uow.session.scalars(select(AuditEvent).where(AuditEvent.action == action)))


def came_to_nothing(system: System, state: UploadState) -> Upload:
    """Check that the only upload ended in ``state``, says why, and left no byte (I7)."""
    upload = only_upload(system)
    assert upload.state is state
    assert upload.reason
    assert upload.sealed_at is None
    assert stored(system) == set()
    return upload


def problem(response: TestResponse, status: int, code: str) -> dict[str, Any]:
    """Check that the answer is a problem document (RFC 9457) and return it."""
    assert response.status_code == status, response.text
    assert response.mimetype == "application/problem+json"
    document: dict[str, Any] = response.get_json()
    assert (document["type"], document["status"], document["code"]) == ("about:blank", status, code)
    assert document["title"]
    assert document["detail"].endswith((".", "folder/", "bundle.tar", ":", ">"))
    return document


def document(response: TestResponse, status: int = 201) -> dict[str, Any]:
    """Check that the answer is an upload's JSON and return it."""
    assert response.status_code == status, response.text
    body: dict[str, Any] = response.get_json()
    return body
