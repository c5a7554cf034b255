"""`/healthz`, `/readyz`, `/metrics`."""

from http import HTTPStatus
from ipaddress import IPv6Address, ip_address

from flask import Blueprint, Response, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from prometheus_client import CONTENT_TYPE_LATEST

from app.domain.errors import NotFoundError
from app.queries.figures import figures
from app.services.metrics import ask, readings
from app.web.access import public
from app.web.context import system, system_work
from app.web.health import ESSENTIAL, checks
from app.web.ops import metrics
from app.web.probing import prober

blueprint = Blueprint("ops", __name__)


@blueprint.get("/healthz")
@public
def healthz() -> ResponseReturnValue:
    """Say that this process answers, and is not to be replaced by another.

    Nothing that is away makes it red, for a new process would help nothing. But one whose password the
    database has refused for long was given it before it changed: the next one gets the new one. Not at
    once, for what is connected works on, and all at once would be nobody (`app.db_access.Patience`).
    """
    if prober().ask({"refused": system().database.refused})["refused"] is True:
        return jsonify(status="The database refuses the password."), HTTPStatus.SERVICE_UNAVAILABLE
    return jsonify(status="ok")


@blueprint.get("/readyz")
@public
def readyz() -> ResponseReturnValue:
    """Say of each dependency whether it answers; 503 when no upload could be acknowledged.

    Or when the process was told to stop: it finishes what it has, and whoever asks goes elsewhere.
    """
    if current_app.extensions["diagport.bodies"].stopping:
        return jsonify(status="stopping", checks={}), HTTPStatus.SERVICE_UNAVAILABLE
    found = checks(system())
    failing = {name for name, check in found.items() if not check.ok}
    status = "ready" if not failing else "unavailable" if failing & ESSENTIAL else "degraded"
    response: Response = jsonify(
        status=status,
        checks={name: {"ok": check.ok, "detail": check.detail} for name, check in found.items()},
    )
    if status == "unavailable":
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
        response.headers["Retry-After"] = "10"
    return response


@blueprint.get("/metrics")
@public
def metrics_page() -> ResponseReturnValue:
    """Metrics in Prometheus' text format, for allowed networks only; others find nothing here."""
    if not _may_see_metrics(request.remote_addr):
        raise NotFoundError
    bells = ask(system().adapters.queue)
    with system_work() as uow:
        found = figures(uow.session)
    return Response(metrics.render(readings(found, bells)), content_type=CONTENT_TYPE_LATEST)


def _may_see_metrics(address: str | None) -> bool:
    try:
        asks = ip_address(address or "")
    except ValueError:  # a unix socket, or a proxy that puts something else there
        return False
    if isinstance(asks, IPv6Address) and asks.ipv4_mapped:
        asks = asks.ipv4_mapped
    return any(asks in network for network in system().settings.metrics_networks)
