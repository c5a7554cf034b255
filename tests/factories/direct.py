"""Uploads that went straight to a bucket, acknowledged and not scanned yet."""

import hashlib
from base64 import b64encode
from dataclasses import replace

import requests

from app.adapters.storage.s3.storage import S3Storage
from app.domain.parts import Part
from app.domain.policy import Actor
from app.models import Upload
from app.services.intake import direct, records
from app.services.intake.records import Announcement
from app.system import System
from tests.s3servers import S3Server


def with_bucket(system: System, server: S3Server, *, versioned: bool = True) -> System:
    """Return the product with a bucket of its own; what lies on the disk it can still read."""
    store = S3Storage(server.account(server.bucket(versioned=versioned)))
    adapters = replace(system.adapters, storage=store, other_stores=(system.adapters.storage,))
    return replace(system, adapters=adapters)


def bucket_of(system: System) -> tuple[S3Storage, str]:
    """Return the store and the bucket's name."""
    store = system.adapters.storage
    assert isinstance(store, S3Storage)
    return store, store.at.bucket


def sum_of(content: bytes) -> str:
    return b64encode(hashlib.sha256(content).digest()).decode()


def make_direct(system: System, actor: Actor, content: bytes, sha256: str | None = None) -> Upload:
    """Send ``content`` in one part, and seal it; ``sha256`` (hex) is announced."""
    store, _ = bucket_of(system)
    announced = Announcement("direct", "bundle.tgz", len(content), sha256=sha256)
    with system.work(actor) as uow:
        upload = direct.start(uow, announced, store.name)
    upload.multipart_id = store.begin_parts(upload.storage_key)
    with system.work(actor) as uow:
        direct.note_begun(uow, upload.id, upload.multipart_id)
    part = Part(1, len(content), sum_of(content))
    signed = store.sign_part(upload.storage_key, upload.multipart_id, part, 60)
    requests.put(signed.url, data=content, headers=dict(signed.headers), timeout=10).raise_for_status()
    version = direct.join(store, upload, [part])
    with system.work(actor) as uow:
        return records.seal(uow, upload.id, size=len(content), sha256=None, version=version)
