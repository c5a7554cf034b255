"""Cases: what uploads are about."""

from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from app.domain import naming
from app.models import Case
from app.uow import UnitOfWork


def ensure(uow: UnitOfWork, organisation_id: UUID, reference: str | None) -> str | None:
    """Return the reference as it is kept, of a case that there is now; None for no case.

    Raises:
        InvalidInputError: no case has such a reference.
    """
    clean = naming.clean_case(reference)
    if clean is not None:
        uow.session.execute(
            insert(Case)
            .values(organisation_id=organisation_id, reference=clean)
            .on_conflict_do_nothing(index_elements=["organisation_id", "reference"])
        )
    return clean
