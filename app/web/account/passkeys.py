"""One's own passkeys: adding, naming and removing them."""

from uuid import UUID

from flask import jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import StringField

from app.domain import naming
from app.domain.errors import InvalidInputError
from app.domain.factors import Ceremony
from app.domain.policy import Permission
from app.models import Account
from app.queries import accounts
from app.queries import factors as held
from app.services import factors, passkeys
from app.web import ceremony
from app.web.access import requires
from app.web.account.blueprint import blueprint
from app.web.context import actor, work
from app.web.devices import device


class PasskeyForm(FlaskForm):  # type: ignore[misc]
    name = StringField("Name", filters=[naming.plain_text])


@blueprint.get("/passkeys/new")
@requires(Permission.ACCOUNT_OWN, fresh=True)
def passkey_form() -> ResponseReturnValue:
    """Offer to make a passkey: a script does so (static/js/passkey.js)."""
    name = device(request.headers.get("User-Agent"))
    return render_template("account/passkey_new.html", form=PasskeyForm(formdata=None, name=name))


@blueprint.post("/passkeys/options")
@requires(Permission.ACCOUNT_OWN)
def passkey_options() -> ResponseReturnValue:
    """Say in JSON what a browser needs to make one."""
    from app.services import passkey_making  # here: `passkey_proof` says why

    challenge = ceremony.begin(Ceremony.REGISTER, actor().id)
    with work() as uow:
        account = uow.session.get_one(Account, uow.actor.id)
        return jsonify(passkey_making.options(uow, account, challenge))


@blueprint.post("/passkeys/new")
@requires(Permission.ACCOUNT_OWN, fresh=True)
def add_passkey() -> ResponseReturnValue:
    """Keep the passkey that the browser made."""
    challenge = ceremony.finish(Ceremony.REGISTER, actor().id)
    with work() as uow:
        factors.add_passkey(uow, current_user.session_id, challenge, ceremony.answer(), ceremony.text("name"))
        codes = held.of(uow.session, uow.actor.id).codes
    return jsonify(next=_back() if codes else url_for("account.codes_page"))


@blueprint.get("/passkeys/<uuid:passkey_id>")
@requires(Permission.ACCOUNT_OWN, fresh=True)
def passkey_page(passkey_id: UUID) -> ResponseReturnValue:
    """Offer to rename it, or to remove it."""
    return _page(passkey_id)


@blueprint.post("/passkeys/<uuid:passkey_id>")
@requires(Permission.ACCOUNT_OWN, fresh=True, keeps=("name",))
def change_passkey(passkey_id: UUID) -> ResponseReturnValue:
    """Rename it or remove it, as ``act`` says."""
    form = PasskeyForm()
    try:
        with work() as uow:
            if request.form.get("act") == "remove":
                factors.remove_passkey(uow, current_user.session_id, passkey_id)
            else:
                factors.rename_passkey(uow, passkey_id, form.name.data)
    except InvalidInputError as error:
        return _page(passkey_id, form, error.message), error.status
    return redirect(_back(), code=303)


def _page(passkey_id: UUID, form: PasskeyForm | None = None, error: str | None = None) -> str:
    with work() as uow:
        passkey = passkeys.own(uow, passkey_id)
        kept = accounts.kept_for(uow.session, current_user.session_id, request.path)
    form = form or PasskeyForm(formdata=None, data={"name": passkey.name} | kept)
    return render_template("account/passkey.html", form=form, passkey=passkey, error=error)


def _back() -> str:
    return url_for("account.page", _anchor="factors")
