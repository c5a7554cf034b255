"""Opening a session in the browser that asks."""

from collections.abc import Iterable
from functools import partial
from uuid import UUID

from flask import Response, after_this_request, g, request, session
from flask_login import current_user, login_user

from app.domain.factors import Factor
from app.models import Account
from app.queries import accounts
from app.services import devices, sign_in
from app.web.context import system, work
from app.web.devices import device
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
        fresh = devices.recognise(uow, account, request.cookies.get(_name()), device(row.user_agent))
    if fresh:
        after_this_request(partial(_let_carry, fresh))
    login_user(Principal(person, session_id=row.id))


def _let_carry(token: str, response: Response) -> Response:
    """Let the browser carry what it is known by from now on; it signs nobody in."""
    response.set_cookie(
        _name(),
        token,
        max_age=devices.REMEMBERED,
        secure=system().settings.secure,
        httponly=True,
        samesite="Lax",
    )
    return response


def _name() -> str:
    return "__Host-diagport-device" if system().settings.secure else "diagport-device"


def leave() -> None:
    """End the session that the browser has, as whoever it belongs to: the next one may be a stranger's."""
    previous = getattr(current_user, "session_id", None)
    if previous:
        with work() as uow:
            sign_in.end(uow, previous)
    session.clear()  # the CSRF token included: nothing planted before survives
