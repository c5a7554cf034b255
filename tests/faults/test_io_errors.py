"""A storage that is full, or broken, at every step of every door: F17, F18; I1, I5, I7, I8.

The faults are those of `tests.faults.broken_io`, a shim in the web process.
"""

import errno
import json
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest
import requests

from app.web.outgoing import COPIED, TAIL
from tests.factories.forms import encode_form
from tests.faults.lab import Answer, Lab, Sender, Tus
from tests.live import Live

MIB = 1024**2


class Storage:
    """What the web process is told."""

    def __init__(self, directory: Path) -> None:
        self.plan = directory / "broken.json"

    def fails(self, call: str, number: int, after: int = 0) -> None:
        self.plan.write_text(json.dumps({"call": call, "errno": number, "after": after}))

    def heals(self) -> None:
        self.plan.unlink()

    def syncs_after_failures(self) -> list[str]:
        """Return the descriptors that were synced again after a sync had failed, before they were closed."""
        failed: set[str] = set()
        again = []
        for line in self.plan.with_suffix(".log").read_text().splitlines():
            what, descriptor = line.split()
            if what == "closed":
                failed.discard(descriptor)
            elif descriptor in failed:
                again.append(descriptor)
            elif what == "failed":
                failed.add(descriptor)
        return again


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(tmp_path)


@pytest.fixture
def lab(make_lab: Callable[..., Lab], storage: Storage, monkeypatch: pytest.MonkeyPatch) -> Lab:
    begin = Live.start

    def start(live: Live) -> None:
        web = live.application["web"]
        web.argv = [*web.argv[:-1], "tests.faults.broken_io:app"]
        begin(live)

    monkeypatch.setenv("BROKEN_IO", str(storage.plan))
    monkeypatch.setattr(Live, "start", start)
    return make_lab(DIAGPORT_WEB_PROCESSES="1", DIAGPORT_CHECKPOINT_BYTES=str(MIB // 4))


def send(lab: Lab, door: str, content: bytes) -> Answer:
    if door == "put":
        sender = Sender(lab.live, "PUT", "/upload/a.tgz", len(content))
    else:
        content, content_type = encode_form(("diag", "a.tgz", content))
        sender = Sender(lab.live, "POST", "/upload", len(content), Content_Type=content_type)
    sender.send(content)
    return sender.answer()


def refused(answer: Answer, number: int) -> None:
    full = number == errno.ENOSPC
    assert answer.status == (507 if full else 503), answer.body
    assert json.loads(answer.body)["code"] == ("storage_full" if full else "unavailable")
    assert int(answer.headers["Retry-After"]) > 0


def incoming(lab: Lab) -> list[Path]:
    return [path for path in (lab.live.application.storage / "incoming").glob("*/*") if path.is_file()]


def used(lab: Lab) -> tuple[int, int]:
    (row,) = lab.live.sql("SELECT used_bytes, used_uploads FROM organisation WHERE slug = 'acme'")
    return int(row[0]), int(row[1])


def test_nothing_is_acknowledged_that_a_storage_lost(
    lab: Lab, storage: Storage, bundle: Callable[..., bytes]
) -> None:
    content = bundle(MIB)
    size = len(content)
    steps = [("pwrite", size // 10), ("pwrite", size * 99 // 100)]
    steps += [("fdatasync", 0), ("fsync", 0), ("fsync", 3)]
    for number, (call, after) in product((errno.EIO, errno.ENOSPC), steps):
        for door in ("put", "form"):
            storage.fails(call, number, after)
            refused(send(lab, door, content), number)
            storage.heals()
            assert incoming(lab) == []
            assert used(lab) == (0, 0)
    states = {state for (state,) in lab.live.sql("SELECT state FROM upload")}
    assert states == {"abandoned"}
    for door in ("put", "form"):
        lab.acknowledged(json.loads(send(lab, door, content).body), content)
    assert storage.syncs_after_failures() == []
    lab.all_kept()


def test_a_resumable_upload_goes_on_from_what_was_durable(
    lab: Lab, storage: Storage, bundle: Callable[..., bytes]
) -> None:
    content = bundle(MIB)
    size = len(content)
    steps = [("pwrite", size // 10), ("fdatasync", 1), ("pwrite", size * 99 // 100), ("fsync", 2)]
    for number in (errno.EIO, errno.ENOSPC):
        tus = Tus(lab.live, content)
        for call, after in steps:
            before = tus.offset()
            storage.fails(call, number, after)
            refused(tus.patch(before), number)
            storage.heals()
            # what is told is durable, and nothing that was durable is gone
            assert before <= tus.durable() <= size
            if call != "fsync":
                assert incoming(lab)[0].stat().st_size >= tus.offset() == tus.durable()
        finished = tus.patch(tus.offset())
        if finished.status == 200:
            lab.acknowledged(json.loads(finished.body), content)
    assert storage.syncs_after_failures() == []
    lab.all_kept()


def test_what_cannot_be_read_never_looks_complete(
    lab: Lab, storage: Storage, bundle: Callable[..., bytes]
) -> None:
    content = bundle(12 * MIB)
    upload_id = lab.put(content)
    lab.all_kept()
    address = f"{lab.live.url}/download/{upload_id}"
    for after in (0, TAIL, len(content) // 2, len(content) - COPIED, len(content) - 1):
        storage.fails("read", errno.EIO, after)
        try:
            got = requests.get(address, headers=lab.live.token("engineer"), timeout=30)
        except requests.RequestException:
            pass  # cut in the middle
        else:
            assert got.status_code >= 500, after
        storage.heals()
    assert requests.get(address, headers=lab.live.token("engineer"), timeout=30).content == content
