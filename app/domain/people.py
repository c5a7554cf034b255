"""People as admins and managers see them."""

from enum import StrEnum

from app.domain import naming
from app.domain.errors import InvalidInputError
from app.domain.policy import STAFF, Role


class PersonState(StrEnum):
    ACTIVE = "active"
    INVITED = "invited"  # and has not come yet
    SUSPENDED = "suspended"


def clean_name(raw: str | None) -> str:
    """Return a name, of a person or an organisation, on one line.

    Raises:
        InvalidInputError: nothing is left, or too long.
    """
    name = naming.clean_name(raw)
    if not name:
        raise InvalidInputError("Type a name.")
    return name


def check_place(role: Role, *, in_organisation: bool, manager: bool) -> None:
    """Check that role, organisation and the right to manage go together. Raises InvalidInputError."""
    if role in STAFF and in_organisation:
        raise InvalidInputError("Engineers and admins belong to no organisation.")
    if role is Role.CUSTOMER and not in_organisation:
        raise InvalidInputError("A customer belongs to an organisation. Choose one.")
    if manager and role is not Role.CUSTOMER:
        raise InvalidInputError("Only customers manage the people of their organisation.")
