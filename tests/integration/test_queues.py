"""Large bundles and small ones wait apart: F6."""

from dataclasses import replace

import pytest

from app.domain.jobs import JobName
from app.domain.policy import Actor
from app.jobs import periodic
from app.system import System
from tests.factories.bundles import make_tgz
from tests.factories.uploads import make_upload
from tests.fakes import FakeQueue


@pytest.mark.parametrize(("over", "job"), [(0, JobName.SCAN_UPLOAD), (1, JobName.SCAN_LARGE_UPLOAD)])
def test_small_and_large_ones_have_bells_of_their_own(
    system: System, sender: Actor, queue: FakeQueue, over: int, job: JobName
) -> None:
    """When they arrive, and when the bell was lost."""
    content = make_tgz({"etc/hostname": b"web-01\n"})
    limit = system.settings.model_copy(update={"scan_large_bytes": len(content) - over})
    sized = replace(system, settings=limit)
    upload = make_upload(sized, sender, content=content)
    scans = [bell for bell in queue.rung if bell[0] is not JobName.SPREAD_EVENT]
    assert scans == [(job, str(upload.id))]
    for hangs, step in (
        (JobName.DELIVER, periodic.ring_scans),
        (JobName.RESCAN_UPLOAD, periodic.ring_scans),
        (JobName.SCAN_UPLOAD, periodic.ring_large_scans),
    ):
        queue.rung[:] = [(hangs, "another")]
        step(sized)
        own = step is (periodic.ring_large_scans if over else periodic.ring_scans)
        assert queue.rung[1:] == [(job, str(upload.id))] * own, (
            "bells of other queues keep nobody from ringing"
        )
