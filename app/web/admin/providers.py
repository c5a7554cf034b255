"""The identity providers by which people sign in."""

from collections.abc import Callable, Sequence
from typing import Final
from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.domain.errors import BadRequestError, InvalidInputError, StateConflictError
from app.domain.policy import Permission
from app.models import IdentityProvider
from app.queries import accounts, organisations
from app.queries import providers as providers_query
from app.services import providers, sign_in
from app.uow import UnitOfWork
from app.web.access import requires
from app.web.admin.blueprint import blueprint
from app.web.admin.provider_terms import BOXES, KEEPS, ProviderForm, standing, ticked
from app.web.context import system, work

_SWITCHES: Final[dict[str, Callable[[UnitOfWork, UUID], IdentityProvider]]] = {
    "disable": providers.disable,
    "enable": providers.enable,
}


@blueprint.get("/providers", endpoint="providers")
@requires(Permission.INTEGRATION_MANAGE)
def listed() -> ResponseReturnValue:
    """List the providers."""
    with work() as uow:
        found = providers_query.all_of_them(uow.session)
    return render_template("admin/providers.html", providers=found)


@blueprint.get("/providers/new", endpoint="new_provider")
@requires(Permission.INTEGRATION_MANAGE, fresh=True)
def provider_form() -> ResponseReturnValue:
    """Ask for what the portal must know of a provider."""
    with work() as uow:
        kept = accounts.kept_for(uow.session, current_user.session_id, request.path)
    form = ProviderForm(formdata=None, data=kept)
    return _page(form, {name for name in BOXES if name in kept} if kept else {"listed"})


@blueprint.post("/providers/new")
@requires(Permission.INTEGRATION_MANAGE, fresh=True, keeps=KEEPS)
def make_provider() -> ResponseReturnValue:
    """Let people sign in by a provider from now on."""
    form = ProviderForm()
    try:
        with work() as uow:
            sign_in.forget_kept(uow, current_user.session_id)
            made = providers.create(uow, (form.slug.data or "").strip(), form.terms())
    except (InvalidInputError, StateConflictError) as error:
        return _page(form, ticked(), error=error.message), error.status
    return redirect(url_for("admin.provider", provider_id=made.id), code=303)


@blueprint.get("/providers/<uuid:provider_id>", endpoint="provider")
@requires(Permission.INTEGRATION_MANAGE, fresh=True)
def show_provider(provider_id: UUID) -> ResponseReturnValue:
    """Show one, ready to be changed."""
    with work() as uow:
        found = providers_query.get(uow.session, provider_id)
        kept = accounts.kept_for(uow.session, current_user.session_id, request.path)
    return _show(found, kept)


@blueprint.post("/providers/<uuid:provider_id>")
@requires(Permission.INTEGRATION_MANAGE, fresh=True, keeps=KEEPS)
def change_provider(provider_id: UUID) -> ResponseReturnValue:
    """Do what the button says: save, disable, enable, or try whether the provider answers as it should."""
    act = request.form.get("act", "save")
    if act == "save":
        return _save(provider_id)
    if act == "try":
        with work() as uow:
            found = providers_query.get(uow.session, provider_id)
        return _show(found, problems=system().adapters.openid.look(found.issuer))
    if act not in _SWITCHES:
        raise BadRequestError("act is save, disable, enable or try.")
    with work() as uow:
        _SWITCHES[act](uow, provider_id)
    return redirect(url_for("admin.provider", provider_id=provider_id), code=303)


def _save(provider_id: UUID) -> ResponseReturnValue:
    form = ProviderForm()
    try:
        with work() as uow:
            sign_in.forget_kept(uow, current_user.session_id)
            providers.change(uow, provider_id, form.terms())
    except (InvalidInputError, StateConflictError) as error:
        with work() as uow:
            found = providers_query.get(uow.session, provider_id)
        return _page(form, ticked(), found, error=error.message), error.status
    return redirect(url_for("admin.provider", provider_id=provider_id), code=303)


def _show(
    found: IdentityProvider, kept: dict[str, str] | None = None, problems: Sequence[str] | None = None
) -> str:
    typed, boxes = standing(found)
    if kept:
        typed, boxes = typed | kept, {name for name in BOXES if name in kept}
    return _page(ProviderForm(formdata=None, data=typed), boxes, found, problems=problems)


def _page(
    form: ProviderForm,
    boxes: set[str],
    found: IdentityProvider | None = None,
    *,
    error: str | None = None,
    problems: Sequence[str] | None = None,
) -> str:
    """Show the form. ``problems``: what the provider was found to do wrong when it was tried just now."""
    with work() as uow:
        form.offer(list(organisations.in_order(uow.session)))
        people = providers_query.people(uow.session, found.id) if found else 0
    return render_template(
        "admin/provider.html",
        form=form,
        provider=found,
        boxes=BOXES,
        ticked=boxes,
        people=people,
        error=error,
        problems=problems,
        url=system().settings.base_url,
    )
