"""What the store says of objects that came to be in it, for uploads that nobody completed."""

from collections import Counter
from contextlib import suppress
from time import monotonic
from typing import Final
from uuid import UUID

from app.domain.errors import DependencyError, NotFoundError
from app.log import get_logger
from app.ports import UploadEvent, UploadEvents
from app.services.intake import reconciling
from app.services.intake.reconciling import PATIENCE
from app.services.intake.reconciling import Outcome as Became
from app.services.steps import Outcome
from app.system import System

log = get_logger(__name__)

_SECONDS: Final = 5.0  # after which a run receives no more, and leaves the rest to the next
_NOTHING: Final = str(UUID(int=0))  # no organisation, no upload
#: For how long a message is left that failed for what is away, by how often it has: about a day in all.
_PAUSES: Final = (300, 1800, 7200, 36000)


def take_upload_events(system: System) -> Outcome:
    """Take what waits in the queue, and complete what nobody completed.

    A message goes when all that follows from it is committed. One that fails is left, to come again, and
    as long as storage or database are away none is received: the queue counts how often each was.

    Raises:
        DependencyError: the queue is away, or what follows from its messages needs.
    """
    events = system.adapters.upload_events
    if events is None:
        return None
    done: Counter[Became] = Counter()
    deadline = monotonic() + _SECONDS
    while monotonic() < deadline:
        _look_around(system)
        if not (batch := events.receive()):
            break
        for event in batch:
            try:
                done.update(_take(system, events, event))
            except DependencyError as error:
                log.warning("upload_event_left", why=error.message, **error.context)
                with suppress(DependencyError):  # the queue itself: then it comes again in a while
                    events.put_off(event, _PAUSES[min(event.times, len(_PAUSES)) - 1])
            except Exception:
                log.exception("upload_event_failed")
    told = {name.value: done[name] for name in (Became.COMPLETED, Became.REFUSED) if done[name]}
    return told or None


def _look_around(system: System) -> None:
    """Raises DependencyError: database or storage are away."""
    with system.work():
        pass  # a transaction has begun
    with suppress(NotFoundError):
        system.adapters.storage.open(f"{_NOTHING}/{_NOTHING}")[0].close()


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
