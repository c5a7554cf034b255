"""Response headers that hold for everything."""

from flask import Flask, Response, g, request

from app.domain.errors import DependencyError
from app.ports import PresignsUploads
from app.web.context import secret_in_address, system

_CSP = (
    "default-src 'none'; script-src 'self'{files}; style-src 'self'{files}; img-src 'self'{files} data:;"
    " font-src 'self'{files}; connect-src 'self'{store};"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def install(app: Flask) -> None:
    """Set them on every response; what a view has set stays."""
    app.after_request(_add)


def _store() -> str:
    """Return where pages send parts of bundles to, other than here."""
    storage = system().adapters.storage
    try:
        return f" {storage.origin()}" if isinstance(storage, PresignsUploads) else ""
    except DependencyError:  # the credentials cannot be had: then parts cannot be signed either
        return ""


def _files() -> str:
    """Return where pages load static files from, other than from here: this release's and no other's."""
    elsewhere = system().settings.assets_url
    return f" {elsewhere}/" if elsewhere else ""


def _add(response: Response) -> Response:
    headers = response.headers
    if "Content-Security-Policy" not in headers:
        headers["Content-Security-Policy"] = _CSP.format(store=_store(), files=_files())
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "no-referrer" if secret_in_address() else "same-origin")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
    if request.endpoint == "static":
        if "v" in request.args:  # the address changes with the file; modules import each other without
            headers["Cache-Control"] = "public, max-age=31536000, immutable"
    else:
        headers.setdefault("Cache-Control", "no-store")
        response.vary.update(("Cookie", "Accept", "HX-Request"))
    if system().settings.secure:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
    if request_id := g.get("request_id"):
        headers["X-Request-Id"] = request_id
    return response
