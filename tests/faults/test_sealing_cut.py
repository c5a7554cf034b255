"""The web dies between any two steps of sealing: F2, F9, I1, I5, I7.

As with kill -9, nothing that would tidy up runs after the cut: `Killed` is no Exception. What a
process leaves behind, files and rows, is all that the next request finds.
"""

import base64
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.adapters.storage import filesystem
from app.adapters.storage.filesystem import FilesystemStorage
from app.cli.dev import ROOT
from app.domain.lifecycle import STORED, UploadState
from app.jobs import periodic
from app.jobs.scan_upload import scan_upload
from app.models import Upload
from app.ports import JobQueue
from app.services.intake import completion, records
from app.system import System
from app.uow import UnitOfWork
from tests.dying import Killed, after, before
from tests.factories.bundles import make_tgz
from tests.factories.people import bearer, make_account
from tests.integration.looking import deeds, fresh, hours_later, pass_time

CONTENT = make_tgz({"etc/hostname": b"web-01\n" * 50})
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def cut_ringing(*, heard: bool) -> Callable[[pytest.MonkeyPatch], None]:
    """Die around the first bell that is rung: the sealing's."""

    def arrange(patch: pytest.MonkeyPatch) -> None:
        whole = UnitOfWork.ring

        def work_and_die(uow: UnitOfWork, queue: JobQueue) -> None:
            if heard or not uow._doorbells:
                whole(uow, queue)
            if uow._doorbells:
                raise Killed

        patch.setattr(UnitOfWork, "ring", work_and_die)

    return arrange


STEPS = {
    "all written, nothing judged": before(completion, "complete"),
    "judged, not frozen": before(filesystem, "_freeze"),
    "frozen, not moved": after(filesystem, "_freeze"),
    "moved in half": after(os, "link"),
    "moved": after(filesystem, "_move"),
    "sealed, not committed": after(FilesystemStorage, "seal"),
    "in the transaction": after(records, "seal"),
    "committed, not rung": cut_ringing(heard=False),
    "rung, not answered": cut_ringing(heard=True),
}


@pytest.fixture
def headers(system: System) -> dict[str, str]:
    return bearer(system, make_account(system))


def all_uploads(system: System) -> list[Upload]:
    with system.work() as uow:
        uow.session.expire_all()
        return list(uow.session.scalars(select(Upload).order_by(Upload.created_at)))


def check_one_upload(system: System, document: dict[str, Any]) -> None:
    """After the sweep: one upload, its bytes and no others, one seal in the audit, and a verdict."""
    assert (document["sha256"], document["size"]) == (SHA256, len(CONTENT))
    for upload in all_uploads(system):
        if upload.state is UploadState.RECEIVING:
            pass_time(system, upload.id, system.settings.abandoned_after + 1)
    periodic.abandon_stale(system)
    with hours_later():
        periodic.remove_strays(system)
    stored = [upload for upload in all_uploads(system) if upload.state in STORED]
    assert [str(upload.id) for upload in stored] == [document["id"]]
    assert {key for key, _ in system.adapters.storage.stored()} == {stored[0].storage_key}
    assert deeds(system, stored[0].id).count("upload.sealed") == 1
    scan_upload(system, document["id"])
    assert fresh(system, stored[0].id).state is UploadState.CLEAN


def killed(request: Callable[[], TestResponse], arrange: Callable[[pytest.MonkeyPatch], None]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        arrange(patch)
        with pytest.raises(Killed):
            request()


def put(client: FlaskClient, headers: dict[str, str]) -> TestResponse:
    key = {"Idempotency-Key": "once", "Content-Type": "application/gzip"}
    return client.put("/upload/a.tgz", data=CONTENT, headers=headers | key)


@pytest.mark.parametrize("step", STEPS)
def test_put(system: System, client: FlaskClient, headers: dict[str, str], step: str) -> None:
    killed(lambda: put(client, headers), STEPS[step])
    retried = put(client, headers)
    assert retried.status_code in {200, 201}, retried.text
    check_one_upload(system, retried.json or {})
    assert (put(client, headers).json or {})["id"] == (retried.json or {})["id"]
    assert len([upload for upload in all_uploads(system) if upload.state in STORED]) == 1


def tus(client: FlaskClient, headers: dict[str, str], method: str, path: str, **more: Any) -> TestResponse:
    fields = {"Tus-Resumable": "1.0.0", **headers, **more.pop("fields", {})}
    return client.open(path, method=method, headers=fields, **more)


def created(client: FlaskClient, headers: dict[str, str]) -> str:
    name = base64.b64encode(b"a.tgz").decode()
    fields = {"Upload-Length": str(len(CONTENT)), "Upload-Metadata": f"filename {name}"}
    return tus(client, headers, "POST", "/tus", fields=fields).headers["Location"]


def patch_all(client: FlaskClient, headers: dict[str, str], path: str, offset: int) -> TestResponse:
    fields = {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
    return tus(client, headers, "PATCH", path, fields=fields, data=CONTENT[offset:])


@pytest.mark.parametrize("step", STEPS)
def test_tus(system: System, client: FlaskClient, headers: dict[str, str], step: str) -> None:
    path = created(client, headers)
    killed(lambda: patch_all(client, headers, path, 0), STEPS[step])
    asked = tus(client, headers, "HEAD", path)
    assert asked.status_code == 200
    offset = int(asked.headers["Upload-Offset"])
    finished = patch_all(client, headers, path, offset)
    assert finished.status_code == 200, finished.text
    check_one_upload(system, finished.json or {})


@pytest.mark.parametrize("step", STEPS)
def test_tus_is_sealed_by_asking_alone(
    system: System, client: FlaskClient, headers: dict[str, str], step: str
) -> None:
    """The bytes are all here: HEAD finishes what the last chunk could not."""
    path = created(client, headers)
    killed(lambda: patch_all(client, headers, path, 0), STEPS[step])
    assert tus(client, headers, "HEAD", path).headers["Upload-Offset"] == str(len(CONTENT))
    (upload,) = all_uploads(system)
    assert (upload.state, upload.sha256) == (UploadState.SEALED, SHA256)


WITHOUT_ROOT = """
import os, sys
from pathlib import Path
from app.adapters.storage.filesystem import FilesystemStorage
from app.domain.errors import StateConflictError

storage = FilesystemStorage(Path(sys.argv[1]))
with storage.append("a/b", 0) as sink:
    sink.write(memoryview(b"12345"))
    sink.sync()
os.chmod(Path(sys.argv[1], "incoming/a/b"), 0o400)  # and dies
try:
    with storage.append("a/b", 5):
        print("appended")
except StateConflictError:
    print(storage.seal("a/b", 5)[0], storage.open("a/b")[0].read())
"""


def test_a_frozen_object_is_finished_without_roots_powers(tmp_path: Path) -> None:
    """It cannot be opened for writing any more; root, as in most tests, never notices."""
    command = [sys.executable, "-c", WITHOUT_ROOT, str(tmp_path)]
    if os.geteuid() == 0:
        command = ["setpriv", "--bounding-set", "-dac_override", "--", *command]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout == "5 b'12345'\n"
