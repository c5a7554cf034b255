"""Jobs that failed, in a queue in memory."""

from datetime import UTC, datetime
from uuid import uuid4

from app.domain.jobs import JobName, QueueName
from app.ports.queue import FailedJob
from app.system import System
from tests.fakes import FakeQueue

TRACEBACK = 'File "deliver.py", line 7, in deliver\nValueError: <script>no</script>'


def broken_job(system: System, job: JobName | None = JobName.DELIVER, argument: str | None = None) -> str:
    """Let a job have failed; return its id. ``argument`` is some id if not given."""
    queue = system.adapters.queue
    assert isinstance(queue, FakeQueue)
    failed = FailedJob(
        str(uuid4()), QueueName.DELIVER, job, argument or str(uuid4()), datetime.now(UTC), TRACEBACK
    )
    queue.broken[failed.id] = failed
    return failed.id
