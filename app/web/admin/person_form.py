"""Who somebody is to be: name, role, organisation."""

from collections.abc import Sequence
from typing import Final

from flask_wtf import FlaskForm
from wtforms import BooleanField, SelectField, StringField
from wtforms.fields.choices import SelectChoice

from app.domain.errors import InvalidInputError
from app.domain.policy import Role
from app.services.people import Place

#: The fields of `PersonForm`.
PLACE: Final = ("name", "role", "organisation", "manager")


class PersonForm(FlaskForm):  # type: ignore[misc]
    name = StringField("Name")
    role = SelectField(
        "Role",
        choices=[
            SelectChoice(Role.CUSTOMER.value, "Customer"),
            SelectChoice(Role.ENGINEER.value, "Support engineer"),
            SelectChoice(Role.ADMIN.value, "Admin"),
        ],
        validate_choice=False,
    )
    organisation = SelectField("Organisation", validate_choice=False)
    manager = BooleanField("Manages the people of the organisation")

    def ask_for_role(self) -> None:
        """Suggest no role: it is to be chosen."""
        self.role.choices = [SelectChoice("", "Choose one"), *self.role.choices]

    def offer(self, organisations: Sequence[tuple[str, str]]) -> None:
        """Let one of these (slug, name) be chosen."""
        self.organisation.choices = [
            SelectChoice("", "None: staff"),
            *(SelectChoice(slug, name) for slug, name in organisations),
        ]

    def place(self) -> Place:
        """Return what was chosen. Raises InvalidInputError: no such role."""
        try:
            role = Role(self.role.data or "")
        except ValueError as error:
            raise InvalidInputError("Choose a role.") from error
        return Place(
            name=self.name.data or "",
            role=role,
            organisation=self.organisation.data or None,
            manager=bool(self.manager.data),
        )


class InviteForm(PersonForm):
    email = StringField("Mail address")
