"""Who gets in: every view declares a permission, everything undeclared is refused."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

from flask import Flask, current_app, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf.csrf import CSRFProtect, validate_csrf
from wtforms.validators import ValidationError

from app.domain import ticket_code
from app.domain.errors import (
    ForbiddenError,
    FreshSignInNeededError,
    GoneError,
    NotFoundError,
    NotSignedInError,
)
from app.domain.policy import Permission, scope_of
from app.services import sign_in
from app.web.context import actor, secret_in_address, system, work
from app.web.errors import is_browser
from app.web.login import with_ticket

View = TypeVar("View", bound=Callable[..., Any])

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_csrf = CSRFProtect()


class Access(NamedTuple):
    """What a view declares; see `requires`. A public one needs no permission."""

    permission: Permission | None = None
    streams: bool = False
    fresh: bool = False
    keeps: tuple[str, ...] = ()
    ticket: bool = False
    instead: Permission | None = None
    signed: bool = False
    unattended: bool = False


def requires(
    permission: Permission,
    *,
    instead: Permission | None = None,
    streams: bool = False,
    fresh: bool = False,
    keeps: tuple[str, ...] = (),
    ticket: bool = False,
    unattended: bool = False,
) -> Callable[[View], View]:
    """Declare the permission that a view needs; for roles that do not hold it, ``instead`` will do.

    With ``streams`` the view reads the body itself, and calls `check_csrf` with the token
    before it acts: looking for it here would swallow the body.

    With ``fresh`` it needs a person who proved lately who they are (ASVS 7.5.3); a browser is
    sent to do so, and then to the form at this address. What was typed into the fields ``keeps``
    waits there (`accounts.kept_for`). Never name a secret among them.

    With ``ticket`` the address itself, in its variable ``ticket``, says who asks, whoever is signed in.

    What is ``unattended`` is asked for by open pages alone: it keeps no session alive. Of what a person
    opens too, the request says so (`login`).
    """

    def declare(view: View) -> View:
        declared = Access(permission, streams, fresh, keeps, ticket, instead, unattended=unattended)
        view.access = declared  # type: ignore[attr-defined]
        return view

    return declare


def public(view: View) -> View:
    """Declare that a view is for everybody."""
    view.access = Access()  # type: ignore[attr-defined]
    return view


def by_signed_address(view: View) -> View:
    """Declare that a view is for whoever knows its address, which is signed and gives all the leave it takes.

    Programs post there that have neither cookie nor token of a form (RFC 8058); no other site could make
    a browser do so without knowing the address.
    """
    view.access = Access(signed=True)  # type: ignore[attr-defined]
    return view


def install(app: Flask) -> None:
    """Guard every request."""
    _csrf.init_app(app)
    app.before_request(_guard)


def refuse_undeclared(app: Flask) -> None:
    """Raise RuntimeError if a view declares nothing."""
    bare = sorted(name for name, view in app.view_functions.items() if not hasattr(view, "access"))
    if bare:
        raise RuntimeError(f"views without a declared permission: {', '.join(bare)}")


def declared(app: Flask, endpoint: str) -> Access:
    """Return what an endpoint's view declares."""
    view: Any = app.view_functions[endpoint]
    access: Access = view.access
    return access


def _guard() -> ResponseReturnValue | None:
    if request.endpoint is None:
        return None  # 404 and 405 tell nothing
    access: Access | None = getattr(current_app.view_functions[request.endpoint], "access", None)
    if access is None:
        raise ForbiddenError("This address is closed.")
    if access.ticket:
        _let_ticket_speak()
    if access.permission is not None:
        check_permission(access.permission, access.instead)
    if request.method not in _SAFE and not access.signed:
        # Whatever the credentials: browsers attach remembered Basic ones too. A page with a secret in
        # its address asks them to name it nowhere (`headers`), so they hide its origin from us as well.
        _check_origin(may_hide=secret_in_address())
        if _carries_cookie() and not access.streams:
            _csrf.protect()
    return _prove_first(access.keeps) if access.fresh and request.method != "OPTIONS" else None


def check_permission(permission: Permission, instead: Permission | None = None) -> None:
    """Refuse whoever may not. Raises NotSignedInError, GoneError, ForbiddenError."""
    if not current_user.is_authenticated:
        if request.authorization:
            raise NotSignedInError("This token or ticket is not known, or was revoked.")
        raise NotSignedInError("Sign in first, or send a token.")
    if current_user.ended:
        raise GoneError(current_user.ended)
    if instead is not None and not actor().holds(permission):
        permission = instead
    if not actor().holds(permission):
        raise ForbiddenError("Your account may not do this.")
    if not actor().covers(permission):
        scope = scope_of(permission)
        if scope is None:
            raise ForbiddenError("This needs a person at a browser, not a token.")
        raise ForbiddenError(f"This token does not have the scope {scope}. Make one that has.")


def _prove_first(keeps: tuple[str, ...]) -> ResponseReturnValue | None:
    """Send a person who has not lately proved who they are to do so; what they typed is kept."""
    session_id = current_user.session_id
    if session_id is None:
        raise ForbiddenError("This needs a person at a browser who has just signed in, not a token.")
    if current_user.fresh:
        return None
    if not is_browser() or "HX-Request" in request.headers:
        raise FreshSignInNeededError("Sign in again first: your last sign-in is too long ago for this.")
    if request.method == "POST":
        with work() as uow:
            typed = {name: request.form[name] for name in keeps if name in request.form}
            sign_in.keep(uow, session_id, request.path, typed)
    back = request.path if request.method == "POST" else request.full_path.rstrip("?")
    return redirect(url_for("auth.again", next=back), code=303)


def _carries_cookie() -> bool:
    """Whether a session says who asks (or nobody does yet), rather than a token or a ticket."""
    return not current_user.is_authenticated or current_user.session_id is not None


def _let_ticket_speak() -> None:
    typed = (request.view_args or {})["ticket"]
    if ticket_code.parse(typed) is None:
        raise NotFoundError("That is not a whole ticket code. Check it for typing mistakes.")
    principal = with_ticket(typed)
    if principal is None:
        raise NotFoundError("There is no such ticket. Ask support for a new one.")
    g._login_user = principal  # noqa: SLF001  # where flask-login looks first


def _check_origin(*, may_hide: bool) -> None:
    origin = request.headers.get("Origin")
    ours = {system().settings.base_url, f"{request.scheme}://{request.host}"}
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        raise ForbiddenError("This request came from another site.")
    if origin == "null" and may_hide:
        return
    if origin is not None and _origin_of(origin) not in ours:
        raise ForbiddenError("This request came from another site.")


def _origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def check_csrf(token: str | None) -> None:
    """Compare the token of a streamed request that is carried by a cookie.

    Raises:
        ForbiddenError: missing or wrong.
    """
    if not _carries_cookie():
        return
    try:
        validate_csrf(token)
    except ValidationError as error:
        raise ForbiddenError(
            "The page this came from is too old. Reload it and send again.", csrf=str(error)
        ) from error
