"""What ends a download that has begun, who hears of it, and what is given out besides clean bundles. T26."""

from collections.abc import Callable
from os import urandom
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from app.domain.errors import DependencyError
from app.domain.lifecycle import UploadState
from app.models import Scan, Upload
from app.services import downloads, removal
from app.settings import Settings
from app.system import System
from app.web import guard, outgoing
from app.web.outgoing import CutShortError
from tests.factories.bundles import make_tgz
from tests.factories.uploads import make_upload
from tests.integration.looking import fresh, outbox
from tests.web.callers import Caller
from tests.web.looks import deeds, problem

BUNDLE = make_tgz({"etc/noise": urandom(10_000)})


class Download:
    """A download that goes on when it is told to, in pieces of a thousand bytes."""

    def __init__(self, caller: Caller, upload: Upload, **headers: str) -> None:
        answer = caller.client.get(f"/download/{upload.id}", headers=caller.headers | headers, buffered=False)
        assert answer.status_code in {200, 206}, answer.text
        self.close = answer.close
        self.parts = answer.iter_encoded()
        self.body = b""
        self.length = int(answer.headers["Content-Length"])

    def go_on(self, parts: int) -> None:
        for _ in range(parts):
            self.body += next(self.parts)

    def finish(self) -> bytes:
        try:
            for part in self.parts:
                self.body += part
        finally:
            self.close()
        return self.body

    def is_cut(self, why: str) -> None:
        with pytest.raises(CutShortError, match=why):
            self.finish()
        assert len(self.body) < self.length


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look all the time, at small pieces."""
    monkeypatch.setattr(outgoing, "READ_BYTES", 1_000)
    monkeypatch.setattr(outgoing, "TAIL", 1_000)
    for name in ("OBJECT_SECONDS", "ROW_SECONDS", "FRESH", "PATIENCE"):
        monkeypatch.setattr(guard, name, 0.0)


@pytest.fixture
def clean(customer: Caller, system: System) -> Upload:
    return make_upload(system, customer.actor, UploadState.CLEAN, content=BUNDLE)


@pytest.fixture
def path(settings: Settings, clean: Upload) -> Path:
    return settings.storage_root / "sealed" / clean.storage_key


def change(session: Session, upload: Upload, **values: object) -> None:
    session.execute(update(Upload).where(Upload.id == upload.id).values(**values))
    session.commit()


@pytest.mark.parametrize("parts", [0, 1, 5, 9])
def test_a_swap_under_way_cuts_it_and_is_told_once(
    engineer: Caller, admin: Caller, customer: Caller, clean: Upload, path: Path, system: System, parts: int
) -> None:
    """T26: whenever it happens; two downloads and a later try make one alarm."""
    one, two = Download(engineer, clean), Download(customer, clean, Range="bytes=100-")
    one.go_on(parts)
    two.go_on(parts)
    path.with_name("new").write_bytes(BUNDLE)
    path.with_name("new").replace(path)
    one.is_cut("The stored file changed")
    two.is_cut("It may not be fetched any more|The stored file changed")
    problem(engineer.get(f"/api/v1/uploads/{clean.id}/content"), 409, "state_conflict")
    now = fresh(system, clean.id)
    assert now.state is UploadState.INTEGRITY_FAILED
    assert now.reason == "The stored file is no longer the one that was scanned."
    (failed,) = deeds(system, "upload.integrity_failed")
    assert failed.actor_label == "system"
    cuts = deeds(system, "upload.download_cut")
    assert [cut.actor_label for cut in cuts] == [engineer.account.email, customer.account.email]
    alarms = [mail.recipient for mail in outbox(system, clean.id) if mail.event == "upload.integrity_failed"]
    assert alarms == sorted([engineer.account.email, admin.account.email])


def test_the_last_look_comes_after_the_last_read(
    engineer: Caller, clean: Upload, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T26: what was written between reading the tail and looking stays here."""
    download = Download(engineer, clean)
    look_last = guard.Guard.look_last

    def change_first(self: guard.Guard) -> None:
        path.chmod(0o600)
        look_last(self)

    monkeypatch.setattr(guard.Guard, "look_last", change_first)
    download.is_cut("The stored file changed")
    assert BUNDLE.startswith(download.body)


@pytest.mark.parametrize("tamper", [Path.unlink, lambda path: path.chmod(0o600)], ids=["missing", "changed"])
def test_a_swap_before_the_download_blocks_the_bundle(
    engineer: Caller, admin: Caller, clean: Upload, path: Path, system: System, tamper: Callable[[Path], None]
) -> None:
    """T26: the first try says so, and is the alarm; HEAD counts."""
    tamper(path)
    assert engineer.ask("HEAD", f"/download/{clean.id}").status_code == 409
    body = problem(engineer.get(f"/api/v1/uploads/{clean.id}/content"), 409, "state_conflict")
    assert body["state"] == "integrity_failed"
    assert len(deeds(system, "upload.integrity_failed")) == 1
    assert deeds(system, "upload.downloaded") == []
    assert len([mail for mail in outbox(system, clean.id) if mail.event == "upload.integrity_failed"]) == 2


def test_a_store_that_is_empty_is_no_swap(
    engineer: Caller, customer: Caller, clean: Upload, path: Path, system: System
) -> None:
    """A volume that is not mounted must not turn every bundle into a loss."""
    other = make_upload(system, customer.actor, UploadState.CLEAN)
    download = Download(engineer, clean)
    for upload in (other, clean):
        system.adapters.storage.delete(upload.storage_key)
    assert engineer.get(f"/download/{clean.id}").status_code == 503
    download.is_cut("The stored file changed")
    assert fresh(system, clean.id).state is UploadState.CLEAN


def test_a_store_that_fails_cuts_and_accuses_nobody(
    engineer: Caller, clean: Upload, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_key: str) -> None:
        raise DependencyError("The storage is away.")

    download = Download(engineer, clean)
    monkeypatch.setattr(system.adapters.storage, "open", away)
    download.is_cut("The storage does not answer")
    assert engineer.get(f"/download/{clean.id}").status_code == 503
    assert fresh(system, clean.id).state is UploadState.CLEAN


@pytest.mark.parametrize("parts", [0, 5, 9])
def test_a_flip_cuts_it(
    engineer: Caller, clean: Upload, system: System, session: Session, parts: int
) -> None:
    """A rescan that finds something ends downloads in flight, and is no alarm about the store."""
    download = Download(engineer, clean)
    download.go_on(parts)
    change(session, clean, state=UploadState.INFECTED)
    download.is_cut("It may not be fetched any more")
    assert [cut.detail for cut in deeds(system, "upload.download_cut")] == [
        {"reason": "It may not be fetched any more."}
    ]
    assert fresh(system, clean.id).state is UploadState.INFECTED


def test_a_deletion_cuts_it(engineer: Caller, admin: Caller, clean: Upload, system: System) -> None:
    download = Download(engineer, clean)
    with system.work(admin.actor) as uow:
        removal.delete(uow, clean.id, "Enough.")
    system.adapters.storage.delete(clean.storage_key)
    download.is_cut("It may not be fetched any more")
    assert fresh(system, clean.id).state is UploadState.DELETED


def test_without_the_database_the_last_piece_stays(
    engineer: Caller, clean: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F8: what nobody can vouch for any more is not finished; before the end nobody minds."""
    download = Download(engineer, clean)

    def away(*_: object) -> bool:
        raise DependencyError("The database is away.")

    with monkeypatch.context() as patch:
        patch.setattr(downloads, "holds", away)
        patch.setattr(guard, "sleep", lambda _seconds: None)
        download.go_on(9)
        download.is_cut("Nobody could say")
    again = Download(engineer, clean)
    with monkeypatch.context() as patch:
        patch.setattr(downloads, "holds", away)
        again.go_on(9)
    assert again.finish() == BUNDLE


@pytest.mark.parametrize("crashed", [False, True], ids=["scanned", "scanner crash"])
def test_what_was_released_is_for_staff(
    engineer: Caller, admin: Caller, customer: Caller, stranger: Caller, system: System, session: Session,
    crashed: bool,
) -> None:  # fmt: skip
    """I3's one exception: by an engineer's word, logged, and taken back at once."""
    upload = make_upload(system, customer.actor, UploadState.UNSCANNABLE, content=BUNDLE)
    if crashed:
        session.delete(session.get_one(Scan, upload.id))
        session.commit()
    address = f"/download/{upload.id}"
    assert engineer.get(address).status_code == 409
    change(
        session, upload, released_at=upload.created_at, released_by="e@example.com", release_reason="Known."
    )
    assert [who.get(address).status_code for who in (customer, stranger)] == [409, 404]
    assert [who.get(address).data for who in (engineer, admin)] == [BUNDLE] * 2
    assert [deed.detail for deed in deeds(system, "upload.downloaded")] == [{"released": True}] * 2
    download = Download(engineer, upload)
    change(session, upload, released_at=None)
    download.is_cut("It may not be fetched any more")


@pytest.mark.parametrize("state", [UploadState.INFECTED, UploadState.INTEGRITY_FAILED, UploadState.DELETED])
def test_nothing_else_can_be_released(
    engineer: Caller, customer: Caller, system: System, session: Session, state: UploadState
) -> None:
    upload = make_upload(system, customer.actor, state, content=BUNDLE)
    change(session, upload, released_at=upload.created_at)
    assert engineer.get(f"/download/{upload.id}").status_code == 409


def test_a_verdict_about_another_object_counts_for_nothing(
    engineer: Caller, clean: Upload, session: Session
) -> None:
    """T26: row and verdict must name the same object."""
    session.execute(update(Scan).where(Scan.upload_id == clean.id).values(storage_version="1-2-3"))
    session.commit()
    assert engineer.get(f"/download/{clean.id}").status_code == 409
