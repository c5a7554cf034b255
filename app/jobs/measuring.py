"""The scheduler's steps for metrics."""

import sys

from app.queries import clock
from app.queries.figures import figures
from app.services import counters, emf, metrics, sweeping
from app.system import System


def add_up_counters(system: System) -> None:
    """Put what was marked since the last time into the totals."""
    more = True
    while more:
        with system.work() as uow:
            more = sweeping.lead(uow, "add_up_counters") and counters.add_up(uow)


def print_metrics(system: System) -> None:
    """Print the metrics once a minute, on one node, where CloudWatch is to make its own of them."""
    if not system.settings.emf:
        return
    with system.work() as uow:
        if not counters.first_this_minute(uow, "print_metrics"):
            return
    bells = metrics.ask(system.adapters.queue)
    with system.work() as uow:
        found, now = figures(uow.session), clock.now(uow.session)
    lines = emf.lines(metrics.readings(found, bells), system.settings.deployment, now)
    # Not as log records: those may be switched off. In one piece, for other threads write too.
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()
