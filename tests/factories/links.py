"""Requests to the pages behind mailed links, and the links; see `tests.factories.requests`."""

from typing import Any
from uuid import UUID

from app.domain.events import Event
from app.domain.factors import LinkPurpose
from app.domain.policy import Actor
from app.models import Account
from app.services import links, unsubscribing
from app.system import System

NEW_PASSWORD = "quiet otters mend kites"
_UNSUBSCRIBE = "/unsubscribe/<token>"
_PURPOSE = {"/activate/<token>": LinkPurpose.INVITATION, "/reset/<token>": LinkPurpose.RESET}


def make_link(system: System, account_id: UUID | None, purpose: LinkPurpose) -> str:
    """Return the token of a new link for the account."""
    with system.work() as uow:
        return links.issue(uow, uow.session.get_one(Account, account_id), purpose).token


def link_target(system: System, owner: Actor, rule: str) -> str | None:
    """Return a token for a rule about a mailed link; None for any other rule."""
    if rule == _UNSUBSCRIBE and owner.id:
        return str(unsubscribing.address(system.settings, owner.id, Event.UPLOAD_RECEIVED)).rpartition("/")[2]
    return make_link(system, owner.id, _PURPOSE[rule]) if rule in _PURPOSE else None


def link_body(method: str, rule: str) -> dict[str, Any] | None:
    """Return the form that such a request needs; None where ``rule`` is about something else."""
    if (method, rule) == ("POST", _UNSUBSCRIBE):
        return {"data": {"List-Unsubscribe": "One-Click"}}
    if method == "POST" and rule in _PURPOSE:
        return {"data": {"password": NEW_PASSWORD, "again": NEW_PASSWORD}}
    return {"data": {"email": "somebody@example.com"}} if (method, rule) == ("POST", "/reset") else None
