"""A worker of mails whose jobs wait until a file of their own name is there; beats every second."""

import os
import time
from pathlib import Path

from app import bootstrap
from app.domain.jobs import JobName, QueueName
from app.jobs import JOBS
from app.jobs.worker import make_worker


def main() -> None:
    """Serve until told to stop."""
    system = bootstrap.system()
    folder = Path(os.environ["FOLDER"])

    def wait(_system: object, name: str) -> None:
        (folder / f"{name}.begun").touch()
        while not (folder / name).exists():
            time.sleep(0.02)  # between two looks: the test, elsewhere, says when the job ends
        (folder / f"{name}.done").touch()

    JOBS[JobName.DELIVER] = wait
    worker = make_worker(system, bootstrap.redis_connection(system.settings), QueueName.DELIVER)
    worker.job_monitoring_interval = 1  # second, instead of 30
    worker.max_connection_wait_time = 0.5  # seconds, instead of 5
    worker.work()


if __name__ == "__main__":
    main()
