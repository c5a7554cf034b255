"""Every error, rendered once: a page for browsers, problem+json (RFC 9457) for everybody else."""

from http import HTTPStatus
from http.client import responses

import structlog
from flask import (
    Flask,
    Response,
    current_app,
    g,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_wtf.csrf import CSRFError
from markupsafe import Markup, escape
from werkzeug.exceptions import HTTPException

from app.domain.errors import NotSignedInError, PortalError, TooManyTriesError
from app.web.context import system, ticket_in_address

log = structlog.get_logger(__name__)

_CODES = {HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too_large"}  # where the contract's is not the phrase

_SENTENCES = {
    HTTPStatus.BAD_REQUEST: "The request could not be understood.",
    HTTPStatus.NOT_FOUND: "There is nothing at this address.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This address does not take that kind of request.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "That is more than this form takes.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something broke on our side. Try again; if it stays, tell support.",
}


def install(app: Flask) -> None:
    """Handle everything that views and hooks raise."""
    app.register_error_handler(PortalError, _portal_error)
    app.register_error_handler(CSRFError, _csrf_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unexpected)


def is_browser() -> bool:
    """Whether a person looks at the answer: only browsers ask for text/html by name."""
    return "text/html" in request.accept_mimetypes.values()


def wants_json() -> bool:
    """Whether JSON was asked for by name, rather than taken as anything else would be."""
    best = request.accept_mimetypes.best_match(["text/html", "application/json"], default="text/html")
    return best == "application/json" and "application/json" in request.accept_mimetypes.values()


def problem(status: int, code: str, detail: str, wait: int | None = None) -> Response:
    """Return a problem document, or the page that says the same; ``wait`` seconds, then it may work."""
    if not is_browser():
        return problem_json(status, code, detail, **({} if wait is None else {"retry_after": wait}))
    try:
        page = render_template(
            "errors/error.html",
            status=int(status),
            title=_title(status),
            message=detail,
            code=code,
            of_upload=_is_upload(),
            wait=wait,
            request_id=g.get("request_id"),
            layout="layouts/guest.html" if ticket_in_address() else "layouts/base.html",
            way_back=_way_back(status),
        )
    except Exception as error:
        # What broke the request breaks the page's frame too: then a page without one.
        log.exception("error_page_broken", exc_info=error)
        page = _BARE.format(status=int(status), title=escape(detail), request_id=g.get("request_id", ""))
    return make_response(page, status)


def _is_upload() -> bool:
    """Whether what was asked for takes bundles."""
    access = getattr(current_app.view_functions.get(request.endpoint or ""), "access", None)
    return request.method != "GET" and access is not None and access.streams


_BARE = Markup(
    '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{status}</title></head>'
    "<body><h1>{title}</h1><p>Number of this request: {request_id}</p></body></html>"
)


def _way_back(status: int) -> tuple[str, str]:
    """Return where to go from here, and the words for it: guests have no start page."""
    if status == HTTPStatus.MISDIRECTED_REQUEST:
        return system().settings.base_url, "Go to the portal"
    ticket = (request.view_args or {}).get("ticket")
    if ticket and request.method != "GET":
        return url_for("guest.page", ticket=ticket), "Back to your ticket"
    if ticket_in_address():
        return url_for("guest.enter"), "Type a ticket"
    if status == HTTPStatus.CONFLICT and request.blueprint == "portal":
        # What was refused is there, and its page says more.
        if upload_id := (request.view_args or {}).get("upload_id"):
            return url_for("portal.file", upload_id=upload_id), "Back to the bundle"
        if case_id := (request.view_args or {}).get("case_id"):
            return url_for("portal.case", case_id=case_id), "Back to the case"
    return url_for("portal.home"), "Go to the start page"


def problem_json(status: int, code: str, detail: str, **more: object) -> Response:
    """Return a problem document; ``more`` are members of its own (RFC 9457 section 3.2)."""
    document = {"type": "about:blank", "title": _title(status), "status": int(status), "code": code}
    response = jsonify(document | {"detail": detail} | more)
    response.status_code = status
    response.content_type = "application/problem+json"
    return response


def _title(status: int) -> str:
    return responses.get(status, "Checksum Mismatch")  # 460 is tus's own


def _portal_error(error: PortalError) -> Response:
    log.info("refused", code=error.code, status=int(error.status), **error.context)
    if isinstance(error, NotSignedInError):
        return _sign_in_first(error)
    wait = error.wait if isinstance(error, TooManyTriesError) else error.retry_after
    response = problem(error.status, error.code, error.message, wait)
    if wait is not None:
        response.headers["Retry-After"] = str(wait)
    return response


def _sign_in_first(error: NotSignedInError) -> Response:
    if is_browser() and request.method == "GET" and "HX-Request" not in request.headers:
        return make_response(redirect(url_for("auth.sign_in", next=request.full_path.rstrip("?")), 303))
    response = problem(error.status, error.code, error.message)
    if "HX-Request" in request.headers:
        response.headers["HX-Refresh"] = "true"
    elif not (is_browser() or "Cookie" in request.headers or "Sec-Fetch-Mode" in request.headers):
        # Never to a browser's script: its native password box would ask for what nobody has.
        response.headers["WWW-Authenticate"] = 'Basic realm="Diagport", charset="UTF-8"'
    return response


def _csrf_error(_error: CSRFError) -> Response:
    return problem(
        HTTPStatus.FORBIDDEN, "forbidden", "The page this came from is too old. Reload it and try again."
    )


def _http_error(error: HTTPException) -> Response:
    if error.code is None or error.code < HTTPStatus.BAD_REQUEST:
        return make_response(error.get_response())
    status = HTTPStatus(error.code)
    sentence = _SENTENCES.get(status) or error.description or status.phrase
    response = problem(status, _CODES.get(status) or status.phrase.lower().replace(" ", "_"), sentence)
    for name in ("Allow", "Content-Range", "Retry-After"):
        if value := dict(error.get_headers()).get(name):
            response.headers[name] = value
    return response


def _unexpected(error: Exception) -> Response:
    log.exception("unexpected_error", exc_info=error)
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    return problem(status, "internal_error", _SENTENCES[status])
