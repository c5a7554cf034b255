"""A store that is asked over the network is looked at less often, and still at the end. T26."""

import pytest

from app.adapters.storage.filesystem import FilesystemStorage
from app.domain.lifecycle import UploadState
from app.settings import Settings
from app.system import System
from app.web import guard, outgoing
from tests.factories.uploads import make_upload
from tests.web.callers import Caller
from tests.web.test_guard import BUNDLE, Download


@pytest.mark.parametrize(("seconds", "parts"), [(0.0, 1), (3600.0, 6)])
def test_a_store_says_how_often(
    engineer: Caller,
    customer: Caller,
    system: System,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    seconds: float,
    parts: int,
) -> None:
    for name in ("OBJECT_SECONDS", "ROW_SECONDS", "FRESH"):
        monkeypatch.setattr(guard, name, 0.0)
    monkeypatch.setattr(outgoing, "READ_BYTES", 1_000)
    monkeypatch.setattr(outgoing, "TAIL", 1_000)
    monkeypatch.setattr(FilesystemStorage, "look_seconds", seconds)
    clean = make_upload(system, customer.actor, UploadState.CLEAN, content=BUNDLE)
    path = settings.storage_root / "sealed" / clean.storage_key
    download = Download(engineer, clean)
    download.go_on(1)
    path.with_name("new").write_bytes(BUNDLE)
    path.with_name("new").replace(path)

    download.go_on(parts - 1)
    download.is_cut("The stored file changed")

    assert (len(download.body) < 3_000) == (seconds == 0.0)
