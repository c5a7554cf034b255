"""One mail, from the outbox to the mail server."""

from uuid import UUID

from app.domain.errors import DependencyError, MailRefusedError, MailUncertainError
from app.services import deliveries
from app.system import System


def deliver(system: System, delivery_id: str) -> None:
    """Send one mail unless it has gone, died or must wait."""
    row_id = UUID(delivery_id)
    with system.work() as uow:
        message = deliveries.begin(uow, row_id)
    if message is None:
        return
    try:
        system.adapters.mailer.send(message)
    except MailUncertainError as error:
        with system.work() as uow:
            deliveries.uncertain(uow, row_id, str(error.context))
    except (DependencyError, MailRefusedError) as error:
        with system.work() as uow:
            deliveries.failed(uow, row_id, str(error.context), for_good=isinstance(error, MailRefusedError))
    else:
        with system.work() as uow:
            deliveries.sent(uow, row_id)
