"""Everything that runs besides the web: `python worker.py scan|deliver|scheduler`."""

import signal
import sys
import threading

from app import bootstrap
from app.domain.jobs import QueueName
from app.jobs import scheduler
from app.jobs.worker import make_worker


def main() -> None:
    """Run the role named on the command line until SIGTERM or SIGINT."""
    roles = [*QueueName, "scheduler"]
    role = sys.argv[1] if len(sys.argv) == 2 else ""
    if role not in roles:
        sys.exit(f"Usage: python worker.py {'|'.join(roles)}")
    system = bootstrap.system()
    if role == "scheduler":
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        scheduler.run(system, stop)
    else:
        connection = bootstrap.redis_connection(system.settings)
        make_worker(system, connection, QueueName(role)).work(logging_level=system.settings.log_level)


if __name__ == "__main__":
    main()
