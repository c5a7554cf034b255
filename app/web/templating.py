"""What every template knows: filters, who asks, which engine scans, where static files are."""

import hashlib
import math
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from time import monotonic

from flask import Flask, current_app, g, url_for
from flask_login import current_user
from jinja2 import StrictUndefined
from markupsafe import Markup

from app.domain.errors import PortalError
from app.domain.policy import Actor, Permission
from app.domain.verdict import Engine
from app.queries import engine as engine_query
from app.queries import gate as gate_query
from app.queries.gate import GateStatus
from app.settings import Settings
from app.web.access import public
from app.web.context import system, system_work

_UNITS = ("kB", "MB", "GB", "TB")
_FRESH = 5.0  # seconds

_Kept = tuple[float, tuple[Engine | None, GateStatus | None]]


def install(app: Flask, settings: Settings) -> None:
    """Set up Jinja and the static files."""
    app.jinja_env.undefined = StrictUndefined  # a misspelt name is an error, not an empty string
    app.jinja_env.filters.update(filesize=filesize, number=number, when=when, age=age)
    app.jinja_env.globals.update(asset=_asset, can=_can)
    # how long an unfinished upload is kept after its last bytes (`services.expiry`)
    app.jinja_env.globals["resumable_for"] = timedelta(seconds=settings.resumable_for)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.context_processor(_common)
    public(app.view_functions["static"])


def filesize(size: int | None) -> str:
    """Return bytes as people say them, in powers of 1,000: 4628644 -> "4.6 MB"."""
    if size is None:
        return "unknown size"
    if size < 1000:
        return f"{size} B"
    value = float(size)
    step = min(int(math.log(value, 1000) + 1e-4), len(_UNITS))
    return f"{value / 1000**step:.1f} {_UNITS[step - 1]}"


def number(value: int) -> str:
    """Return 1234 as "1,234"."""
    return f"{value:,}"


def when(moment: datetime | None) -> Markup:
    """Return a moment as a <time> element in UTC."""
    if moment is None:
        return Markup("")
    text = f"{moment.day} {moment:%b %Y, %H:%M} UTC"
    return Markup('<time datetime="{}">{}</time>').format(moment.isoformat(timespec="seconds"), text)


def age(seconds: float) -> str:
    """Return a span as people say it: 90000.0 -> "25 hours"."""
    for word, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length:.0f} {word}s"
    return "a minute" if seconds >= 60 else "less than a minute"


def _common() -> dict[str, object]:
    engine, gate = _scanner()
    return {"actor": _actor(), "engine": engine, "gate": gate, "request_id": g.get("request_id")}


def _actor() -> Actor | None:
    try:
        return current_user.actor if current_user.is_authenticated else None
    except PortalError:  # an error page is rendered, and who asks cannot be told
        return None


def _can(permission: str) -> bool:
    asks = _actor()
    return asks is not None and asks.may(Permission(permission))


def _scanner() -> tuple[Engine | None, GateStatus | None]:
    """Return engine and gate as last seen, asked for once in a few seconds, not once a page.

    None where nothing was ever seen.
    """
    kept: _Kept | None = current_app.extensions.get("diagport.scanner")
    if kept is None or monotonic() - kept[0] > _FRESH:
        try:
            with system_work() as uow:
                seen = engine_query.current(uow.session), gate_query.current(uow.session)
        except PortalError:
            return kept[1] if kept else (None, None)
        current_app.extensions["diagport.scanner"] = kept = (monotonic(), seen)
    return kept[1]


def _asset(path: str) -> str:
    """Return the address of a static file; it changes when the file does."""
    file = Path(current_app.static_folder or "") / path
    return url_for("static", filename=path, v=_fingerprint(file, system().settings.environment))


@cache
def _fingerprint_once(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]


def _fingerprint(file: Path, environment: str) -> str:
    if environment == "development":
        _fingerprint_once.cache_clear()
    return _fingerprint_once(file)
