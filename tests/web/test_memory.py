"""However large a bundle is, and through whichever door it comes: memory stays what it was. T5.

`make bench` does the same with 5 GiB and a byte (`bench.giant`).
"""

import re
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from app.cli.dev.services import Services
from bench.client import Door, send
from tests.live import Live, clone_database

SIZE = 300 * 10**6 + 1
MORE = 24 * 1024**2  # bytes; what one open body may take, and what a first request leaves behind
DOORS: dict[Door, str] = {"put": "/upload/large.tgz", "multipart": "/upload", "tus": "/tus"}


def memory(pid: int, field: str) -> int:
    """Return bytes of a field of proc(5): VmRSS is now, VmHWM the most since it was last reset."""
    found = re.search(rf"^{field}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found
    return int(found[1]) * 1024


@pytest.fixture(scope="module")
def fresh(services: Services, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Give a product that has done nothing else: what others ask of `live` stays in its memory."""
    database = clone_database(services, template, "memory")
    with Live(services, database, tmp_path_factory.mktemp("memory"), redis_db=9) as running:
        yield running


@pytest.mark.parametrize("door", DOORS)
def test_memory_does_not_grow_with_the_bundle(fresh: Live, door: Door) -> None:
    processes = [child.pid for child in psutil.Process(fresh.application["web"].pid).children()]
    url, token = fresh.url + DOORS[door], fresh.token("acme")
    for _ in range(2 * len(processes)):  # each has seen one before
        assert send(url, 2_000_000, door, token).status in {200, 201}
    before = {}
    for pid in processes:
        Path(f"/proc/{pid}/clear_refs").write_text("5")  # from here on VmHWM counts anew
        before[pid] = memory(pid, "VmRSS")

    answer = send(url, SIZE, door, token)

    assert answer.status in {200, 201}, answer.body
    grown = {pid: memory(pid, "VmHWM") - before[pid] for pid in processes}
    assert max(grown.values()) < MORE
    assert max(memory(pid, "VmHWM") for pid in processes) < 150 * 10**6
    (upload_id,) = fresh.sql("SELECT id FROM upload WHERE size = %s AND state <> 'deleted'", SIZE)[0]
    assert fresh.request("DELETE", f"/api/v1/uploads/{upload_id}", "admin").ok
