"""The chain over the trail, as it is hashed: every field as the text that the database gives."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Text, cast, func, literal, select
from sqlalchemy.orm import Session

from app.models import AuditChain, AuditEvent

ANCHORED = "audit.anchored"
_BATCH = 2_000  # rows, about a megabyte
_MOMENT = 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'  # in UTC, by the microsecond

_TEXTS = (
    cast(AuditEvent.id, Text),
    func.to_char(func.timezone("UTC", AuditEvent.at), literal(_MOMENT)),
    *(
        cast(column, Text)
        for column in (
            AuditEvent.action,
            AuditEvent.actor_id,
            AuditEvent.actor_label,
            AuditEvent.actor_role,
            AuditEvent.on_behalf_of,
            AuditEvent.means,
            AuditEvent.address,
            AuditEvent.request_id,
            AuditEvent.organisation_id,
            AuditEvent.upload_id,
            AuditEvent.account_id,
            AuditEvent.detail,
        )
    ),
)


_FIELDS = [text.label(f"field_{number}") for number, text in enumerate(_TEXTS)]


@dataclass(frozen=True, slots=True)
class Entry:
    """One place of the chain. ``fields`` are its row's, in the order in which they are hashed."""

    position: int
    event_id: int
    hash: bytes
    fields: Sequence[str | None] | None  # None: the row is gone


@dataclass(frozen=True, slots=True)
class Head:
    """The chain's last place, or the one that was asked for. ``at``: when its row was written."""

    position: int
    hash: bytes
    at: datetime | None

    def __str__(self) -> str:
        return f"{self.position}:{self.hash.hex()}"


def entries(session: Session, up_to: int) -> Iterator[Entry]:
    """Yield the places of the chain in order, to position ``up_to``, a few thousand in memory at once."""
    after = 0
    while rows := session.execute(
        select(AuditChain.position, AuditChain.event_id, AuditChain.hash, AuditEvent.id, *_FIELDS)
        .outerjoin(AuditEvent, AuditEvent.id == AuditChain.event_id)
        .where(AuditChain.position > after, AuditChain.position <= up_to)
        .order_by(AuditChain.position)
        .limit(_BATCH)
    ).all():
        for position, event_id, digest, found, *fields in rows:
            yield Entry(position, event_id, bytes(digest), fields if found is not None else None)
        after = rows[-1][0]


def head(session: Session) -> Head | None:
    """Return the last place; None before the first row."""
    return _place(session, None)


def place(session: Session, position: int) -> Head | None:
    """Return the place at ``position``; None if there is none."""
    return _place(session, position)


def _place(session: Session, position: int | None) -> Head | None:
    query = select(AuditChain.position, AuditChain.hash, AuditEvent.at).outerjoin(
        AuditEvent, AuditEvent.id == AuditChain.event_id
    )
    if position is not None:
        query = query.where(AuditChain.position == position)
    found = session.execute(query.order_by(AuditChain.position.desc()).limit(1)).one_or_none()
    return Head(found[0], bytes(found[1]), found[2]) if found else None


def anchored_at(session: Session) -> datetime | None:
    """Return when the chain's end was last written down in the logs; None for never."""
    return session.scalar(
        select(AuditEvent.at).where(AuditEvent.action == ANCHORED).order_by(AuditEvent.id.desc()).limit(1)
    )


def unchained(session: Session) -> int | None:
    """Return the id of the oldest row of the trail that no place of the chain names."""
    return session.scalar(
        select(AuditEvent.id)
        .outerjoin(AuditChain, AuditChain.event_id == AuditEvent.id)
        .where(AuditChain.event_id.is_(None))
        .order_by(AuditEvent.id)
        .limit(1)
    )
