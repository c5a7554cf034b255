"""A span for each request, by its route. What callers say of traces of their own is not taken over."""

from contextlib import ExitStack

from flask import Flask, Response, g, request

from app import tracing
from app.settings import Settings

_SERVER_ERROR = 500
_UNTRACED = ("ops", "static")  # asked every few seconds, and telling nothing


def install(app: Flask, settings: Settings) -> None:
    """Trace requests, if there is a collector. After `context.install`, which names them."""
    if settings.otlp_endpoint is None:
        return
    tracing.start(settings.otlp_endpoint, "web", settings.environment)
    app.before_request(_begin)
    app.after_request(_note)
    app.teardown_request(_end)


def _begin() -> None:
    if (request.endpoint or "").partition(".")[0] in _UNTRACED:
        return
    route = str(request.url_rule) if request.url_rule else "unknown"
    g.trace = ExitStack()
    g.span = g.trace.enter_context(
        tracing.span(
            f"{request.method} {route}",
            request_id=g.request_id,
            **{"http.request.method": request.method, "http.route": route},
        )
    )


def _note(response: Response) -> Response:
    if "span" in g:
        g.span.note(**{"http.response.status_code": response.status_code})
        if response.status_code >= _SERVER_ERROR:
            g.span.failed(str(response.status_code))
    return response


def _end(_error: BaseException | None) -> None:
    if "trace" in g:
        g.trace.close()
