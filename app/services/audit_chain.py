"""Whether the trail is whole: every hash computed again, without the database's own functions."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select

from app.domain.errors import InvalidInputError
from app.queries import audit_chain
from app.queries.audit_chain import Entry, Head
from app.services import audit
from app.uow import UnitOfWork

_EVERY = timedelta(days=1)
_ANCHOR = re.compile(r"(\d{1,18}):([0-9a-f]{64})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Broken:
    """The first place at which the trail is not what was written. ``why`` is a sentence for people."""

    position: int | None  # None: the row has no place in the chain
    event_id: int | None  # None: nobody knows which row it was
    why: str


@dataclass(frozen=True, slots=True)
class Anchor:
    """What was written down elsewhere: at this position the chain had this hash."""

    position: int
    hash: bytes

    @classmethod
    def parse(cls, text: str) -> "Anchor":
        """Read "position:hash". Raises InvalidInputError."""
        match = _ANCHOR.fullmatch(text.strip().lower())
        if match is None:
            raise InvalidInputError("An anchor is a position, a colon and 64 hex digits.")
        return cls(int(match[1]), bytes.fromhex(match[2]))


def digest(previous: bytes, fields: Sequence[str | None]) -> bytes:
    """Return the hash of a row after ``previous``: SHA-256 over that and each field as a netstring."""
    return hashlib.sha256(previous + b"".join(map(_netstring, fields))).digest()


def _netstring(field: str | None) -> bytes:
    if field is None:
        return b"-,"
    data = field.encode()
    return b"%d:%s," % (len(data), data)


def verify(uow: UnitOfWork, anchors: Sequence[Anchor] = ()) -> Head | Broken | None:
    """Return the head of a trail that is whole, None for one without rows; otherwise what is wrong first.

    What is written meanwhile is left for the next time. Memory does not grow with the trail.
    """
    head = audit_chain.head(uow.session)
    if head is None and anchors:
        return Broken(None, None, "There is no chain at all, though an anchor speaks of one.")
    broken = _first_broken(audit_chain.entries(uow.session, head.position if head else 0))
    return broken or _not_as_anchored(uow, anchors) or _unchained(uow) or head


def anchor(uow: UnitOfWork) -> Head | None:
    """Note in the trail that the chain's end is written down elsewhere; None if that was done today."""
    last = audit_chain.anchored_at(uow.session)
    head = audit_chain.head(uow.session)
    now = uow.session.scalars(select(func.now())).one()
    if head is None or (last and last > now - _EVERY):
        return None
    audit.record(uow, audit_chain.ANCHORED, position=head.position, hash=head.hash.hex())
    return head


def _first_broken(entries: Iterator[Entry]) -> Broken | None:
    previous = b""
    for position, entry in enumerate(entries, start=1):
        if entry.position != position:
            return Broken(position, None, "This position is missing from the chain.")
        if entry.fields is None:
            return Broken(position, entry.event_id, "The row was deleted.")
        computed = digest(previous, entry.fields)
        if computed != entry.hash:
            return Broken(position, entry.event_id, _which(entry, computed, next(entries, None)))
        previous = entry.hash
    return None


def _which(entry: Entry, computed: bytes, following: Entry | None) -> str:
    """Say by the next place, whose hash covers this one's, whether row or hash was changed."""
    if following and following.fields is not None:
        if digest(entry.hash, following.fields) == following.hash:
            return "The row was edited, or stands where another one stood."
        if digest(computed, following.fields) == following.hash:
            return "The hash was edited; the row is as it was written."
    return "The row or its hash was edited."


def _not_as_anchored(uow: UnitOfWork, anchors: Sequence[Anchor]) -> Broken | None:
    for anchor in sorted(anchors, key=lambda anchor: anchor.position):
        place = audit_chain.place(uow.session, anchor.position)
        if place is None:
            return Broken(anchor.position, None, "The chain ended here or later once, and ends earlier now.")
        if place.hash != anchor.hash:
            why = (
                "The chain is whole, but not the one of the anchor: it was written anew from here or before."
            )
            return Broken(anchor.position, None, why)
    return None


def _unchained(uow: UnitOfWork) -> Broken | None:
    event_id = audit_chain.unchained(uow.session)
    if event_id is None:
        return None
    return Broken(
        None,
        event_id,
        "The row is not in the chain: it was put in past the trigger, or its place was cut off.",
    )
