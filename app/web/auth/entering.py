"""Where every way of signing in ends: the second factor that is still owed, or the session."""

from collections.abc import Sequence
from uuid import UUID

from flask import g, redirect, request, session
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_user

from app.domain.factors import Factor
from app.models import Account
from app.queries import accounts
from app.services import sign_in
from app.web.auth.target import inside
from app.web.context import system
from app.web.login import Principal


def enter(
    account: Account, factors: Sequence[Factor], target: str | None, *, provider_id: UUID | None = None
) -> ResponseReturnValue:
    """Open a session for ``account``, which proved ``factors``, and go to ``target``.

    Whatever session the browser had ends. Only for who owes no other factor.
    """
    previous = getattr(current_user, "session_id", None)
    person = accounts.actor_of(account, request.remote_addr)
    with system().work(person, g.request_id) as uow:
        if previous:
            sign_in.end(uow, previous)
        row = sign_in.begin(
            uow,
            account,
            user_agent=request.headers.get("User-Agent"),
            factors=factors,
            provider_id=provider_id,
        )
    session.clear()  # the CSRF token included: nothing planted before survives
    login_user(Principal(person, session_id=row.id))
    return redirect(inside(target), code=303)
