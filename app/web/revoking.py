"""Ending a ticket, and what was begun with it."""

from contextlib import suppress
from uuid import UUID

from app.domain.errors import StateConflictError
from app.queries import tickets as tickets_query
from app.queries.tickets import SeenTicket
from app.services import tickets
from app.services.intake import records
from app.web.context import store_of, work


def revoke_ticket(ticket_id: UUID) -> SeenTicket:
    """End a ticket at once, and give up what was begun with it.

    In that order, and each in a unit of work of its own: nothing begins after the first, and none
    waits for the ticket's row while it holds another's.

    Raises:
        NotFoundError: absent, or not visible to the actor.
        StateConflictError: it was revoked already.
        DependencyError: the ticket has ended; what was begun ends with the next sweep.
    """
    with work() as uow:
        seen = tickets.revoke(uow, ticket_id)
    with work() as uow:
        begun = tickets_query.begun_with(uow.session, ticket_id)
    for upload_id in begun:
        with suppress(StateConflictError):  # it was sealed, or given up, meanwhile
            with work() as uow:
                upload = records.abandon(uow, upload_id, tickets.CUT_SHORT)
            store_of(upload).delete(upload.storage_key)
    return seen
