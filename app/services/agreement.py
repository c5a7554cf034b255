"""Whether storage and rows agree: what a row says is stored is there, and as long as the row says.

The other way round, what is stored has a row that wants it.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import islice
from typing import Final
from uuid import UUID

from sqlalchemy import select

from app.domain.errors import NotFoundError
from app.domain.lifecycle import STORED, UploadState
from app.models import Upload
from app.ports import Adapters, Storage
from app.services import moving, sweeping
from app.uow import UnitOfWork

#: The step of the scheduler that compares.
STEP: Final = "prove_storage"

#: A stored object younger than this may belong to a row that is about to be committed, seconds. A move
#: takes the longest to do so.
SETTLING: Final = 2 * moving.PATIENCE

_ROWS = 200  # read at a time
_KEYS = 500  # looked up at a time

Work = Callable[[], AbstractContextManager[UnitOfWork]]

#: Of the rest it is known already that what is stored is not what was received.
_TRUSTED = STORED - {UploadState.INTEGRITY_FAILED}


@dataclass(frozen=True, slots=True)
class Kept:
    """What a row says lies in a store: ``size`` bytes, as ``version``."""

    upload_id: UUID
    storage_name: str
    key: str
    size: int
    version: str


@dataclass(frozen=True, slots=True)
class Disagreement:
    """``found``: bytes that are there instead and their version; None: nothing is there."""

    kept: Kept
    found: tuple[int, str] | None

    def __str__(self) -> str:
        """Say it in a line for people."""
        kept = self.kept
        if self.found is None:
            return f"{kept.upload_id}: nothing lies under {kept.key} ({kept.storage_name})"
        return f"{kept.upload_id}: {self.found[0]:,} bytes lie under {kept.key} instead of {kept.size:,}"


def compared(
    work: Work, adapters: Adapters, last: UUID | None = None
) -> Iterator[tuple[Kept, Disagreement | None]]:
    """Yield every row with stored bytes, by id beyond ``last``, and in what it and its store disagree.

    Raises:
        DependencyError: a store is away, or not set up here.
    """
    while True:
        with work() as uow:
            rows = _after(uow, last, _ROWS)
        if not rows:
            return
        for kept in rows:
            yield kept, _compare(work, adapters.store(kept.storage_name), kept)
        last = rows[-1].upload_id


def _compare(work: Work, storage: Storage, kept: Kept) -> Disagreement | None:
    wrong = _look(storage, kept)
    if wrong is None:
        return None
    with work() as uow:
        return wrong if _still_said(uow, kept) else None


def strays(work: Work, storage: Storage, settling: float = SETTLING) -> Iterator[str]:
    """Yield the keys of what is stored for longer than ``settling`` seconds and no row has a use for.

    Raises:
        DependencyError: the store is away.
    """
    old = (key for key, age in storage.stored() if age > settling)
    while batch := list(islice(old, _KEYS)):
        with work() as uow:
            found = sweeping.without_row(uow, storage.name, batch)
        yield from found


def _after(uow: UnitOfWork, last: UUID | None, count: int) -> Sequence[Kept]:
    """Return up to ``count`` rows with stored bytes, by id, beyond ``last``."""
    query = select(
        Upload.id, Upload.storage_name, Upload.storage_key, Upload.size, Upload.storage_version
    ).where(Upload.state.in_(_TRUSTED))
    if last is not None:
        query = query.where(Upload.id > last)
    rows = uow.session.execute(query.order_by(Upload.id).limit(count)).all()
    return [
        Kept(row.id, row.storage_name, row.storage_key, row.size or 0, str(row.storage_version))
        for row in rows
    ]


def _look(storage: Storage, kept: Kept) -> Disagreement | None:
    """Look at one object; None if it is as long as its row says. No byte of it is read.

    Raises:
        DependencyError: the store is away.
    """
    try:
        file, version = storage.open(kept.key)
    except NotFoundError:
        return Disagreement(kept, None)
    with file:
        size = file.seek(0, os.SEEK_END)
    return None if size == kept.size else Disagreement(kept, (size, version))


def _still_said(uow: UnitOfWork, kept: Kept) -> bool:
    """Whether the row says so still: it may have been moved or deleted since it was read."""
    said = select(Upload.id).where(
        Upload.id == kept.upload_id,
        Upload.state.in_(_TRUSTED),
        Upload.storage_name == kept.storage_name,
        Upload.storage_key == kept.key,
    )
    return uow.session.scalar(said) is not None
