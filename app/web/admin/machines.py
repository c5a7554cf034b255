"""Machines of organisations that come with tokens of ours."""

from uuid import UUID, uuid4

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.domain.errors import BadRequestError, InvalidInputError, StateConflictError
from app.domain.policy import Permission
from app.models import Account
from app.queries import accounts, organisations, tokens
from app.queries import issuers as issuers_query
from app.services import issuers, sign_in
from app.web.access import requires
from app.web.admin.blueprint import blueprint
from app.web.admin.machine_terms import KEEPS_MACHINE, SCOPES, MachineForm, chosen_scopes, ticked, words
from app.web.context import work


@blueprint.get("/machines/new")
@requires(Permission.INTEGRATION_MANAGE, fresh=True)
def machine_form() -> ResponseReturnValue:
    """Ask for a name, an organisation and what the token may do."""
    with work() as uow:
        kept = accounts.kept_for(uow.session, current_user.session_id, request.path)
    form = MachineForm(formdata=None, data={"id": str(uuid4()), "lasts": "90"} | kept)
    return _ask(form, {name for name in SCOPES if name in kept} if kept else {"write"})


@blueprint.post("/machines/new")
@requires(Permission.INTEGRATION_MANAGE, fresh=True, keeps=KEEPS_MACHINE)
def make_machine() -> ResponseReturnValue:
    """Make the machine and its token, and show that this once."""
    form = MachineForm()
    try:
        with work() as uow:
            sign_in.forget_kept(uow, current_user.session_id)
            account = issuers.create_machine(uow, form.organisation_id(), form.name.data or "")
            token = issuers.issue_token(uow, account, chosen_scopes(), form.lasting(), form.token_id())
    except InvalidInputError as error:
        return _ask(form, ticked(), error.message), error.status
    except StateConflictError:  # the form came twice; nothing was made this time
        return redirect(url_for("admin.issuers"), code=303)
    return render_template("admin/machine_token.html", account=account, token=token)


@blueprint.get("/machines/<uuid:account_id>")
@requires(Permission.INTEGRATION_MANAGE, fresh=True)
def machine(account_id: UUID) -> ResponseReturnValue:
    """Show a machine and its tokens."""
    with work() as uow:
        account = issuers_query.machine(uow.session, account_id)
    form = MachineForm(formdata=None, data={"id": str(uuid4()), "lasts": "90"})
    return _show(account, form, {"write"})


@blueprint.post("/machines/<uuid:account_id>")
@requires(Permission.INTEGRATION_MANAGE, fresh=True)
def change_machine(account_id: UUID) -> ResponseReturnValue:
    """Do what the button says: make another token, or revoke one."""
    act = request.form.get("act")
    if act == "token":
        return _make_token(account_id)
    if act != "revoke":
        raise BadRequestError("act is token or revoke.")
    with work() as uow:
        issuers.revoke_token(uow, account_id, MachineForm().token_id())
    return redirect(url_for("admin.machine", account_id=account_id), code=303)


def _make_token(account_id: UUID) -> ResponseReturnValue:
    form = MachineForm()
    with work() as uow:
        account = issuers_query.machine(uow.session, account_id)
    try:
        with work() as uow:
            token = issuers.issue_token(uow, account, chosen_scopes(), form.lasting(), form.token_id())
    except InvalidInputError as error:
        return _show(account, form, ticked(), error.message), error.status
    except StateConflictError:
        return redirect(url_for("admin.machine", account_id=account_id), code=303)
    return render_template("admin/machine_token.html", account=account, token=token)


def _ask(form: MachineForm, chosen: set[str], error: str | None = None) -> str:
    with work() as uow:
        form.offer(list(organisations.in_order(uow.session)))
    return render_template(
        "admin/machine.html", form=form, chosen=chosen, error=error, account=None, held=(), **words()
    )


def _show(account: Account, form: MachineForm, chosen: set[str], error: str | None = None) -> str:
    with work() as uow:
        held = tokens.held_by(uow.session, account.id)
    return render_template(
        "admin/machine.html", form=form, chosen=chosen, error=error, account=account, held=held, **words()
    )
