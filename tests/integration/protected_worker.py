"""A scan worker whose only job ends as soon as its worker has asked ECS for protection."""

import os

from app import bootstrap
from app.domain.jobs import JobName, QueueName
from app.jobs import JOBS
from app.jobs.worker import make_worker


def main() -> None:
    """Do what hangs in the queue, and end."""
    system = bootstrap.system()
    reading, writing = os.pipe()
    protect = bootstrap.task_protection()

    def protect_and_tell() -> None:
        protect()
        os.write(writing, b".")

    JOBS[JobName.SCAN_UPLOAD] = lambda *_: print("a scan", os.read(reading, 1), flush=True)  # noqa: T201
    worker = make_worker(
        system, bootstrap.redis_connection(system.settings), QueueName.SCAN, protect_and_tell
    )
    worker.job_monitoring_interval = 1  # second, instead of 30
    worker.work(burst=True)


if __name__ == "__main__":
    main()
