"""Opening a session in the browser that asks."""

from collections.abc import Iterable
from uuid import UUID

from flask import g, request, session
from flask_login import current_user, login_user

from app.domain.factors import Factor
from app.models import Account
from app.queries import accounts
from app.services import sign_in
from app.web.context import system, work
from app.web.login import Principal


def open_session(account: Account, factors: Iterable[Factor], provider_id: UUID | None = None) -> None:
    """Open a session for ``account``, which proved ``factors``; whatever session the browser had ends."""
    leave()
    person = accounts.actor_of(account, request.remote_addr)
    with system().work(person, g.request_id) as uow:
        row = sign_in.begin(
            uow,
            account,
            user_agent=request.headers.get("User-Agent"),
            factors=factors,
            provider_id=provider_id,
        )
    login_user(Principal(person, session_id=row.id))


def leave() -> None:
    """End the session that the browser has, as whoever it belongs to: the next one may be a stranger's."""
    previous = getattr(current_user, "session_id", None)
    if previous:
        with work() as uow:
            sign_in.end(uow, previous)
    session.clear()  # the CSRF token included: nothing planted before survives
