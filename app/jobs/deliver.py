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
    """Find out who hears of an event, and put it into the outbox for each, unless that is done."""
    with system.work() as uow:
        spreading.spread(uow, UUID(record_id))


def deliver(system: System, delivery_id: str) -> None:
    """Send one message unless it has gone, died or must wait."""
    row_id = UUID(delivery_id)
    with system.work() as uow:
        message = deliveries.begin(uow, row_id)
        trace = traces.of_delivery(uow.session, row_id) if tracing.on() else None
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
