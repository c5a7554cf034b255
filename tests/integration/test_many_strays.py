"""Many stored objects that no row has a use for, and rows that know why: no sign of the wrong database."""

import pytest
from sqlalchemy import String, cast, update

from app.domain.lifecycle import UploadState
from app.domain.policy import Actor
from app.jobs import periodic
from app.models import Upload
from app.system import System
from tests.factories.uploads import make_upload
from tests.integration.looking import hours_later
from tests.integration.mover import keys


@pytest.mark.parametrize(
    "values",
    [{"state": UploadState.DELETED}, {"storage_key": cast(Upload.id, String) + "/new"}],
    ids=["deleted", "moved"],
)
def test_they_go_however_many_they_are(system: System, sender: Actor, values: dict[str, object]) -> None:
    """The web may not delete from S3, say, and whoever moved bundles was not let either."""
    for _ in range(21):
        upload = make_upload(system, sender, UploadState.CLEAN)
        with system.work() as uow:
            uow.session.execute(update(Upload).where(Upload.id == upload.id).values(values))
    assert len(keys(system.adapters.storage)) == 21
    with hours_later():
        periodic.remove_strays(system)
    assert keys(system.adapters.storage) == set()
