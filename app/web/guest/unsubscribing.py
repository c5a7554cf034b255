"""Unsubscribing from mails by the link in one of them, signed in or not (RFC 8058)."""

from dataclasses import replace
from uuid import UUID

from flask import g, render_template, request
from flask.typing import ResponseReturnValue

from app.domain.errors import BadRequestError, DependencyError, NotFoundError
from app.domain.event_words import sentence
from app.domain.events import Event
from app.domain.policy import STAFF, SYSTEM
from app.models import Account
from app.services import unsubscribing
from app.uow import UnitOfWork
from app.web.access import by_signed_address
from app.web.context import system, system_work
from app.web.guest.blueprint import blueprint

#: A mail program posts once. What stood in the way, such as somebody else's lock, may be over.
_TRIES = 3
_NONE = "This link is not whole, or too old. Sign in and open your account to choose what you hear of."


@blueprint.get("/unsubscribe/<token>", endpoint="unsubscribe")
@by_signed_address
def ask_to_unsubscribe(token: str) -> ResponseReturnValue:
    """Say what would stop, and ask. Nothing changes: who scans mails follows links."""
    account_id, event = _read(token)
    with system_work() as uow:
        return _page(uow, token, account_id, event, done=False)


@blueprint.post("/unsubscribe/<token>")
@by_signed_address
def stop_mails(token: str) -> ResponseReturnValue:
    """Stop it, whether a mail program asks or the button of the page."""
    account_id, event = _read(token)
    if request.form.get("List-Unsubscribe") != "One-Click":
        raise BadRequestError("Open the link in a browser, and use the button there.")
    by_link = replace(
        SYSTEM, address=request.remote_addr, label="whoever has the mail", means="link in a mail"
    )
    for left in range(_TRIES)[::-1]:
        try:
            with system().work(by_link, g.request_id) as uow:
                unsubscribing.stop(uow, account_id, event)
                return _page(uow, token, account_id, event, done=True)
        except DependencyError:
            if not left:
                raise
    raise AssertionError


def _read(token: str) -> tuple[UUID, Event]:
    try:
        return unsubscribing.read(system().settings, token)
    except NotFoundError:
        raise NotFoundError(_NONE) from None


def _page(uow: UnitOfWork, token: str, account_id: UUID, event: Event, *, done: bool) -> str:
    person = uow.session.get(Account, account_id)
    if person is None:
        raise NotFoundError(_NONE)
    return render_template(
        "guest/unsubscribe.html",
        token=token,
        daily=event is Event.DIGEST,
        says=sentence(event, staff=person.role in STAFF),
        done=done,
    )
