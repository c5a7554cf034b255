"""Everything that runs besides the web: `python worker.py scan|scan-large|deliver|scheduler`."""

import signal
import sys
import threading

from app import bootstrap
from app.domain.jobs import QueueName
from app.jobs import gatekeeping, scheduler
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

        signals = (signal.SIGTERM, signal.SIGINT)

        def ask_to_stop(*_: object) -> None:
            for number in signals:  # a second one would wait here for the first, and that for it
                signal.signal(number, signal.SIG_IGN)
            stop.set()

        for number in signals:
            signal.signal(number, ask_to_stop)
        scheduler.run(system, stop)
    else:
        if QueueName(role) is not QueueName.DELIVER and (unfit := gatekeeping.before_work(system)):
            sys.exit(unfit)
        connection = bootstrap.redis_connection(system.settings)
        make_worker(system, connection, QueueName(role)).work(logging_level=system.settings.log_level)


if __name__ == "__main__":
    main()
