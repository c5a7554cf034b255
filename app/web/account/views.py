"""The account page."""

from typing import Any, Final

from flask import render_template, request
from flask.typing import ResponseReturnValue

from app.domain.policy import Permission
from app.queries import identities, tokens
from app.web.access import requires
from app.web.account import choices, factors, preferences, sessions
from app.web.account.blueprint import blueprint
from app.web.context import actor, system_work, work

_SAVED: Final = frozenset({"manner", "notices", "times", "wishes"})


@blueprint.get("")
@requires(Permission.ACCOUNT_OWN)
def page() -> ResponseReturnValue:
    """Show whoever asks what is known of them, and what they may change."""
    return shown()


def shown(**more: Any) -> str:
    """Return the page; ``more`` takes the place of what it would say."""
    with work() as uow:
        held = tokens.held_by(uow.session, uow.actor.id)
        told = choices.shown(uow)
        signing_in = factors.shown(uow)
    with system_work() as uow:
        linked = identities.linked_to(uow.session, actor().id)
    saved = request.args.get("saved")
    return render_template(
        "account/page.html",
        held=held,
        linked=linked,
        places=sessions.places(),
        locales=preferences.locale_choices(),
        zones=preferences.zone_choices(),
        saved=saved if saved in _SAVED else None,
        **signing_in | told | more,
    )
