"""What somebody began to send and can go on with, from any browser: the list is the portal's."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.domain.lifecycle import UploadState
from app.domain.policy import Actor
from app.models import Upload
from app.queries import uploads

_MOST_PARTS: Final = 400

#: What static/js/tus_way.js writes into the note of a part, where people's parts have none.
_LABEL = re.compile(r"part (\d{1,3}) of (\d{1,3}) of (\d{1,18}) bytes, modified (\d{1,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Unfinished:
    """One file on its way. ``size`` and ``received`` are bytes of the whole file."""

    id: UUID  # of the upload; of one of its parts, where it is sent in parallel
    filename: str
    size: int | None
    received: int
    created_at: datetime
    active_at: datetime  # when bytes came last; of parts, to the one that has waited longest
    way: str  # of static/js/ways.js by which it goes on
    parts: tuple[str, ...]  # ids in the order of the file's bytes; "-" for a part that was never begun
    modified: str = ""  # when the sender's file was changed last, as its browser has it; not known of all


def unfinished_of(session: Session, actor: Actor) -> list[Unfinished]:
    """Return what this account or ticket can go on with through tus, newest first."""
    whole = [
        Unfinished(
            id=row.id,
            filename=row.filename,
            size=row.declared_bytes,
            received=row.received_bytes,
            created_at=row.created_at,
            active_at=row.active_at,
            way=row.door,
            parts=(str(row.id),),
        )
        for row in uploads.unfinished_of(session, actor)
    ]
    parts = session.scalars(
        uploads.parts_visible_to(actor)
        .where(
            uploads.sent_by(actor),
            Upload.partial,
            Upload.joined_into.is_(None),
            Upload.state == UploadState.RECEIVING,  # a part that is whole waits in it for the others
        )
        .order_by(Upload.created_at.desc())
        .limit(_MOST_PARTS)
    )
    return sorted([*whole, *_together(parts)], key=lambda one: one.created_at, reverse=True)


def _together(rows: Iterable[Upload]) -> list[Unfinished]:
    """Put parts of one file together; of two with the same place the fuller one counts.

    Parts that another client sent have no label: only that client knows what they are parts of.
    """
    files: dict[tuple[str, ...], dict[int, Upload]] = {}
    for row in rows:
        if label := _LABEL.fullmatch(row.note or ""):
            number, *rest = label.groups()
            places = files.setdefault((row.filename, *rest), {})
            before = places.get(int(number))
            if before is None or before.received_bytes < row.received_bytes:
                places[int(number)] = row
    found = []
    for (filename, count, size, modified), places in files.items():
        first = places[min(places)]
        found.append(
            Unfinished(
                id=first.id,
                filename=filename,
                size=int(size),
                received=sum(row.received_bytes for row in places.values()),
                created_at=min(row.created_at for row in places.values()),
                active_at=min(row.active_at for row in places.values()),
                way="tus",
                parts=tuple(
                    str(places[number].id) if number in places else "-" for number in range(1, int(count) + 1)
                ),
                modified=modified,
            )
        )
    return found
