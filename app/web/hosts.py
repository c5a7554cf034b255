"""The names that the portal goes by: whoever asks for another host gets nothing of it (RFC 9110, 7.4).

Links in mails are made of the configured base URL whatever a request says; this keeps a name that
somebody else controls from becoming an origin at which our pages run and our cookies are set.
"""

from http import HTTPStatus
from urllib.parse import urlsplit

from flask import Flask, request

from app.domain.errors import PortalError
from app.settings import Settings

#: What load balancers and monitors ask of a task's bare address. Says nothing of anybody, sets no cookie.
_BY_ANY_NAME = frozenset({"ops.healthz", "ops.readyz", "ops.metrics_page"})
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


class MisdirectedError(PortalError):
    """The request was for a host that is not this portal."""

    status, code = HTTPStatus.MISDIRECTED_REQUEST, "misdirected"


def install(app: Flask, settings: Settings) -> None:
    """Refuse requests for other hosts, before anything else looks at them."""
    names = frozenset(map(_name_of, (urlsplit(settings.base_url).netloc, *settings.trusted_hosts)))
    if settings.environment == "development":
        names |= frozenset(_THIS_MACHINE)

    @app.before_request
    def check() -> None:
        if (
            request.endpoint not in _BY_ANY_NAME
            and _name_of(request.environ.get("HTTP_HOST", "")) not in names
        ):
            raise MisdirectedError(f"This is not the address of the portal. It is {settings.base_url}")


def _name_of(host: str) -> str | None:
    """Return the name in ``host``, without its port; None for what is none."""
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return None
    return name.rstrip(".") if name else None
