"""Whether who began to send may still do so, when it has taken a while."""

from sqlalchemy import select

from app.domain.errors import GoneError, NotSignedInError, PortalError
from app.domain.tickets import DEAD, WHY, TicketState
from app.models import Ticket
from app.queries.standing import still_good
from app.uow import UnitOfWork


def check(uow: UnitOfWork) -> None:
    """Look again at what the actor sends with; see `still_good`.

    Raises:
        NotSignedInError: the account, its token or its issuer may come no more, or is another's now.
        GoneError: the ticket is good no more.
    """
    if not uow.session.scalar(select(still_good(uow.actor))):
        raise refusal(uow)


def refusal(uow: UnitOfWork) -> PortalError:
    """Return what is said to an actor who is in good standing no more."""
    if uow.actor.ticket_id is None:
        return NotSignedInError("Your access ended while the file was being sent. Nothing was handed in.")
    ticket = uow.session.get(Ticket, uow.actor.ticket_id, populate_existing=True)
    state = ticket.state(expired=False) if ticket else TicketState.REVOKED
    return GoneError(WHY[state if state in DEAD else TicketState.REVOKED])
