"""Where somebody is signed in, and ending that."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.domain.factors import Factor
from app.domain.policy import Permission
from app.queries import sessions as sessions_query
from app.services import sessions
from app.web.access import requires
from app.web.account.blueprint import blueprint
from app.web.context import system_work, work
from app.web.devices import device

_FACTORS: Final = {
    Factor.PASSWORD: "password",
    Factor.TOTP: "authenticator app",
    Factor.RECOVERY_CODE: "recovery code",
    Factor.PASSKEY: "passkey",
    Factor.PROVIDER: "identity provider",
}


@dataclass(frozen=True, slots=True)
class Place:
    """One browser that is signed in. ``address``: of its last use; ``means``: by what it was signed in."""

    id: UUID
    this: bool
    device: str
    address: str | None
    began: datetime
    used: datetime
    means: str


@blueprint.post("/sessions/<uuid:session_id>/end")
@requires(Permission.ACCOUNT_OWN)
def end_session(session_id: UUID) -> ResponseReturnValue:
    """Sign out one browser."""
    with work() as uow:
        sessions.end_own(uow, session_id)
    return _back()


@blueprint.post("/sessions/end-others")
@requires(Permission.ACCOUNT_OWN)
def end_others() -> ResponseReturnValue:
    """Sign out every browser but this one, and with the box ticked every program too."""
    with work() as uow:
        sessions.end_others(uow, current_user.session_id, and_tokens="tokens" in request.form)
    return _back()


def places() -> list[Place]:
    """Return where whoever asks is signed in; this browser first."""
    with work() as uow:
        found = sessions_query.open_of(uow.session, uow.settings, uow.actor.id)
    with system_work() as uow:
        providers = sessions_query.providers_of(uow.session, found)
    shown = [
        Place(
            id=each.id,
            this=each.id == current_user.session_id,
            device=device(each.user_agent),
            address=each.address,
            began=each.created_at,
            used=each.last_seen_at,
            means=_means(each.factors, providers.get(each.provider_id) if each.provider_id else None),
        )
        for each in found
    ]
    return sorted(shown, key=lambda place: not place.this)


def _means(factors: list[str], provider: str | None) -> str:
    """Return "password and authenticator app", with the name of the provider if one said who it is."""
    words = [
        provider if factor == Factor.PROVIDER and provider else _FACTORS[Factor(factor)] for factor in factors
    ]
    return " and ".join(words)


def _back() -> ResponseReturnValue:
    return redirect(url_for("account.page", _anchor="sessions"), code=303)
