"""Passkeys over HTTP: what a browser is asked to sign, and its answer to that.

The cookie names the challenge, so that no other browser can answer it.
"""

from typing import Any, Final
from uuid import UUID

from flask import request, session

from app.domain.errors import InvalidInputError
from app.domain.factors import Ceremony
from app.services import challenges
from app.web.context import system_work

_COOKIE: Final = "challenge"


def begin(purpose: Ceremony, account_id: UUID | None) -> bytes:
    """Return what is to be signed, by a passkey of ``account_id`` or of anybody; once, within minutes."""
    with system_work() as uow:
        row = challenges.issue(uow, purpose, account_id)
    session[_COOKIE] = str(row.id)
    return row.challenge


def finish(purpose: Ceremony, account_id: UUID | None) -> bytes:
    """Return what this browser was asked to sign, which is used up with this.

    Raises:
        GoneError: nothing, something else, it was answered, or it is too long ago.
    """
    named = session.pop(_COOKIE, None)
    with system_work() as uow:
        return challenges.take(uow, UUID(named) if named else None, purpose, account_id)


def answer() -> dict[str, Any]:
    """Return the PublicKeyCredential that was sent, as JSON. Raises InvalidInputError: there is none."""
    document = request.get_json(silent=True)
    credential = document.get("credential") if isinstance(document, dict) else None
    if not isinstance(credential, dict):
        raise InvalidInputError("The browser sent no passkey.")
    return credential


def text(name: str) -> str | None:
    """Return a text that was sent beside the passkey; None if there is none."""
    document = request.get_json(silent=True)
    value = document.get(name) if isinstance(document, dict) else None
    return value if isinstance(value, str) else None
