"""Which scanner a process means, and two real ones in one portal. T24."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from app.domain.lifecycle import UploadState
from app.jobs import gatekeeping
from app.jobs.scan_upload import scan_upload
from app.queries import gate as gate_query
from app.services import scanners
from app.settings import Settings
from app.system import System
from tests.factories.engines import OwnClamd
from tests.factories.people import make_actor
from tests.factories.uploads import make_upload
from tests.fakes import FakeScanner
from tests.integration.gatehouse import later, never_tested, status
from tests.integration.looking import fresh

NOW = datetime.now(UTC)


@pytest.fixture
def product(committed: System, scanner: FakeScanner) -> System:
    return never_tested(committed, scanner)


def beside(system: System, clamd: OwnClamd) -> System:
    """Return the product as a process sees it that has this clamd beside it, and no other."""
    settings = system.settings.model_copy(update={"clamd_address": clamd.address})
    return replace(system, settings=settings, adapters=replace(system.adapters, scanner=clamd.scanner))


@pytest.mark.parametrize(
    ("address", "own"),
    [
        ("unix:/run/clamd.sock", True),
        ("tcp:127.0.0.1:3310", True),
        ("tcp:localhost:3310", True),
        ("tcp:[::1]:3310", True),
        ("tcp:LOCALHOST:3310", True),
        ("tcp:localhost.localdomain:3310", True),
        ("tcp:0.0.0.0:3310", True),
        ("tcp:[::]:3310", True),
        ("tcp:127.1:3310", True),
        ("tcp:[::ffff:127.0.0.1]:3310", True),
        ("tcp:clamd:3310", False),
        ("tcp:10.0.0.7:3310", False),
    ],
)
def test_a_scanner_on_this_host_is_another_than_that_of_any_other_host(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, address: str, *, own: bool
) -> None:
    here = settings.model_copy(update={"clamd_address": address})
    places = set()
    for host in ("host-a", "host-b"):
        monkeypatch.setattr(socket, "gethostname", lambda host=host: host)
        places.add(scanners.place_of(here))
    assert len(places) == (2 if own else 1)


def test_a_name_is_the_same_however_it_is_written(settings: Settings) -> None:
    written = [
        settings.model_copy(update={"clamd_address": f"tcp:{name}:3310"}) for name in ("clamd", "Clamd")
    ]
    assert len({scanners.place_of(each) for each in written}) == 1


def test_a_host_whose_name_comes_back_is_another_once_it_was_booted(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Fargate makes names of addresses, and gives those out again."""
    here = settings.model_copy(update={"clamd_address": "tcp:127.0.0.1:3310"})
    monkeypatch.setattr(scanners, "_BOOT", tmp_path / "boot_id")
    places = []
    for boot in ("first", "first", "second"):
        (tmp_path / "boot_id").write_text(f"{boot}\n")
        scanners._boot.cache_clear()
        places.append(scanners.place_of(here))
    (tmp_path / "boot_id").unlink()
    scanners._boot.cache_clear()
    places.append(scanners.place_of(here))
    scanners._boot.cache_clear()
    assert places[0] == places[1]
    assert len(set(places)) == 3, "and where nothing tells them apart, the name alone does"


@pytest.fixture
def clamds(tmp_path: Path) -> Iterator[list[OwnClamd]]:
    own = [OwnClamd(tmp_path / name) for name in ("a", "b")]
    yield own
    for clamd in own:
        clamd.process.stop()


def test_two_clamds_of_different_days_and_one_of_them_badly_set_up(
    product: System, clamds: list[OwnClamd]
) -> None:
    """The real thing: of one release apart, in one portal."""
    for clamd, version in zip(clamds, (27000, 27001), strict=True):
        clamd.spoil = partial(clamd.date_signatures, version, NOW - timedelta(days=27002 - version))
    clamds[0].start()
    clamds[1].start(AlertExceedsMax=None)
    tasks = [beside(product, clamd) for clamd in clamds]
    gatekeeping.tend_gate(tasks[0])
    assert status(product).open
    upload = make_upload(product, make_actor(product))
    scan_upload(tasks[1], str(upload.id))
    assert fresh(product, upload.id).state is UploadState.SEALED
    assert "AlertExceedsMax" in (status(product).reason or "")
    clamds[1].start()
    later(product, 16)
    for task in tasks:
        gatekeeping.tend_gate(task)
    with product.work() as uow:
        found = {
            str(each.engine).rpartition(" ")[2]: each.failed for each in gate_query.scanners(uow.session)
        }
    assert found == {"27000": None, "27001": None}
    for task in tasks:
        scan_upload(task, str(upload.id))
    assert fresh(product, upload.id).state is UploadState.CLEAN
