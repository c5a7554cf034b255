"""Organisations' own issuers of tokens, whom the portal believes."""

from collections.abc import Callable
from typing import Final
from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.domain.errors import BadRequestError, FetchError, InvalidInputError, StateConflictError
from app.domain.policy import Permission
from app.models import TokenIssuer
from app.queries import accounts, organisations
from app.queries import issuers as issuers_query
from app.services import issuers, sign_in
from app.uow import UnitOfWork
from app.web.access import requires
from app.web.admin.blueprint import blueprint
from app.web.admin.machine_terms import CHOICES, KEEPS, IssuerForm, standing, ticked, words
from app.web.context import system, work

_SWITCHES: Final[dict[str, Callable[[UnitOfWork, UUID], TokenIssuer]]] = {
    "disable": issuers.disable,
    "enable": issuers.enable,
}


@blueprint.get("/issuers", endpoint="issuers")
@requires(Permission.INTEGRATION_MANAGE)
def listed() -> ResponseReturnValue:
    """List the issuers, and the machines that come with tokens of ours."""
    with work() as uow:
        believed = issuers_query.in_order(uow.session)
        machines = issuers_query.machines(uow.session)
    return render_template("admin/issuers.html", issuers=believed, machines=machines)


@blueprint.get("/issuers/new")
@requires(Permission.INTEGRATION_MANAGE, fresh=True)
def issuer_form() -> ResponseReturnValue:
    """Ask whom to believe, and what of."""
    with work() as uow:
        kept = accounts.kept_for(uow.session, current_user.session_id, request.path)
    form = IssuerForm(formdata=None, data={"audience": system().settings.base_url} | kept)
    return _ask(form, {name for name in CHOICES if name in kept} if kept else {"write", "rs256", "es256"})


@blueprint.post("/issuers/new")
@requires(Permission.INTEGRATION_MANAGE, fresh=True, keeps=KEEPS)
def make_issuer() -> ResponseReturnValue:
    """Believe an issuer from now on."""
    form = IssuerForm()
    try:
        with work() as uow:
            sign_in.forget_kept(uow, current_user.session_id)
            issuer = issuers.create(uow, form.organisation_id(), form.terms())
    except (InvalidInputError, StateConflictError) as error:
        return _ask(form, ticked(), error.message), error.status
    return redirect(url_for("admin.issuer", issuer_id=issuer.id), code=303)


@blueprint.get("/issuers/<uuid:issuer_id>")
@requires(Permission.INTEGRATION_MANAGE, fresh=True)
def issuer(issuer_id: UUID) -> ResponseReturnValue:
    """Show one, ready to be changed."""
    with work() as uow:
        found = issuers_query.get(uow.session, issuer_id)
        kept = accounts.kept_for(uow.session, current_user.session_id, request.path)
    return _show(found, kept=kept)


@blueprint.post("/issuers/<uuid:issuer_id>")
@requires(Permission.INTEGRATION_MANAGE, fresh=True, keeps=KEEPS)
def change_issuer(issuer_id: UUID) -> ResponseReturnValue:
    """Do what the button says: save, disable, enable, or try whether the keys can be had."""
    act = request.form.get("act", "save")
    if act == "try":
        return _try(issuer_id)
    if act == "save":
        return _save(issuer_id)
    if act not in _SWITCHES:
        raise BadRequestError("act is save, disable, enable or try.")
    with work() as uow:
        _SWITCHES[act](uow, issuer_id)
    return redirect(url_for("admin.issuer", issuer_id=issuer_id), code=303)


def _save(issuer_id: UUID) -> ResponseReturnValue:
    form = IssuerForm()
    try:
        with work() as uow:
            sign_in.forget_kept(uow, current_user.session_id)
            issuers.change(uow, issuer_id, form.terms())
    except (InvalidInputError, StateConflictError) as error:
        with work() as uow:
            found = issuers_query.get(uow.session, issuer_id)
        return _show(found, error=error.message, form=form), error.status
    return redirect(url_for("admin.issuer", issuer_id=issuer_id), code=303)


def _try(issuer_id: UUID) -> ResponseReturnValue:
    """Fetch the keys as the tokens' judge would, and say what is wrong. Nothing of them is shown."""
    with work() as uow:
        found = issuers_query.get(uow.session, issuer_id)
    try:
        report = system().adapters.keys.look(found.jwks_url)
    except FetchError as error:
        return _show(found, tried={"found": "", "problems": [error.message]})
    counts = {name: sum(key.algorithm == name for key in report.keys) for name in found.algorithms}
    missing = [f"There is no key for {name}." for name, count in counts.items() if not count]
    counted = ", ".join(f"{count} for {name}" for name, count in counts.items())
    return _show(found, tried={"found": counted, "problems": [*report.problems, *missing]})


def _ask(form: IssuerForm, chosen: set[str], error: str | None = None) -> str:
    with work() as uow:
        form.offer(list(organisations.in_order(uow.session)))
    return render_template(
        "admin/issuer.html", form=form, chosen=chosen, error=error, issuer=None, tried=None, **words()
    )


def _show(
    found: TokenIssuer,
    *,
    kept: dict[str, str] | None = None,
    error: str | None = None,
    form: IssuerForm | None = None,
    tried: dict[str, object] | None = None,
) -> str:
    typed, chosen = standing(found)
    if kept and "name" in kept:
        typed, chosen = typed | kept, {name for name in CHOICES if name in kept}
    if form is not None:
        chosen = ticked()
    return render_template(
        "admin/issuer.html",
        form=form or IssuerForm(formdata=None, data=typed),
        chosen=chosen,
        error=error,
        issuer=found,
        tried=tried,
        url=system().settings.base_url,
        **words(),
    )
