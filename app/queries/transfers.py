"""Reading what is on its way in: the only queries that know of parts."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.errors import NotFoundError
from app.domain.policy import Actor
from app.models import Upload
from app.queries.uploads import parts_visible_to, sent_by


def own(session: Session, actor: Actor, upload_id: UUID, *, lock: bool = False) -> Upload:
    """Return an upload, or a part, that this account or ticket sends through tus.

    With ``lock`` nobody else changes it until the transaction ends.

    Raises:
        NotFoundError: there is none; colleagues' are as absent as strangers'.
    """
    query = parts_visible_to(actor).where(sent_by(actor), Upload.door == "tus", Upload.id == upload_id)
    if lock:
        query = query.with_for_update(of=Upload).execution_options(populate_existing=True)
    upload = session.scalar(query)
    if upload is None:
        raise NotFoundError
    return upload


def own_parts(session: Session, actor: Actor, ids: Sequence[UUID]) -> list[Upload]:
    """Return the named uploads of the actor, locked, in the order of ``ids``. Raises NotFoundError."""
    # Locked in one order by everybody: two who name them in different ones do not wait for each other.
    found = {upload_id: own(session, actor, upload_id, lock=True) for upload_id in sorted(ids)}
    return [found[upload_id] for upload_id in ids]


def parts_of(session: Session, upload_id: UUID) -> list[Upload]:
    """Return the parts that were, or are to be, joined into an upload, in their order."""
    return list(
        session.scalars(select(Upload).where(Upload.joined_into == upload_id).order_by(Upload.part_number))
    )
