"""The first page, by role: send for customers, the inbox for engineers, the overview for admins."""

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.domain.policy import Permission, Role
from app.queries import uploads
from app.queries.terms import held_cases
from app.queries.unfinished import unfinished_of
from app.web.access import check_permission, public
from app.web.context import actor, sending_way, system, work
from app.web.health import parts as health_parts
from app.web.health.seen import see
from app.web.portal.blueprint import blueprint
from app.web.portal.files import render_list
from app.web.portal.inbox import render_inbox
from app.web.portal.labels import LABELS


@blueprint.get("/")
@public
def home() -> ResponseReturnValue:
    """Show what somebody came for."""
    if not current_user.is_authenticated:
        return redirect(url_for("auth.sign_in"), code=303)
    check_permission(Permission.UPLOAD_READ)  # every first page lists uploads
    if actor().may(Permission.UPLOAD_CREATE):
        return _send()
    if actor().role is Role.ADMIN:
        return _overview()
    if actor().may(Permission.INBOX_READ):
        return render_inbox()
    return render_list()  # a token that may do no more


def _send() -> ResponseReturnValue:
    with work() as uow:
        unfinished = unfinished_of(uow.session, uow.actor)
        recent = uploads.recent_of(uow.session, uow.actor)
        held = held_cases(uow.session, recent)
    return render_template(
        "portal/send.html",
        max_bytes=system().settings.max_upload_bytes,
        way=sending_way(),
        unfinished=unfinished,
        recent=recent,
        held=held,
    )


def _overview() -> ResponseReturnValue:
    with work() as uow:
        totals = uploads.totals(uow.session, uow.actor)
        recent = uploads.page(uow.session, uow.actor, uploads.Filters()).items[:10]
        held = held_cases(uow.session, recent)
    parts = health_parts.parts(system(), see(system()))
    counts: dict[str, tuple[int, int]] = {}
    for state, number, size in totals:
        before = counts.get(LABELS[state], (0, 0))
        counts[LABELS[state]] = (before[0] + number, before[1] + size)
    return render_template(
        "admin/overview.html",
        counts=[(label, *counts[label]) for label in dict.fromkeys(LABELS.values()) if label in counts],
        parts=parts,
        summary=health_parts.summary(parts),
        recent=recent,
        held=held,
    )
