"""What every template knows: filters (`wording`), who asks, which engine scans, where static files are."""

import hashlib
from datetime import timedelta
from functools import cache
from pathlib import Path
from time import monotonic

from flask import Flask, current_app, g, url_for
from jinja2 import StrictUndefined

from app.domain.errors import PortalError
from app.domain.passkey_origin import relying_party
from app.domain.policy import Permission
from app.domain.tombstones import bare_reason
from app.domain.verdict import Engine
from app.queries import accounts, notices
from app.queries import engine as engine_query
from app.queries import gate as gate_query
from app.queries.gate import GateStatus
from app.queries.notices import Unread
from app.queries.terms import days_from_closing, kept_since_closing, term_of
from app.settings import Settings
from app.web.access import public
from app.web.context import system, system_work, work
from app.web.deeds import changes, deed, particulars
from app.web.wording import age, day, days, filesize, manner, number, reader, until, until_day, when

_FRESH = 5.0  # seconds

_Kept = tuple[float, tuple[Engine | None, GateStatus | None]]


def install(app: Flask, settings: Settings) -> None:
    """Set up Jinja and the static files."""
    app.jinja_env.undefined = StrictUndefined  # a misspelt name is an error, not an empty string
    app.jinja_env.filters.update(filesize=filesize, number=number, when=when, day=day, age=age)
    app.jinja_env.filters.update(until=until, until_day=until_day, days=days, bare_reason=bare_reason)
    app.jinja_env.filters.update(deed=deed, changes=changes, particulars=particulars)
    app.jinja_env.globals.update(asset=_asset, can=_can, unread_notices=_unread_notices)
    app.jinja_env.globals["known_as"] = _known_as
    app.jinja_env.globals.update(
        term_of=term_of, days_from_closing=days_from_closing, kept_since_closing=kept_since_closing
    )
    app.jinja_env.globals["passkeys_here"] = relying_party(settings.base_url) is not None
    # how long an unfinished upload is kept after its last bytes (`services.expiry`)
    app.jinja_env.globals["resumable_for"] = timedelta(seconds=settings.resumable_for)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.context_processor(_common)
    public(app.view_functions["static"])


def _common() -> dict[str, object]:
    engine, gate = _scanner()
    return {
        "actor": reader(),
        "locale": manner().tag,
        "engine": engine,
        "gate": gate,
        "request_id": g.get("request_id"),
    }


def _can(permission: str) -> bool:
    asks = reader()
    return asks is not None and asks.may(Permission(permission))


def _unread_notices() -> Unread:
    """Return what the bell says; nothing where that cannot be told."""
    try:
        with work() as uow:
            return notices.unread(uow.session, uow.actor)
    except PortalError:
        return Unread()


def _known_as(address: str | None) -> str:
    """Return the name of whoever acted under a mail address; or the address. For staff alone."""
    if not address:
        return ""
    with work() as uow:
        account = accounts.by_email(uow.session, address)
    return account.name if account and account.name else address


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
    """Return the address of a static file; it changes when the file does, or with every release."""
    if elsewhere := system().settings.assets_url:
        return f"{elsewhere}/{path}"
    file = Path(current_app.static_folder or "") / path
    return url_for("static", filename=path, v=_fingerprint(file, system().settings.environment))


@cache
def _fingerprint_once(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]


def _fingerprint(file: Path, environment: str) -> str:
    if environment == "development":
        _fingerprint_once.cache_clear()
    return _fingerprint_once(file)
