"""Whoever changes what a tag rests on, the tag is known no more: F22, and the index that finds it."""

from typing import Any

import pytest
from sqlalchemy import func, text, update

from app.domain.lifecycle import UploadState
from app.domain.policy import Actor
from app.jobs.tagging import tag_stored
from app.models import Upload
from app.system import System
from tests.factories.direct import with_bucket
from tests.factories.quarantine import REASON
from tests.factories.uploads import make_upload
from tests.integration.looking import fresh
from tests.s3servers import S3Server

S = UploadState


@pytest.fixture
def bucket(system: System, moto: S3Server) -> System:
    return with_bucket(system, moto)


@pytest.mark.parametrize(
    "change",
    [
        {"state": S.INFECTED},
        {"state": S.UNSCANNABLE, "released_at": func.now(), "released_by": "e", "release_reason": REASON},
        {"storage_version": "files:another"},
        {"lease_until": None},  # a scan ended; it may have found other things, or put others beside it
    ],
    ids=["state", "release", "version", "scan"],
)
def test_the_release_before_changes_what_it_knows_and_the_tag_is_known_no_more(
    bucket: System, sender: Actor, change: dict[str, Any]
) -> None:
    """F22. It writes neither `tagged` nor when that ended: the database does."""
    upload = make_upload(bucket, sender, S.CLEAN)
    tag_stored(bucket)
    of_it = Upload.id == upload.id
    with bucket.work() as uow:
        uow.session.execute(update(Upload).where(of_it).values(lease_until=func.now()))
    assert fresh(bucket, upload.id).tagged == "clean", "a scan is just a scan until it ends"
    with bucket.work() as uow:
        uow.session.execute(update(Upload).where(of_it).values(**change))
    row = fresh(bucket, upload.id)
    assert row.tagged is None
    assert row.untagged_at is not None


def test_its_customers_may_still_withdraw_what_they_sent(bucket: System, sender: Actor) -> None:
    """The walls: the tenant's role may not write these columns' facts itself, and need not."""
    upload = make_upload(bucket, sender, S.CLEAN)
    tag_stored(bucket)
    with bucket.work(sender) as uow:
        gone = update(Upload).where(Upload.id == upload.id).values(state=S.DELETED)
        uow.session.execute(gone.execution_options(synchronize_session=False))
    with bucket.work() as uow:
        assert uow.session.get_one(Upload, upload.id, populate_existing=True).tagged is None


def test_what_lies_on_a_disk_is_not_in_the_index_of_what_is_to_be_tagged(
    system: System, sender: Actor
) -> None:
    """It never has a tag: a million of them would be looked through every two seconds."""
    make_upload(system, sender, S.CLEAN)
    with system.work() as uow:
        uow.session.execute(text("SET LOCAL enable_seqscan = off"))
        question = "SELECT id FROM upload WHERE tagged IS NULL AND storage_name = '{}' AND state IN"
        question += " ('clean', 'infected', 'unscannable', 'integrity_failed') ORDER BY untagged_at, id"
        plans = [
            "\n".join(uow.session.scalars(text("EXPLAIN " + question.format(name))))
            for name in ("s3", "filesystem")
        ]
    assert ["ix_upload_untagged" in plan for plan in plans] == [True, False]
