"""What is written on stored bundles, when, and by whom: T24, T26, and the web that may not read the rest."""

import pytest
from sqlalchemy import update

from app.adapters.storage.s3.storage import S3Storage
from app.domain.errors import DependencyError
from app.domain.lifecycle import UploadState
from app.domain.policy import Actor, Role
from app.domain.scan_status import ScanStatus
from app.jobs.scan_upload import rescan_upload, scan_upload
from app.jobs.tagging import tag_stored
from app.models import Upload
from app.services import quarantine, tagging
from app.services.scanning import rescans
from app.system import System
from tests.factories.bucket_policy import denies, policy, tag_of
from tests.factories.bundles import make_tgz
from tests.factories.direct import bucket_of, make_direct, with_bucket
from tests.factories.people import make_actor
from tests.factories.quarantine import REASON, make_infected, make_released
from tests.factories.uploads import make_upload
from tests.fakes import FakeScanner
from tests.integration.looking import fresh
from tests.s3servers import S3Server

S = UploadState
TGZ = make_tgz({"etc/hostname": b"web-01\n"})
VIRUS = make_tgz({"etc/hostname": FakeScanner.MARKER})


@pytest.fixture
def system(system: System, moto: S3Server) -> System:
    return with_bucket(system, moto)


def written(system: System, upload: Upload, moto: S3Server, side: str = "") -> str | None:
    """Return what is written on the object."""
    return tag_of(moto.client, bucket_of(system)[1], f"files/{upload.storage_key}{side}")


def noted(system: System, upload: Upload) -> str | None:
    with system.work() as uow:
        return uow.session.get_one(Upload, upload.id, populate_existing=True).tagged


def readable(system: System, upload: Upload, moto: S3Server, *, signed_address: bool = False) -> bool:
    """Whether the policy lets the web read it."""
    name, bucket = f"files/{upload.storage_key}", bucket_of(system)[1]
    return not denies(moto.client, bucket, name, "GetObjectVersion", signed_address=signed_address)


def test_the_policy_is_the_one_in_the_documentation() -> None:
    assert [each["Sid"] for each in policy()] == [
        "OnlyOverTls",
        "TheWebReadsWhatMayGoOut",
        "ItsAddressesAreForWhatIsClean",
        "TheWebNeitherTagsNorDeletes",
    ]


@pytest.mark.parametrize(
    ("content", "status"), [(TGZ, ScanStatus.CLEAN), (VIRUS, ScanStatus.SALVAGE)], ids=["clean", "virus"]
)
def test_a_scan_writes_its_verdict_on_the_object_and_on_what_lies_beside_it(
    system: System, sender: Actor, moto: S3Server, content: bytes, status: ScanStatus
) -> None:
    upload = make_direct(system, sender, content)
    scan_upload(system, str(upload.id))
    for side in ("", ".members", ".gzidx"):
        assert written(system, upload, moto, side) == status
    assert noted(system, upload) == status
    assert readable(system, upload, moto)
    assert readable(system, upload, moto, signed_address=True) is (status is ScanStatus.CLEAN)


def test_it_is_written_after_the_verdict_and_never_before(
    system: System, sender: Actor, moto: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = make_direct(system, sender, TGZ)
    seen: list[UploadState] = []
    tag = S3Storage.tag

    def look(store: S3Storage, key: str, version: str, status: ScanStatus) -> None:
        seen.append(fresh(system, upload.id).state)
        assert written(system, upload, moto) is None
        tag(store, key, version, status)

    monkeypatch.setattr(S3Storage, "tag", look)
    scan_upload(system, str(upload.id))
    assert seen == [S.CLEAN]


def test_where_the_worker_died_in_between_the_scheduler_writes_it(
    system: System, sender: Actor, moto: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F12. Until then the web cannot read it."""
    upload = make_direct(system, sender, TGZ)
    with monkeypatch.context() as patch:
        patch.setattr(tagging, "write", lambda *_: False)
        scan_upload(system, str(upload.id))
    assert fresh(system, upload.id).state is S.CLEAN
    assert not readable(system, upload, moto)
    assert tag_stored(system) == {"tagged": 1}
    assert readable(system, upload, moto)
    assert tag_stored(system) is None


def test_a_store_that_is_away_costs_no_verdict_and_is_tried_again(
    system: System, sender: Actor, moto: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = make_direct(system, sender, TGZ)

    def away(*_: object) -> None:
        raise DependencyError("The storage does not answer.")

    with monkeypatch.context() as patch:
        patch.setattr(S3Storage, "tag", away)
        scan_upload(system, str(upload.id))
        with pytest.raises(DependencyError):
            tag_stored(system)
    assert fresh(system, upload.id).state is S.CLEAN
    tag_stored(system)
    assert written(system, upload, moto) == "clean"


def test_a_virus_that_is_found_later_takes_the_address_away(
    system: System, sender: Actor, moto: S3Server, scanner: FakeScanner
) -> None:
    upload = make_direct(system, sender, TGZ)
    scan_upload(system, str(upload.id))
    scanner.answers[b"web-01"] = scanner.answers[scanner.MARKER]
    with system.work() as uow:
        rescans.ask(uow, upload.id)
    rescan_upload(system, str(upload.id))
    for side in ("", ".members", ".gzidx"):
        assert written(system, upload, moto, side) == "salvage"
    assert not readable(system, upload, moto, signed_address=True)


def test_what_a_second_scan_puts_beside_it_is_written_on_too(
    system: System, sender: Actor, moto: S3Server
) -> None:
    upload = make_direct(system, sender, TGZ)
    scan_upload(system, str(upload.id))
    with system.work() as uow:
        rescans.ask(uow, upload.id)
    rescan_upload(system, str(upload.id))
    assert written(system, upload, moto, ".members") == "clean"


def test_a_release_lets_the_web_read_it_and_gives_nobody_an_address(
    system: System, sender: Actor, moto: S3Server
) -> None:
    upload = make_upload(system, sender, S.UNSCANNABLE, content=TGZ)
    tag_stored(system)
    assert (written(system, upload, moto), readable(system, upload, moto)) == ("unscannable", False)
    with system.work(make_actor(system, Role.ENGINEER)) as uow:
        quarantine.release(uow, upload.id, REASON)
    tag_stored(system)
    assert written(system, upload, moto) == "salvage"
    assert readable(system, upload, moto)
    assert not readable(system, upload, moto, signed_address=True)
    with system.work(make_actor(system, Role.ENGINEER)) as uow:
        quarantine.withdraw(uow, upload.id)
    tag_stored(system)
    assert (written(system, upload, moto), readable(system, upload, moto)) == ("unscannable", False)


def test_every_state_has_its_word(system: System, sender: Actor, moto: S3Server) -> None:
    """Just what the portal may send can be read by the web."""
    expected = {
        make_upload(system, sender, S.CLEAN): "clean",
        make_infected(system, sender): "salvage",
        make_upload(system, sender, S.INFECTED): "infected",
        make_released(system, sender): "salvage",
        make_upload(system, sender, S.UNSCANNABLE): "unscannable",
        make_upload(system, sender, S.INTEGRITY_FAILED): None,  # never moved out of its sender's reach
        make_upload(system, sender, S.SEALED): None,
        make_upload(system, sender, S.SCANNING): None,
    }
    tag_stored(system)
    assert {upload.id: written(system, upload, moto) for upload in expected} == {
        upload.id: word for upload, word in expected.items()
    }
    assert tag_stored(system) is None


def test_a_state_that_changes_while_the_store_writes_is_written_next(
    system: System, sender: Actor, moto: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that froze over the word "clean" has it put right by itself."""
    upload = make_upload(system, sender, S.CLEAN)
    tag = S3Storage.tag

    def freeze(store: S3Storage, key: str, version: str, status: ScanStatus) -> None:
        if status is ScanStatus.CLEAN:
            with system.work() as uow:
                uow.session.execute(
                    update(Upload).where(Upload.id == upload.id).values(state=S.INFECTED, tagged="infected")
                )
        tag(store, key, version, status)

    monkeypatch.setattr(S3Storage, "tag", freeze)
    tag_stored(system)
    assert (written(system, upload, moto), noted(system, upload)) == ("infected", "infected")
