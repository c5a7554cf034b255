"""What an admin types about a provider: the form, and what stands in it."""

from contextlib import suppress
from typing import Any, Final
from uuid import UUID

from flask import request
from flask_wtf import FlaskForm
from wtforms import PasswordField, SelectField, StringField, TextAreaField

from app.domain import naming
from app.domain.errors import InvalidInputError
from app.models import IdentityProvider, Organisation
from app.services.providers import Terms

#: Field -> (words, what it does).
BOXES: Final = {
    "create_accounts": "Make an account for whoever was not invited",
    "listed": "Show a button on the sign-in page, where everybody sees the name",
}
_TYPED: Final = (
    "name", "issuer", "client_id", "audience", "domains",
    "verified", "role", "roles", "organisation", "organisations",
)  # fmt: skip
#: Never the secret: it is typed again.
KEEPS: Final = ("slug", *_TYPED, *BOXES)
_STAFF, _SEVERAL = "staff", "several"


class ProviderForm(FlaskForm):  # type: ignore[misc]
    name = StringField("Name", filters=[naming.plain_text])
    slug = StringField("Short name")
    issuer = StringField("Issuer")
    client_id = StringField("Client ID")
    client_secret = PasswordField("Client secret")
    audience = SelectField("Who signs in this way", validate_choice=False)
    domains = TextAreaField("Their mail domains")
    verified = StringField("Claim that says that the mail address is verified")
    role = StringField("Claim for the role")
    roles = TextAreaField("What its values mean")
    organisation = StringField("Claim for the organisation")
    organisations = TextAreaField("What its values mean")

    def offer(self, organisations: list[Organisation]) -> None:
        self.audience.choices = [
            ("", "Choose one"),
            (_STAFF, "Support staff: engineers and administrators"),
            (_SEVERAL, "Customers of several organisations"),
            *((str(each.id), f"Customers: {each.name}") for each in organisations),
        ]

    def terms(self) -> Terms:
        """Return what was typed, yet to be judged. Raises InvalidInputError: it cannot be read."""
        typed = {name: (self[name].data or "").strip() for name in _TYPED}
        mapping = {
            "verified": typed["verified"],
            "role": typed["role"],
            "roles": _meanings(typed["roles"]),
            "organisation": typed["organisation"],
            "organisations": _meanings(typed["organisations"]),
        }
        return Terms(
            name=typed["name"],
            issuer=typed["issuer"],
            client_id=typed["client_id"],
            client_secret=(self.client_secret.data or "").strip() or None,
            for_staff=typed["audience"] == _STAFF,
            organisation_id=_organisation_id(typed["audience"]),
            domains=typed["domains"].replace(",", " ").split(),
            create_accounts="create_accounts" in request.form,
            listed="listed" in request.form,
            mapping=mapping,
        )


def _organisation_id(audience: str) -> UUID | None:
    if audience in {_STAFF, _SEVERAL}:
        return None
    with suppress(ValueError):
        return UUID(audience)
    raise InvalidInputError("Choose who signs in this way.")


def _meanings(raw: str) -> dict[str, str]:
    """Read lines "value = meaning". The value may have an equals sign, as names in directories do."""
    meanings = {}
    for line in filter(None, map(str.strip, raw.splitlines())):
        value, sign, meaning = line.rpartition("=")
        if not (sign and value.strip() and meaning.strip()):
            raise InvalidInputError("Write what each value means on a line of its own: value = meaning.")
        meanings[value.strip()] = meaning.strip().lower()
    return meanings


def ticked() -> set[str]:
    """Return the boxes that were ticked."""
    return {name for name in BOXES if name in request.form}


def standing(provider: IdentityProvider) -> tuple[dict[str, Any], set[str]]:
    """Return what the form of a provider shows: fields, and boxes that are ticked."""
    mapping = provider.mapping
    typed: dict[str, Any] = {
        "name": provider.name,
        "issuer": provider.issuer,
        "client_id": provider.client_id,
        "audience": _STAFF if provider.for_staff else str(provider.organisation_id or _SEVERAL),
        "domains": "\n".join(provider.domains),
        "verified": mapping.get("verified", ""),
        "role": mapping.get("role", ""),
        "roles": _lines(mapping.get("roles", {})),
        "organisation": mapping.get("organisation", ""),
        "organisations": _lines(mapping.get("organisations", {})),
    }
    return typed, {name for name in BOXES if getattr(provider, name)}


def _lines(meanings: dict[str, str]) -> str:
    return "\n".join(f"{value} = {meaning}" for value, meaning in sorted(meanings.items()))
