"""Looking for words in a million rows, newest first, in a time that has a bound.

No index gives the matches of a word in the order of time. So the newest rows are looked at
first, where the hits of a frequent word are; only when there are too few, the trigram index
is asked, which is quick because the words have then proved rare. Left to itself, the
planner guesses how frequent a word is, and a wrong guess costs seconds.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Select, Text, and_, cast, func, select, tuple_
from sqlalchemy.orm import Session

from app.models import Upload
from app.queries.cursor import Position

AnySelect = Select[*tuple[Any, ...]]

LOOK = 2_500  # rows, a few milliseconds
LOOKS = 6  # at most, and only when they promise to fill the page
TRIGRAM = 3  # characters; no index knows shorter words


@dataclass(frozen=True, slots=True)
class Found:
    """``ids`` newest first; ``stopped`` is where the search ended when that is not the list's end."""

    ids: list[UUID]
    stopped: Position | None = None


def newest_first(query: AnySelect) -> AnySelect:
    """Order by time, ids deciding between equals."""
    return query.order_by(Upload.created_at.desc(), Upload.id.desc())


def after(query: AnySelect, position: Position) -> AnySelect:
    """Go on at ``position``."""
    return query.where(tuple_(Upload.created_at, Upload.id) < tuple_(position.created_at, position.id))


def find(
    session: Session, scope: AnySelect, words: Sequence[str], limit: int, *, walled: bool = False
) -> Found:
    """Return the newest uploads in ``scope`` that contain all ``words``, at most ``limit``.

    ``walled``: the transaction is an organisation's, in which row-level security closes the trigram index.

    Words that are all shorter than `TRIGRAM` and rare are looked for in the next `LOOK` rows only;
    ``stopped`` then says where to go on.
    """
    ids: list[UUID] = []
    end: Position | None = None
    rest = scope
    for _ in range(LOOKS):
        ids += _look(session, rest, words, limit - len(ids))
        if len(ids) == limit:
            return Found(ids)
        end = _end_of_look(session, rest)
        if end is None:
            return Found(ids)
        rest = after(scope, end)
        if len(ids) * LOOKS < limit:
            break
    if all(len(word) < TRIGRAM for word in words):
        return Found(ids, stopped=end)
    older = rest.with_only_columns(Upload.id)
    if walled:
        ids += session.scalars(newest_first(older.where(_matches(words))).limit(limit - len(ids)))
        return Found(ids)
    older = older.where(_contains(Upload.search, words))
    with _by_bitmap(session):
        ids += session.scalars(newest_first(older).limit(limit - len(ids)))
    return Found(ids)


def _look(session: Session, scope: AnySelect, words: Sequence[str], limit: int) -> Sequence[UUID]:
    """Return the hits among the newest `LOOK` rows."""
    looked = newest_first(scope.with_only_columns(Upload.id, Upload.search)).limit(LOOK).subquery()
    return session.scalars(select(looked.c.id).where(_contains(looked.c.search, words)).limit(limit)).all()


def _end_of_look(session: Session, scope: AnySelect) -> Position | None:
    """Return the place after the newest `LOOK` rows; None if there are no more."""
    last = newest_first(scope.with_only_columns(Upload.created_at, Upload.id)).offset(LOOK - 1).limit(1)
    row = session.execute(last).one_or_none()
    return Position(row.created_at, row.id) if row else None


def _contains(text: Any, words: Sequence[str]) -> ColumnElement[bool]:
    return and_(*(text.contains(word, autoescape=True) for word in words))


def _matches(words: Sequence[str]) -> ColumnElement[bool]:
    """Say that a row is among those of the transaction's organisation that contain all ``words``."""
    patterns = ["%" + _LIKE.sub(r"\\\g<0>", word) + "%" for word in words]
    found = func.upload_matches(cast(patterns, ARRAY(Text))).column_valued("match")
    return Upload.id.in_(select(found))


_LIKE = re.compile(r"[\\%_]")  # what means more than itself to LIKE


@contextmanager
def _by_bitmap(session: Session) -> Iterator[None]:
    """Keep the planner from walking along an index in search of what is rare."""
    names = ("enable_indexscan", "enable_seqscan")
    session.execute(select(*(func.set_config(name, "off", True) for name in names)))
    yield
    session.execute(select(*(func.set_config(name, "on", True) for name in names)))
