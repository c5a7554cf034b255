"""The web: blueprints by audience on shared access, errors, headers and templating."""

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from app.system import System
from app.web import (
    access,
    account,
    admin,
    api,
    auth,
    context,
    cookie,
    errors,
    guest,
    headers,
    hosts,
    login,
    open_bodies,
    ops,
    portal,
    templating,
    tracing,
    transfer,
)
from app.web.connection import TidyConnection

_FORM_SECONDS = 10.0  # that somebody may be slow with what is no bundle: signing in and the like


def install(app: Flask, system: System) -> None:
    """Put everything onto ``app``.

    Raises:
        RuntimeError: a view declares no permission, or people in production would see tracebacks.
    """
    settings = system.settings
    if app.debug and settings.environment == "production":
        raise RuntimeError("FLASK_DEBUG must not be set in production.")
    app.config.update(
        SECRET_KEY=settings.secret_key.get_secret_value(),
        # __Host- cookies demand TLS, so plain http (this machine only) goes without the prefix.
        SESSION_COOKIE_NAME="__Host-diagport" if settings.secure else "diagport",
        SESSION_COOKIE_SECURE=settings.secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=256 * 1024,  # of parsed forms; bundles never go through the form parser
        WTF_CSRF_CHECK_DEFAULT=False,  # `access` checks, and knows which bodies are streams
        WTF_CSRF_TIME_LIMIT=None,  # the token lives as long as the session
        WTF_CSRF_SSL_STRICT=False,  # `access` compares the Origin on every scheme
    )
    context.install(app, system)
    tracing.install(app, settings)
    hosts.install(app, settings)
    headers.install(app)
    cookie.install(app)
    login.install(app)
    access.install(app)
    templating.install(app, settings)
    errors.install(app)
    open_bodies.install(app, settings)
    for audience in (auth, portal, account, admin, guest, transfer, api, ops):
        app.register_blueprint(audience.blueprint)
    access.refuse_undeclared(app)
    app.wsgi_app = TidyConnection(  # type: ignore[method-assign]
        app.wsgi_app,
        timeout=settings.body_timeout,
        rate=settings.body_min_rate,
        window=min(settings.body_rate_window, _FORM_SECONDS),
        stopping=lambda: app.extensions["diagport.bodies"].stopping,
    )
    if hops := settings.proxy_hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
