"""Channels: where the portal tells of things besides to people."""

from collections.abc import Callable
from typing import Final
from uuid import UUID, uuid4

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.domain.channels import ChannelKind
from app.domain.errors import BadRequestError, InvalidInputError, StateConflictError
from app.domain.events import FOR_CHANNELS
from app.domain.policy import Permission
from app.models import Channel
from app.queries import accounts, deliveries, organisations
from app.queries import channels as channels_query
from app.services import channels, pausing, redelivery, sign_in
from app.uow import UnitOfWork
from app.web.access import requires
from app.web.admin.blueprint import blueprint
from app.web.admin.channel_terms import (
    KEEPS,
    KINDS,
    USUAL,
    WORDS,
    ChannelForm,
    kind_of,
    standing,
    ticked,
    told,
)
from app.web.context import work

#: Button -> (what it does, what is said afterwards).
_ACTS: Final[dict[str, tuple[Callable[[UnitOfWork, UUID], object], str]]] = {
    "test": (channels.test, "The test is on its way. Reload this page to see in the log what came of it."),
    "pause": (pausing.stop, "Paused. What it would be told waits."),
    "resume": (pausing.resume, "Resumed. What waited goes out now."),
    "forget": (channels.forget_secret, "Messages are signed with the newest secret alone."),
    "retry-all": (redelivery.retry_all, "Everything that was given up is tried again."),
}
_DONE: Final = {
    **{act: words for act, (_, words) in _ACTS.items()},
    "save": "Saved. It holds from the next message on.",
    "made": "Made. Send it a test.",
    "retry": "It is tried again.",
    "replay": "It is sent once more, under the same number.",
}


@blueprint.get("/channels", endpoint="channels")
@requires(Permission.INTEGRATION_MANAGE)
def listed() -> ResponseReturnValue:
    """List the channels."""
    with work() as uow:
        found = channels_query.in_order(uow.session)
    return render_template("admin/channels.html", channels=found, kinds=KINDS)


@blueprint.get("/channels/new")
@requires(Permission.INTEGRATION_MANAGE, fresh=True)
def channel_form() -> ResponseReturnValue:
    """Ask of what kind, and then for the rest."""
    with work() as uow:
        kept = accounts.kept_for(uow.session, current_user.session_id, request.path)
    said = request.args.get("kind") or kept.get("kind")
    if said is None:
        return render_template("admin/channel_kinds.html", kinds=KINDS)
    kind = kind_of(said)
    form = ChannelForm(formdata=None, data={"id": str(uuid4())} | kept | {"kind": kind})
    return _ask(kind, form, ticked(kept) or set(USUAL))


@blueprint.post("/channels/new")
@requires(Permission.INTEGRATION_MANAGE, fresh=True, keeps=KEEPS)
def make_channel() -> ResponseReturnValue:
    """Make it; the secret of one that signs is shown this once."""
    form, kind = ChannelForm(), kind_of(request.form.get("kind"))
    try:
        with work() as uow:
            sign_in.forget_kept(uow, current_user.session_id)
            made, secret = channels.make(uow, kind, form.terms(), form.new_id())
    except InvalidInputError as error:
        return _ask(kind, form, ticked(), error.message), error.status
    except StateConflictError:  # the form came twice; nothing was made this time
        return redirect(url_for("admin.channels"), code=303)
    if secret:
        return render_template("admin/channel_secret.html", channel=made, secret=secret, before=False)
    return _back(made.id, "made")


@blueprint.get("/channels/<uuid:channel_id>")
@requires(Permission.INTEGRATION_MANAGE)
def channel(channel_id: UUID) -> ResponseReturnValue:
    """Show one: how it does, what it is told, what it was told."""
    with work() as uow:
        found = channels_query.get(uow.session, channel_id)
        kept = accounts.kept_for(uow.session, current_user.session_id, request.path)
    form = ChannelForm(formdata=None, data=standing(found) | kept)
    return _show(found, form, ticked(kept) if kept else set(found.events))


@blueprint.post("/channels/<uuid:channel_id>")
@requires(Permission.INTEGRATION_MANAGE, fresh=True, keeps=KEEPS)
def change_channel(channel_id: UUID) -> ResponseReturnValue:
    """Do what the button says."""
    act = request.form.get("act", "save")
    match act:
        case "save":
            return _save(channel_id)
        case "secret":
            with work() as uow:
                changed, secret = channels.exchange_secret(uow, channel_id)
            return render_template("admin/channel_secret.html", channel=changed, secret=secret, before=True)
        case "remove":
            with work() as uow:
                channels.remove(uow, channel_id)
            return redirect(url_for("admin.channels"), code=303)
        case "retry" | "replay":
            delivery_id = delivery_of_form()
            with work() as uow:
                if act == "retry":
                    redelivery.retry(uow, delivery_id, channel_id)
                else:
                    redelivery.replay(uow, delivery_id, channel_id)
        case _:
            if act not in _ACTS:
                raise BadRequestError(f"act is save, secret, remove, retry, replay, {', '.join(_ACTS)}.")
            with work() as uow:
                channels_query.get(uow.session, channel_id)
                _ACTS[act][0](uow, channel_id)
    return _back(channel_id, act)


def delivery_of_form() -> UUID:
    """Return the message that a button stands beside. Raises BadRequestError."""
    try:
        return UUID(request.form.get("delivery", ""))
    except ValueError as error:
        raise BadRequestError("delivery is the number of a message.") from error


def _save(channel_id: UUID) -> ResponseReturnValue:
    form = ChannelForm()
    try:
        with work() as uow:
            sign_in.forget_kept(uow, current_user.session_id)
            channels.change(uow, channel_id, form.terms())
    except InvalidInputError as error:
        with work() as uow:
            found = channels_query.get(uow.session, channel_id)
        return _show(found, form, ticked(), error.message), error.status
    return _back(channel_id, "save")


def _back(channel_id: UUID, done: str) -> ResponseReturnValue:
    return redirect(url_for("admin.channel", channel_id=channel_id, done=done), code=303)


def _ask(kind: ChannelKind, form: ChannelForm, chosen: set[str], error: str | None = None) -> str:
    with work() as uow:
        form.offer(kind, list(organisations.in_order(uow.session)))
    return render_template(
        "admin/channel_new.html",
        form=form,
        kind=kind,
        kinds=KINDS,
        words=WORDS,
        offered=FOR_CHANNELS,
        chosen=chosen,
        error=error,
    )


def _show(found: Channel, form: ChannelForm, chosen: set[str], error: str | None = None) -> str:
    with work() as uow:
        form.offer(found.kind, list(organisations.in_order(uow.session)))
        page = deliveries.log_of(uow.session, found.id, request.args.get("cursor"))
        dead = deliveries.dead_of(uow.session, found.id)
        waiting = deliveries.waiting_for(uow.session, found.id)
    return render_template(
        "admin/channel.html",
        channel=found,
        form=form,
        kinds=KINDS,
        words=WORDS,
        offered=FOR_CHANNELS,
        chosen=chosen,
        error=error,
        done=_DONE.get(request.args.get("done", "")),
        page=page,
        first=request.args.get("cursor") is None,
        rows=[(each, told(each), deliveries.sent_before(each)) for each in page.items],
        dead=dead,
        waiting=waiting,
    )
