"""Where every way of signing in ends: the second factor that is still owed, or the session."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from flask import g, redirect, request, session, url_for
from flask_login import current_user, login_user
from werkzeug.wrappers import Response

from app.domain.factors import Factor
from app.models import Account
from app.queries import accounts
from app.queries import factors as held
from app.services import half_way, sign_in
from app.web.auth.target import inside
from app.web.context import actor, system, system_work, work
from app.web.login import Principal
from app.web.opening import leave, open_session

#: Two factors by themselves. A passkey that signs in asks for a PIN or a finger (`services.passkeys`).
_ENOUGH: Final = frozenset({Factor.PASSKEY, Factor.PROVIDER})
#: Where a cookie names the sign-in that is half done.
HALF: Final = "half"


def proved(
    account: Account, factor: Factor, target: str | None, *, provider_id: UUID | None = None
) -> Response:
    """Let ``account`` in, which proved ``factor``, or ask for the second one if it has any.

    Whatever session the browser had ends. Asked for the second factor it is nobody's: what its cookie
    names opens nothing but the page that asks (T37).
    """
    with system_work() as uow:
        owes = factor not in _ENOUGH and held.of(uow.session, account.id).second
    if not owes:
        return enter(account, [factor], target, provider_id=provider_id)
    leave()
    with system().work(accounts.actor_of(account, request.remote_addr), g.request_id) as uow:
        half = half_way.begin(uow, account, factor, inside(target))
    session[HALF] = str(half)
    return redirect(url_for("auth.second"), code=303)


def enter(
    account: Account, factors: Sequence[Factor], target: str | None, *, provider_id: UUID | None = None
) -> Response:
    """Open a session for ``account``, which proved ``factors``, and go to ``target``.

    Whatever session the browser had ends. Only for who owes no other factor.
    """
    open_session(account, factors, provider_id)
    return redirect(inside(target), code=303)


def renewed(factors: Sequence[Factor], target: str | None) -> Response:
    """Go on to ``target`` under a new session id, now that the person proved anew who they are.

    The CSRF token stays: forms in other tabs still hold it.

    Raises:
        NotSignedInError: the session ended meanwhile.
    """
    with work() as uow:
        session_id = sign_in.confirm(uow, current_user.session_id, ", ".join(factors))
    login_user(Principal(actor(), session_id=session_id, fresh=True))
    return redirect(inside(target), code=303)
