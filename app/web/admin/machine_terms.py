"""What an admin types about machines: forms, and what stands in them."""

from contextlib import suppress
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from flask import request
from flask_wtf import FlaskForm
from wtforms import HiddenField, SelectField, StringField
from wtforms.fields.choices import SelectChoice

from app.domain import naming
from app.domain.access_token import ALGORITHMS
from app.domain.errors import InvalidInputError
from app.domain.policy import Scope
from app.models import Organisation, TokenIssuer
from app.services.issuers import Terms
from app.web import token_form

#: Field -> (scope, words). Each has a field of its own: `access` keeps one value per field.
SCOPES: Final = {
    "write": (Scope.WRITE, "Send bundles, and take back what it sent"),
    "read": (Scope.READ, "See the organisation's bundles, their state and their receipts"),
    "download": (Scope.DOWNLOAD, "Download the organisation's bundles"),
}
SIGNED: Final = {algorithm.lower(): algorithm for algorithm in ALGORITHMS}
CHOICES: Final = (*SCOPES, *SIGNED)
_TYPED: Final = ("name", "issuer", "audience", "client_id", "jwks_url")
KEEPS: Final = ("organisation", *_TYPED, *CHOICES)
KEEPS_MACHINE: Final = ("id", "name", "organisation", "lasts", *SCOPES)


class _OfOrganisation(FlaskForm):  # type: ignore[misc]
    organisation = SelectField("Organisation", validate_choice=False)
    name = StringField("Name", filters=[naming.plain_text])

    def offer(self, organisations: list[Organisation]) -> None:
        choices = [SelectChoice(str(each.id), each.name) for each in organisations]
        self.organisation.choices = [SelectChoice("", "Choose one"), *choices]

    def organisation_id(self) -> UUID:
        """Raises InvalidInputError: none was chosen."""
        with suppress(ValueError):
            return UUID(self.organisation.data or "")
        raise InvalidInputError("Choose the organisation.")


class IssuerForm(_OfOrganisation):
    issuer = StringField("Issuer")
    audience = StringField("Audience")
    client_id = StringField("Client")
    jwks_url = StringField("Address of its keys")

    def terms(self) -> Terms:
        """Return what was typed, yet to be judged."""
        typed = {name: self[name].data or "" for name in _TYPED}
        return Terms(
            **typed,
            algorithms=[SIGNED[name] for name in SIGNED if name in request.form],
            scopes=[str(scope) for scope in chosen_scopes()],
        )


class MachineForm(_OfOrganisation):
    id = HiddenField()  # of the token, chosen beforehand: a form sent twice makes one
    lasts = SelectField(
        "How long the token is good",
        choices=[SelectChoice(value, words) for value, words in token_form.LASTS.items()],
        validate_choice=False,
    )

    def lasting(self) -> timedelta | None:
        """Raises InvalidInputError for what the form does not offer."""
        return token_form.lasting(self.lasts.data)

    def token_id(self) -> UUID:
        """Raises InvalidInputError: the form was not ours."""
        if found := token_form.id_of(self.id.data):
            return found
        raise InvalidInputError("Open this form again and fill it in once more.")


def chosen_scopes() -> list[Scope]:
    """Return the scopes that were ticked."""
    return [scope for name, (scope, _) in SCOPES.items() if name in request.form]


def ticked() -> set[str]:
    """Return the boxes that were ticked."""
    return {name for name in CHOICES if name in request.form}


def standing(issuer: TokenIssuer) -> tuple[dict[str, Any], set[str]]:
    """Return what the form of an issuer shows: fields, and boxes that are ticked."""
    typed = {name: getattr(issuer, name) for name in _TYPED}
    boxes = {name for name, (scope, _) in SCOPES.items() if scope in issuer.scopes}
    return typed, boxes | {name for name, algorithm in SIGNED.items() if algorithm in issuer.algorithms}


def words() -> dict[str, object]:
    """Return the choices that the templates offer."""
    return {"scopes": SCOPES, "signed": SIGNED, "lasts": token_form.LASTS}
