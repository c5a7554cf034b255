"""Deleting takes the bytes in every version, what lies beside them, and addresses signed for them. T15."""

import io
from dataclasses import replace
from datetime import timedelta
from typing import get_args

import pytest
import requests
from sqlalchemy import update

from app.adapters.storage.s3.storage import S3Storage
from app.domain.errors import DependencyError
from app.domain.lifecycle import UploadState
from app.domain.policy import SYSTEM, Actor
from app.jobs import keeping, periodic
from app.models import Upload
from app.ports import PresignsDownloads, Side, Storage
from app.services import removal
from app.services.scanning import claims
from app.system import System
from tests.factories.bundles import make_tgz
from tests.factories.keeping import pass_days, run, set_policy
from tests.factories.people import make_actor
from tests.factories.uploads import make_upload
from tests.fakes import FakeScanner
from tests.integration.looking import fresh, hours_later
from tests.s3servers import S3Server


class Place:
    """A product with a store, and a way to look behind its back: how many things are left there."""

    def __init__(self, system: System, server: S3Server | None) -> None:
        self.system, self.server = system, server
        if server:
            self.bucket = server.bucket(versioned=True)
            storage = S3Storage(server.account(self.bucket))
            self.system = replace(system, adapters=replace(system.adapters, storage=storage))

    @property
    def storage(self) -> Storage:
        return self.system.adapters.storage

    def write_over(self, upload: Upload) -> None:
        """Leave older versions, and a note of deletion, as somebody else with the bucket's keys may."""
        if self.server:
            name = f"files/{upload.storage_key}"
            for _ in range(2):
                self.server.client.put_object(Bucket=self.bucket, Key=name, Body=b"other")
            self.server.client.delete_object(Bucket=self.bucket, Key=name)

    def left(self) -> int:
        if not self.server:
            root = self.system.settings.storage_root
            return sum(1 for path in root.rglob("*") if path.is_file())
        page = self.server.client.list_object_versions(Bucket=self.bucket)
        return len(page.get("Versions", [])) + len(page.get("DeleteMarkers", []))


@pytest.fixture(params=["filesystem", "versioned S3"])
def place(request: pytest.FixtureRequest, system: System) -> Place:
    return Place(system, None if request.param == "filesystem" else request.getfixturevalue("moto"))


@pytest.fixture
def sender(place: Place) -> Actor:
    return make_actor(place.system)


def make(place: Place, sender: Actor, state: UploadState = UploadState.CLEAN) -> Upload:
    upload = make_upload(place.system, sender, state, content=make_tgz({"var/log/x": bytes(9000)}))
    for side in get_args(Side):
        place.storage.put_side(upload.storage_key, side, io.BytesIO(b"what lies in it"))
    return upload


def delete(place: Place, upload: Upload, actor: Actor | None = None) -> None:
    with place.system.work(actor or SYSTEM) as uow:
        gone = (removal.withdraw if actor else removal.delete)(uow, upload.id)
    assert removal.remove_bytes(place.storage, gone)


@pytest.mark.parametrize("who", ["support", "sender"])
def test_every_version_goes(place: Place, sender: Actor, who: str) -> None:
    upload = make(place, sender)
    place.write_over(upload)
    assert place.left() >= 3
    delete(place, upload, sender if who == "sender" else None)
    assert place.left() == 0


def test_so_it_does_when_its_time_is_over(place: Place, sender: Actor) -> None:
    set_policy(place.system, sender.organisation_id, 10)
    upload = make(place, sender)
    pass_days(place.system, 9)
    run(place.system)
    pass_days(place.system, 2)
    run(place.system)
    assert fresh(place.system, upload.id).state is UploadState.DELETED
    assert place.left() == 0


def test_an_address_signed_before_leads_nowhere(place: Place, sender: Actor) -> None:
    upload = make(place, sender)
    if not isinstance(place.storage, PresignsDownloads):
        pytest.skip("nobody signs addresses of files")
    assert upload.storage_version
    address = place.storage.sign_download(
        upload.storage_key, upload.storage_version, disposition="attachment", mimetype="x/y", seconds=600
    )
    assert address
    assert len(requests.get(address, timeout=10).content) == upload.size
    delete(place, upload)
    assert requests.get(address, timeout=10).status_code in {
        403,
        404,
    }  # whoever may not list is not told that nothing is there


def test_a_scan_under_way_writes_nothing(place: Place, sender: Actor) -> None:
    """It reads on from the open file, or finds nothing; its verdict finds the fence."""
    upload = make_upload(place.system, sender)
    with place.system.work() as uow:
        held = claims.claim(uow, upload.id, FakeScanner().engine())
    assert held
    delete(place, upload)
    with place.system.work() as uow:
        assert not claims.hand_back(uow, held, counted=True)
    now = fresh(place.system, upload.id)
    assert (now.state, now.scan, now.lease_until) == (UploadState.DELETED, None, None)
    assert place.left() == 0


def test_what_could_not_be_removed_is_removed_later(
    place: Place, sender: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store was away, or whoever deleted died."""
    upload = make(place, sender)
    with monkeypatch.context() as patch, place.system.work() as uow:
        patch.setattr(type(place.storage), "delete", _away)
        gone = removal.delete(uow, upload.id)
        assert not removal.remove_bytes(place.storage, gone)
    assert place.left() >= 3
    with place.system.work() as uow:
        uow.session.execute(update(Upload).values(deleted_at=Upload.deleted_at - timedelta(minutes=5)))
    keeping.remove_deleted(place.system)
    assert place.left() == 0


def test_so_is_what_only_the_sweep_finds(place: Place, sender: Actor) -> None:
    """Of an object that was deleted in some way, older versions."""
    upload = make(place, sender)
    place.write_over(upload)
    with place.system.work() as uow:
        removal.delete(uow, upload.id)
    with hours_later():
        periodic.remove_strays(place.system)
    assert place.left() == 0


def _away(_storage: object, _key: str) -> None:
    raise DependencyError("The store is away.")
