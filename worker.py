"""Everything that runs besides the web: `python worker.py scan|scan-large|deliver|scheduler|gate`."""

import signal
import sys
import threading

from app import bootstrap
from app.domain.jobs import QueueName
from app.jobs import gatekeeping, scheduler
from app.jobs.worker import make_worker

#: What scans, or tests the scanner.
_SCANNING = frozenset({QueueName.SCAN, QueueName.SCAN_LARGE, "gate"})


def main() -> None:
    """Run the role named on the command line until SIGTERM or SIGINT."""
    roles = [*QueueName, "scheduler", "gate"]
    role = sys.argv[1] if len(sys.argv) == 2 else ""
    if role not in roles:
        sys.exit(f"Usage: python worker.py {'|'.join(roles)}")
    # Until there is more to it. As process 1 of a container, none that sets no handler ends of SIGTERM.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    system = bootstrap.system()
    if role in _SCANNING and not system.settings.clamd_address:
        sys.exit(
            f"python worker.py {role} needs a virus scanner: set DIAGPORT_CLAMD_ADDRESS to that of clamd,"
            " unix:/path or tcp:host:port."
        )
    if role in {"scheduler", "gate"}:
        run = scheduler.run if role == "scheduler" else scheduler.run_gate
        run(system, _stop_at_signals())
    else:
        if role in _SCANNING and (unfit := gatekeeping.before_work(system)):
            sys.exit(unfit)
        connection = bootstrap.redis_connection(system.settings)
        protect = bootstrap.task_protection() if role in _SCANNING else lambda: None
        worker = make_worker(system, connection, QueueName(role), protect)
        worker.work(logging_level=system.settings.log_level)
    if system.database.refused():
        sys.exit("The database refuses the password: whoever starts this anew must give the new one.")


def _stop_at_signals() -> threading.Event:
    """Return what is set at the first SIGTERM or SIGINT."""
    stop = threading.Event()
    signals = (signal.SIGTERM, signal.SIGINT)

    def ask_to_stop(*_: object) -> None:
        for number in signals:  # a second one would wait here for the first, and that for it
            signal.signal(number, signal.SIG_IGN)
        stop.set()

    for number in signals:
        signal.signal(number, ask_to_stop)
    return stop


if __name__ == "__main__":
    main()
