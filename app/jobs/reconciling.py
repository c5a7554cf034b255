"""What the store says of objects that came to be in it, for uploads that nobody completed."""

from collections import Counter
from time import monotonic
from typing import Final

from app.domain.errors import DependencyError
from app.log import get_logger
from app.ports import UploadEvent, UploadEvents
from app.services.intake import reconciling
from app.services.intake.reconciling import PATIENCE
from app.services.intake.reconciling import Outcome as Became
from app.services.steps import Outcome
from app.system import System

log = get_logger(__name__)

_SECONDS: Final = 60.0  # after which a run leaves the rest to the next


def take_upload_events(system: System) -> Outcome:
    """Take what waits in the queue, and complete what nobody completed.

    A message goes when all that follows from it is committed. One that fails is left, to come again.

    Raises:
        DependencyError: the queue is away.
    """
    events = system.adapters.upload_events
    if events is None:
        return None
    done: Counter[Became] = Counter()
    deadline = monotonic() + _SECONDS
    while monotonic() < deadline and (batch := events.receive()):
        for event in batch:
            try:
                done.update(_take(system, events, event))
            except DependencyError as error:
                log.warning("upload_event_left", why=error.message, **error.context)
            except Exception:
                log.exception("upload_event_failed")
    told = {name.value: done[name] for name in (Became.COMPLETED, Became.REFUSED) if done[name]}
    return told or None


def _take(system: System, events: UploadEvents, event: UploadEvent) -> list[Became]:
    """Do what follows from one message; return what became of each object in it."""
    if event.problem:
        log.warning("upload_event_unreadable", why=event.problem)
    became = [reconciling.reconcile(system.work, system.adapters, arrived) for arrived in event.arrived]
    if Became.TOO_EARLY in became:
        events.put_off(event, PATIENCE)
    else:
        events.delete(event)
    return became
