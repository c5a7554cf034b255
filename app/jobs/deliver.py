"""From what happened to who is told of it, and from the outbox to whoever brings it further."""

from uuid import UUID

from app.domain.errors import DeliveryRefusedError, DeliveryUncertainError, DependencyError
from app.services import deliveries, spreading
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
    if message is None:
        return
    try:
        system.adapters.channel(message.kind).send(message)
    except DeliveryUncertainError as error:
        with system.work() as uow:
            deliveries.uncertain(uow, row_id, str(error.context))
    except (DependencyError, DeliveryRefusedError) as error:
        with system.work() as uow:
            deliveries.failed(
                uow, row_id, str(error.context), for_good=isinstance(error, DeliveryRefusedError)
            )
    else:
        with system.work() as uow:
            deliveries.sent(uow, row_id)
