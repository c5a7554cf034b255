"""From a cookie or a token to a principal."""

from dataclasses import dataclass
from uuid import UUID

from flask import Flask, Request, current_app, request
from flask_login import LoginManager
from werkzeug.datastructures import Authorization
from werkzeug.utils import cached_property

from app.domain import access_token, ticket_code
from app.domain.errors import ForbiddenError
from app.domain.networks import is_from
from app.domain.policy import Actor, Pass
from app.domain.tickets import WHY
from app.queries import accounts
from app.services import sign_in, tokens, tries
from app.web import bearer
from app.web.context import system, system_work


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever made the request, in the form that flask-login expects."""

    actor: Actor
    session_id: UUID | None = None
    fresh: bool = False  # proved lately, by more than a cookie, who they are
    token_id: UUID | None = None
    ended: str | None = None  # why the credentials, though known, are good no more
    is_authenticated: bool = True
    is_active: bool = True
    is_anonymous: bool = False

    def get_id(self) -> str:
        """Return the id of the session's row: deleting it signs out at once."""
        return str(self.session_id)


class TolerantRequest(Request):
    """One whose Authorization is nothing, rather than an error, when it is no ASCII (werkzeug 3.1)."""

    @cached_property
    def authorization(self) -> Authorization | None:
        try:
            return super().authorization
        except ValueError:
            return None


def install(app: Flask) -> None:
    """Let flask-login ask us."""
    app.request_class = TolerantRequest
    manager = LoginManager()
    manager.session_protection = None  # the row decides, not a hash of the browser's name
    manager.user_loader(_by_session)
    manager.request_loader(_by_token)
    # Its context processor asks who asks, and so breaks the page that says why nobody can tell.
    manager.init_app(app, add_context_processor=False)


def _by_session(session_id: str) -> Principal | None:
    if "Authorization" in request.headers:
        return None  # what was sent for this request outranks what a browser always sends
    try:
        key = UUID(session_id)
    except ValueError:
        return None
    with system_work() as uow:
        found = accounts.live_session(uow.session, system().settings, key)
        if found is None:
            return None
        if (found.unnoted or found.address != request.remote_addr) and not _unattended():
            sign_in.touch_session(uow, found.id, request.remote_addr)
        came_by = Pass(session_begun=found.begun)
        return Principal(
            accounts.actor_of(found.account, request.remote_addr, came_by=came_by),
            session_id=found.id,
            fresh=found.fresh,
        )


#: What scripts of our pages send with what they ask by themselves, again and again.
UNATTENDED = "Diagport-Unattended"


def _unattended() -> bool:
    """Whether an open page asks by itself, perhaps with nobody before it (`access.requires`).

    A script says so of itself; a page that fetches itself anew without scripts is navigation that came of
    no act of a person (W3C Fetch Metadata, ``Sec-Fetch-User``). Whoever says so falsely is signed out
    earlier. What changes anything is always somebody's act.
    """
    if request.method in {"GET", "HEAD"}:
        headers = request.headers
        if UNATTENDED in headers:
            return True
        here = headers.get("Sec-Fetch-Site") == "same-origin" and headers.get("Sec-Fetch-Mode") == "navigate"
        if here and "Sec-Fetch-User" not in headers:
            return True
    view = current_app.view_functions.get(request.endpoint or "")
    return bool(getattr(getattr(view, "access", None), "unattended", False))


def with_ticket(typed: str, case: str | None = None) -> Principal | None:
    """Return whoever holds the ticket, None if there is none of this code, or of this case.

    Raises:
        ForbiddenError: it is not for the network that the request comes from.
        TooManyTriesError: there is none, and there was none too often lately. A right one always gets
            in: no number of wrong ones leads to it, and whoever types them must not lock out others.
    """
    code = ticket_code.parse(typed)
    if code is None:
        return None
    reference = None if case is None else " ".join(case.split()).upper()
    with system_work() as uow:
        found = accounts.by_ticket(uow.session, system().settings, ticket_code.digest(code))
        if found is None or reference not in {None, found.ticket.case.reference}:
            tries.begin(uow, tries.Kind.TICKET, reference or "", request.remote_addr)
            return None
    ticket = found.ticket
    if not is_from(ticket.networks, request.remote_addr):
        raise ForbiddenError("This ticket may not be used from your network address.")
    return Principal(
        accounts.actor_with(ticket, request.remote_addr), ended=WHY[found.state] if found.ended else None
    )


def _by_token(request: Request) -> Principal | None:
    """Take ``Bearer <token>``, ours or an issuer's, or Basic: any name and our token, or case and ticket."""
    given = request.authorization
    if given is None:
        return None
    token = given.token if given.type == "bearer" else given.password if given.type == "basic" else None
    if token and token.startswith(tokens.PREFIX):
        with system_work() as uow:
            found = accounts.by_token(uow.session, tokens.digest(token))
            if found:
                row, account, unnoted = found
                if unnoted:
                    sign_in.touch_token(uow, row.id)
                actor = accounts.actor_of(
                    account,
                    request.remote_addr,
                    row.scopes,
                    means=f"token {row.hint}",
                    came_by=Pass(token_id=row.id),
                )
                return Principal(actor, token_id=row.id)
        return None
    if given.type != "basic":
        jwt = token if token and access_token.looks_like_one(token) else None
        machine = bearer.actor_with(jwt, request.remote_addr) if jwt else None
        return Principal(machine) if machine else None
    # A case reference may have colons, which a user name may not (RFC 7617): the code is what is last.
    case, _, code = f"{given.username}:{given.password}".rpartition(":")
    return with_ticket(code, case)
