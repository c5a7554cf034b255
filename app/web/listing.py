"""What a list is narrowed to, read from an address."""

from flask import request

from app.domain import naming
from app.domain.errors import BadRequestError
from app.domain.lifecycle import UploadState
from app.domain.people import PersonState
from app.domain.policy import Role
from app.queries.cases import CaseFilters
from app.queries.organisations import OrganisationFilters
from app.queries.people import PeopleFilters
from app.queries.uploads import Filters


def filters_of_request() -> Filters:
    """Read q, state (one, or several with commas), organisation and case.

    Raises:
        BadRequestError: a state that does not exist.
        InvalidInputError: a case reference that cannot be one.
    """
    try:
        states = tuple(UploadState(name) for name in request.args.get("state", "").split(",") if name)
    except ValueError as error:
        raise BadRequestError(f"state is one of {', '.join(UploadState)}.") from error
    return Filters(
        q=_text("q"),
        states=states,
        organisation=_text("organisation"),
        case=naming.clean_case(request.args.get("case")) or "",
    )


def case_filters_of_request() -> CaseFilters:
    """Read q, state (open or closed) and organisation. Raises BadRequestError for another state."""
    state = request.args.get("state", "")
    if state not in {"", "open", "closed"}:
        raise BadRequestError("state is open or closed.")
    return CaseFilters(
        q=_text("q"), open=None if not state else state == "open", organisation=_text("organisation")
    )


def organisation_filters_of_request() -> OrganisationFilters:
    """Read q and state (active or suspended). Raises BadRequestError for another state."""
    state = request.args.get("state", "")
    if state not in {"", "active", "suspended"}:
        raise BadRequestError("state is active or suspended.")
    return OrganisationFilters(q=_text("q"), suspended=None if not state else state == "suspended")


def people_filters_of_request() -> PeopleFilters:
    """Read q, role, organisation and state. Raises BadRequestError for a role or state there is not."""
    try:
        role, state = request.args.get("role"), request.args.get("state")
        return PeopleFilters(
            q=_text("q"),
            role=Role(role) if role else None,
            organisation=_text("organisation"),
            state=PersonState(state) if state else None,
        )
    except ValueError as error:
        raise BadRequestError(
            f"role is one of {', '.join(Role)}; state is one of {', '.join(PersonState)}."
        ) from error


def as_asked(*names: str) -> dict[str, object]:
    """Return what every template of a list needs to show, and to ask again, what ``names`` narrow it to."""
    return {
        "first": request.args.get("cursor") is None,
        "filters": {name: request.args.get(name, "") for name in names},
        "asked": {name: value for name in names if (value := request.args.get(name))},
    }


def _text(name: str) -> str:
    # A NUL cannot be in any text that Postgres keeps, so nothing is lost with it.
    return request.args.get(name, "").replace("\x00", "").strip()[:200]
