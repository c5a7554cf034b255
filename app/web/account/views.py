"""The account page."""

from typing import Final

from flask import render_template, request
from flask.typing import ResponseReturnValue

from app.domain.policy import Permission
from app.domain.subscriptions import Way
from app.queries import identities, subscriptions, tokens
from app.web.access import requires
from app.web.account import factors, preferences, sessions
from app.web.account.blueprint import blueprint
from app.web.context import actor, system_work, work

_SAVED: Final = frozenset({"manner", "notices"})


@blueprint.get("")
@requires(Permission.ACCOUNT_OWN)
def page() -> ResponseReturnValue:
    """Show whoever asks what is known of them, and what they may change."""
    with work() as uow:
        held = tokens.held_by(uow.session, uow.actor.id)
        ways = subscriptions.general(uow.session, uow.actor.id)
        signing_in = factors.shown(uow)
    with system_work() as uow:
        linked = identities.linked_to(uow.session, actor().id)
    offered, always = preferences.mails_for(actor())
    saved = request.args.get("saved")
    return render_template(
        "account/page.html",
        held=held,
        linked=linked,
        places=sessions.places(),
        mails=[(event, words, ways.get(event) is not Way.OFF) for event, words in offered],
        always=always,
        locales=preferences.locale_choices(),
        zones=preferences.zone_choices(),
        saved=saved if saved in _SAVED else None,
        **signing_in,
    )
