"""Uploads in any state, with their bytes in storage."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from app.domain.lifecycle import STORED, UploadState
from app.domain.policy import Actor
from app.domain.verdict import Engine, Finding, ScanReport, Verdict
from app.models import Upload
from app.ports import Settles
from app.queries import uploads
from app.services import gate, removal, scanners
from app.services.engine import named
from app.services.intake import completion, records
from app.services.lifecycle import transition
from app.services.scanning import claims
from app.system import System
from tests.factories.bundles import make_tgz

ENGINE = Engine("ClamAV 1.4.6")


def make_upload(
    system: System,
    actor: Actor,
    state: UploadState = UploadState.SEALED,
    *,
    content: bytes | None = None,
    filename: str = "bundle.tgz",
    case: str | None = None,
) -> Upload:
    """Take an upload through the services to ``state``."""
    content = content if content is not None else make_tgz({"etc/hostname": b"web-01\n"})
    announced = records.Announcement(door="put", filename=filename, size=len(content), case=case)
    storage = system.adapters.storage
    with system.work(actor) as uow:
        upload = records.start(uow, announced, storage.name)
    if state in STORED or state is UploadState.DELETED:
        _seal(system, actor, upload, content)
    with system.work(actor) as uow:
        if state is UploadState.REJECTED:
            records.reject(uow, upload.id, "This is a zip archive.")
        elif state is UploadState.ABANDONED:
            records.abandon(uow, upload.id, "The sender stopped early.")
        elif state is UploadState.DELETED:
            removal.delete(uow, upload.id, "Deleted.")
    if state is UploadState.INTEGRITY_FAILED:
        with system.work() as uow:
            transition(uow, upload.id, state, reason="The stored bytes changed.")
    if state in {UploadState.SCANNING, UploadState.CLEAN, UploadState.INFECTED, UploadState.UNSCANNABLE}:
        _scan(system, upload, state)
    with system.work() as uow:
        uow.session.expire_all()
        return uploads.get(uow.session, uow.actor, upload.id)


def _seal(system: System, actor: Actor, upload: Upload, content: bytes) -> None:
    storage = system.adapters.storage
    with storage.append(upload.storage_key, 0) as sink:
        sink.write(memoryview(content))
        sink.sync()
    sealed = completion.complete(
        storage,
        upload.storage_key,
        size=len(content),
        declared_size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        declared_sha256=frozenset(),
    )
    with system.work(actor) as uow:
        records.seal(uow, upload.id, size=sealed.size, sha256=sealed.sha256, version=sealed.version)


def open_gate(system: System) -> None:
    """Let things turn clean, as after probes that passed."""
    with system.work() as uow:
        if not gate.is_open(uow):
            gate.report(uow, [], named(system.adapters.scanner.engine()), None)


@contextmanager
def tested_as(system: System, engine: Engine) -> Iterator[None]:
    """Let the scanner be known as one that was tested as ``engine``, whatever was found, for a while."""

    def note(engine: str | None) -> str | None:
        with system.work() as uow:
            found = scanners.locked(uow)
            before, found.engine = found.engine, engine
            return before

    before = note(named(engine))
    try:
        yield
    finally:
        note(before)


def _scan(system: System, upload: Upload, state: UploadState) -> None:
    open_gate(system)
    with tested_as(system, ENGINE):
        _scan_by(ENGINE, system, upload, state)


def _scan_by(engine: Engine, system: System, upload: Upload, state: UploadState) -> None:
    with system.work() as uow:
        claim = claims.claim(uow, upload.id, engine)
    assert claim
    if state is UploadState.SCANNING:
        return
    report = ScanReport(
        verdict=Verdict(state),
        engine=engine,
        sha256=claim.sha256 or "",
        size=claim.size,
        reason="It is damaged at byte 17." if state is UploadState.UNSCANNABLE else None,
        findings=(Finding("var/log/mail.log", "Eicar-Test-Signature"),)
        if state is UploadState.INFECTED
        else (),
        members_total=1,
        members_scanned=1,
        bytes_expanded=7,
        bytes_scanned=7,
        seconds=0.1,
    )
    with system.work() as uow:
        assert claims.record(uow, claim, report, _version(system, upload))


def _version(system: System, upload: Upload) -> str:
    """Return the version of the stored object, settled as a scan would have found it."""
    storage = system.adapters.storage
    file, version = storage.open(upload.storage_key)
    file.close()
    return storage.settle(upload.storage_key, version) if isinstance(storage, Settles) else version
