"""Tags and stores: of which version, and where there are neither versions nor tags. T26."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest

from app.adapters.storage.filesystem import FilesystemStorage
from app.domain.errors import NotFoundError
from app.domain.lifecycle import UploadState
from app.domain.policy import Actor
from app.domain.scan_status import ScanStatus
from app.jobs.tagging import tag_stored
from app.models import Upload
from app.ports import Tags
from app.system import System
from tests.factories.bucket_policy import tag_of
from tests.factories.direct import bucket_of, with_bucket
from tests.factories.uploads import make_upload
from tests.integration.looking import fresh
from tests.integration.mover import run
from tests.s3servers import S3Server

S = UploadState


def written(system: System, upload: Upload, server: S3Server, side: str = "") -> str | None:
    return tag_of(server.client, bucket_of(system)[1], f"files/{upload.storage_key}{side}")


def noted(system: System, upload: Upload) -> str | None:
    with system.work() as uow:
        return uow.session.get_one(Upload, upload.id, populate_existing=True).tagged


def test_nothing_is_written_on_what_was_put_in_its_place(
    system: System, sender: Actor, moto: S3Server
) -> None:
    """T26."""
    system = with_bucket(system, moto)
    upload = make_upload(system, sender, S.CLEAN)
    store, bucket = bucket_of(system)
    moto.client.put_object(Bucket=bucket, Key=f"files/{upload.storage_key}", Body=b"other")
    tag_stored(system)
    assert written(system, upload, moto) is None
    with pytest.raises(NotFoundError):
        store.tag(upload.storage_key, str(upload.storage_version), ScanStatus.CLEAN)


@pytest.fixture(params=["moto", "swift"])
def unversioned(request: pytest.FixtureRequest, system: System) -> tuple[System, S3Server]:
    server: S3Server = request.getfixturevalue(request.param)
    return with_bucket(system, server, versioned=False), server


def test_a_bucket_without_versions_or_tags_will_do(
    unversioned: tuple[System, S3Server], sender: Actor
) -> None:
    system, server = unversioned
    upload = make_upload(system, sender, S.CLEAN)
    bucket_of(system)[0].put_side(upload.storage_key, "members", BytesIO(b"x"), ScanStatus.CLEAN)
    assert tag_stored(system) == {"tagged": 1}
    assert noted(system, upload) == "clean"
    if server.name == "moto":
        assert written(system, upload, server) == written(system, upload, server, ".members") == "clean"


def test_on_a_file_system_there_is_nothing_to_do(system: System, sender: Actor, tmp_path: Path) -> None:
    storage = FilesystemStorage(tmp_path / "files")
    on_disk = replace(system, adapters=replace(system.adapters, storage=storage, other_stores=()))
    upload = make_upload(on_disk, sender, S.CLEAN)
    assert not isinstance(storage, Tags)
    assert tag_stored(on_disk) is None
    assert noted(on_disk, upload) is None


def test_what_was_moved_there_is_written_on(system: System, sender: Actor, moto: S3Server) -> None:
    upload = make_upload(system, sender, S.CLEAN)
    both = with_bucket(system, moto)
    assert run(both, "--to", "s3").exit_code == 0
    assert tag_stored(both) == {"tagged": 1}
    moved = fresh(both, upload.id)
    assert written(both, moved, moto) == "clean"
