"""Who gets in: every view declares a permission, everything undeclared is refused."""

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Flask, current_app, request
from flask_login import current_user
from flask_wtf.csrf import CSRFProtect, validate_csrf
from wtforms.validators import ValidationError

from app.domain.errors import ForbiddenError, NotSignedInError
from app.domain.policy import Permission
from app.web.context import actor, system

View = TypeVar("View", bound=Callable[..., Any])

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_csrf = CSRFProtect()


def requires(permission: Permission, *, streams: bool = False) -> Callable[[View], View]:
    """Declare the permission that a view needs.

    With ``streams`` the view reads the body itself, and calls `check_csrf` with the token
    before it acts: looking for it here would swallow the body.
    """

    def declare(view: View) -> View:
        view.access = (permission, streams)  # type: ignore[attr-defined]
        return view

    return declare


def public(view: View) -> View:
    """Declare that a view is for everybody."""
    view.access = (None, False)  # type: ignore[attr-defined]
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


def declared(app: Flask, endpoint: str) -> Permission | None:
    """Return the permission that an endpoint needs, None where it is public."""
    view: Any = app.view_functions[endpoint]
    permission: Permission | None = view.access[0]
    return permission


def _guard() -> None:
    if request.endpoint is None:
        return  # 404 and 405 tell nothing
    view = current_app.view_functions[request.endpoint]
    permission, streams = getattr(view, "access", (None, None))
    if streams is None:
        raise ForbiddenError("This address is closed.")
    if permission is not None:
        if not current_user.is_authenticated:
            if request.authorization:
                raise NotSignedInError("This token is not known, or was revoked.")
            raise NotSignedInError("Sign in first, or send a token.")
        if not actor().may(permission):
            raise ForbiddenError("Your account may not do this.")
    if request.method not in _SAFE:
        _check_origin()  # whatever the credentials: browsers attach remembered Basic ones too
        if _carries_cookie() and not streams:
            _csrf.protect()


def _carries_cookie() -> bool:
    """Whether it is a session that says who asks, rather than a token sent for this request."""
    return getattr(current_user, "token_id", None) is None


def _check_origin() -> None:
    origin = request.headers.get("Origin")
    ours = {system().settings.base_url, f"{request.scheme}://{request.host}"}
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        raise ForbiddenError("This request came from another site.")
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
