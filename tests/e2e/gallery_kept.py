"""The pages about how long bundles are kept."""

from collections.abc import Iterator
from uuid import UUID

from tests.e2e.gallery import View
from tests.live import Live


def kept_views(live: Live, uploads: dict[str, str]) -> Iterator[View]:
    """List them, for a bundle that is kept for a while, one on hold, and their cases."""
    ready, held = uploads["clean"], uploads["released"]
    live.sql("UPDATE upload SET expires_at = now() + interval '3 days' WHERE id = %s", ready)
    live.sql(
        "UPDATE upload SET held_at = now(), held_by = 'admin@example.com', hold_reason = %s WHERE id = %s",
        "A court has asked for it.",
        held,
    )
    yield View("keep longer", "engineer", f"/files/{ready}/keep")
    yield View("hold", "admin", f"/files/{ready}/hold")
    yield View("file on hold", "admin", f"/files/{held}")
    yield View("file on hold, to its sender", "acme", f"/files/{held}")
    yield View("take the hold off", "admin", f"/files/{held}/hold/end")
    yield View("delete", "engineer", f"/files/{ready}/delete")
    yield View("receipt, deleted", "acme", f"/files/{uploads['deleted']}/receipt")
    case = _case(live, "CS-4720")
    yield View("case kept", "acme", f"/cases/{case}")
    yield View("how long a case is kept", "engineer", f"/cases/{case}/retention")
    yield View("hold a case", "admin", f"/cases/{case}/hold")
    live.sql(
        "INSERT INTO support_case (id, organisation_id, reference, title, held_at, held_by, hold_reason)"
        " SELECT gen_random_uuid(), organisation_id, 'CS-4721', '', now(), 'admin@example.com', 'A court.'"
        " FROM support_case WHERE id = %s ON CONFLICT DO NOTHING",
        case,
    )
    other = _case(live, "CS-4721")
    yield View("case on hold", "admin", f"/cases/{other}")
    yield View("case on hold, to its customer", "acme", f"/cases/{other}")
    yield View("take the hold off a case", "admin", f"/cases/{other}/hold/end")


def _case(live: Live, reference: str) -> UUID:
    ((case,),) = live.sql("SELECT id FROM support_case WHERE reference = %s", reference)
    assert isinstance(case, UUID)
    return case
