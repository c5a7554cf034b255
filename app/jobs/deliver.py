"""From what happened to who is told of it, and from the outbox to whoever brings it further."""

from uuid import UUID

from app import tracing
from app.domain.errors import (
    DeliveryGoneError,
    DeliveryRefusedError,
    DeliveryUncertainError,
    DependencyError,
    PortalError,
)
from app.queries import traces
from app.services import deliveries, outcomes, spreading
from app.system import System


def spread_event(system: System, record_id: str) -> None:
    """Find out who hears of an event, and put it into the outbox for each, unless that is done.

    What cannot be done is put off, so that it keeps nothing else waiting; the job fails, for admins to see.
    """
    try:
        with system.work() as uow:
            spreading.spread(uow, UUID(record_id))
    except Exception:
        with system.work() as uow:
            spreading.put_off(uow, UUID(record_id))
        raise


def deliver(system: System, delivery_id: str) -> None:
    """Send one message unless it has gone, died or must wait.

    What no message can be made of is put off like what cannot be sent; the job fails, for admins to see.
    """
    row_id = UUID(delivery_id)
    try:
        with system.work() as uow:
            message = deliveries.begin(uow, row_id)
            trace = traces.of_delivery(uow.session, row_id) if tracing.on() else None
    except Exception as error:
        with system.work() as uow:
            outcomes.unwritable(uow, row_id, f"It could not be written ({type(error).__name__}).")
        raise
    if message is None:
        return
    try:
        with tracing.span("send message", trace, channel=message.kind, event=message.event):
            system.adapters.channel(message.kind).send(message)
    except DeliveryUncertainError as error:
        with system.work() as uow:
            outcomes.uncertain(uow, row_id, _why(error))
    except (DependencyError, DeliveryRefusedError) as error:
        final, gone = isinstance(error, DeliveryRefusedError), isinstance(error, DeliveryGoneError)
        with system.work() as uow:
            outcomes.failed(uow, row_id, _why(error), for_good=final, gone=gone)
    else:
        with system.work() as uow:
            outcomes.sent(uow, row_id)


def _why(error: PortalError) -> str:
    """Say what went wrong to admins: never where to, which may be a secret."""
    cause = error.context.get("cause")
    return f"{error.message} {cause}" if cause else error.message
