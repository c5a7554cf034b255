"""Making and revoking one's own API tokens."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid4

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import HiddenField, StringField

from app.domain import naming
from app.domain.errors import InvalidInputError, StateConflictError
from app.domain.policy import Permission, Role, Scope, scopes_for
from app.queries import accounts
from app.services import sign_in, tokens
from app.web.access import requires
from app.web.account.blueprint import blueprint
from app.web.context import actor, work
from app.web.token_form import LASTS, id_of, lasting


@dataclass(frozen=True, slots=True)
class Choice:
    """One scope as the form offers it. It has a field of its own: `access` keeps one value per field."""

    scope: Scope
    field: str
    words: str


_CUSTOMER: Final = (
    Choice(Scope.WRITE, "write", "Send bundles, and take back what you sent"),
    Choice(Scope.READ, "read", "See bundles, their state and their receipts"),
    Choice(Scope.DOWNLOAD, "download", "Download bundles"),
)
_STAFF: Final = (
    Choice(Scope.WRITE, "write", "Put bundles into cases"),
    *_CUSTOMER[1:],
    Choice(Scope.ADMIN, "admin", "Everything else you may do: quarantine, cases, tickets"),
)
_KEEPS: Final = ("id", "name", "lasts", *(choice.field for choice in _STAFF))


class TokenForm(FlaskForm):  # type: ignore[misc]
    id = HiddenField()
    name = StringField("Name", filters=[naming.plain_text])
    lasts = StringField(default="90")


@blueprint.get("/tokens/new")
@requires(Permission.TOKEN_MANAGE, fresh=True)
def token_form() -> ResponseReturnValue:
    """Ask for a name, scopes and an end."""
    with work() as uow:
        kept = accounts.kept_for(uow.session, current_user.session_id, request.path)
    form = TokenForm(formdata=None, data={"id": str(uuid4())} | kept)
    return _ask(form, {choice.field for choice in _choices() if choice.field in kept})


@blueprint.post("/tokens/new")
@requires(Permission.TOKEN_MANAGE, fresh=True, keeps=_KEEPS)
def make_token() -> ResponseReturnValue:
    """Make the token, and show it this once. The form sent again, as by a reload, makes no other."""
    form = TokenForm()
    chosen = [choice for choice in _choices() if choice.field in request.form]
    try:
        with work() as uow:
            sign_in.forget_kept(uow, current_user.session_id)
            token = tokens.issue_own(
                uow,
                form.name.data,
                scopes=[choice.scope for choice in chosen],
                lasts=lasting(form.lasts.data),
                token_id=id_of(form.id.data) or uuid4(),
            )
    except InvalidInputError as error:
        return _ask(form, {choice.field for choice in chosen}, error.message), error.status
    except StateConflictError:
        return redirect(url_for("account.page", _anchor="tokens"), code=303)
    return render_template("account/token_made.html", token=token, name=form.name.data)


@blueprint.post("/tokens/<uuid:token_id>/revoke")
@requires(Permission.TOKEN_MANAGE)
def revoke_token(token_id: UUID) -> ResponseReturnValue:
    """End a token at once."""
    with work() as uow:
        tokens.revoke_own(uow, token_id)
    return redirect(url_for("account.page", _anchor="tokens"), code=303)


def _ask(form: TokenForm, chosen: set[str], error: str | None = None) -> str:
    return render_template(
        "account/token_form.html", form=form, choices=_choices(), chosen=chosen, lasts=LASTS, error=error
    )


def _choices() -> list[Choice]:
    """Return what means something for the role of whoever asks."""
    role = actor().role or Role.CUSTOMER
    words = _CUSTOMER if role is Role.CUSTOMER else _STAFF
    return [choice for choice in words if choice.scope in scopes_for(role)]
