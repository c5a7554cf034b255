"""No room: F17. A small file system where we may mount one, and a limit on file size anywhere."""

import json
import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.faults.lab import Lab, Tus

MIB = 1024**2
ROOM = 4 * MIB


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "small"
    place.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={ROOM},mode=700", "tmpfs", str(place)]
    mounted = subprocess.run(["mount", *options], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"mounting is not permitted here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def free(place: Path) -> int:
    found = os.statvfs(place)
    return found.f_bavail * found.f_frsize


def stored(lab: Lab) -> dict[str, int]:
    """Return the objects and their sizes, without what a scan puts beside them."""
    paths = lab.live.application.storage.glob("*/*/*")
    return {path.name: path.stat().st_size for path in paths if not path.suffix}


def test_a_full_disk(make_lab: Callable[..., Lab], small_disk: Path, bundle: Callable[..., bytes]) -> None:
    lab = make_lab(DIAGPORT_STORAGE_ROOT=str(small_disk), DIAGPORT_CHECKPOINT_BYTES=str(MIB // 2))
    kept = lab.put(bundle(seed=1))
    lab.all_kept()
    before = free(small_disk)

    # 1. A whole body that does not fit: refused, and nothing of it stays.
    refused = lab.live.request("PUT", "/upload/a.tgz", "acme", data=bundle(6 * MIB))
    assert refused.status_code == 507
    assert int(refused.headers["Retry-After"]) > 0
    assert refused.json()["code"] == "storage_full"
    assert set(stored(lab)) == {kept}
    assert free(small_disk) == before

    # 2. Something else takes the room: a resumable upload keeps what was made durable.
    filler = small_disk / "filler"
    filler.write_bytes(bytes(2 * MIB))
    tus = Tus(lab.live, bundle(3 * MIB))
    answer = tus.patch(0)
    assert answer.status == 507
    assert int(answer.headers["Retry-After"]) > 0
    offset = tus.offset()
    assert 0 < offset == stored(lab)[tus.id] < 2 * MIB
    assert free(small_disk) > 0, "what was not durable has made room"

    # 3. Reading goes on, small things fit again, health says what is wrong or right.
    assert lab.live.get(f"/api/v1/uploads/{kept}/content", "engineer").content == bundle(seed=1)
    lab.put(bundle(seed=2))

    # 4. There is room again: it goes on where it was.
    filler.unlink()
    finished = tus.patch(tus.offset())
    assert finished.status == 200, finished.body
    lab.acknowledged(json.loads(finished.body), tus.content)
    lab.all_kept()


def limit_files(lab: Lab, size: int) -> None:
    """Let no web process write beyond ``size`` bytes of any file."""
    for process in psutil.Process(lab["web"].pid).children():
        _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, hard))


def test_files_that_may_not_grow(lab: Lab, bundle: Callable[..., bytes]) -> None:
    """The same without a mount: the kernel refuses the write in mid-body."""
    limit_files(lab, MIB)
    refused = lab.live.request("PUT", "/upload/a.tgz", "acme", data=bundle(3 * MIB))
    assert (refused.status_code, refused.json()["code"]) == (507, "storage_full")
    assert stored(lab) == {}
    assert lab.live.sql("SELECT state FROM upload") == [("abandoned",)]
    tus = Tus(lab.live, bundle(3 * MIB))
    assert tus.patch(0).status == 507
    assert tus.offset() == stored(lab)[tus.id] <= MIB
    lab.put(bundle(seed=1))
    limit_files(lab, resource.RLIM_INFINITY)
    assert tus.patch(tus.offset()).status == 200
    lab.all_kept()
    lab.wait(lambda: lab.state(tus.id) == "clean", "the verdict", 30)
