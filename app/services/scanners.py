"""What each scanner was last found to do. There may be several: then each answers for itself alone.

Whoever uses a scanner knows it by its place. Processes that share one share its tests; one that nobody
else can reach, beside a worker, is tested by its own `worker.py gate`.
"""

import re
import socket
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, delete, exists, false, func, select
from sqlalchemy.dialects.postgresql import insert

from app.models import ScannerTest
from app.queries.gate import GOOD_FOR
from app.settings import Settings
from app.uow import UnitOfWork

#: One that fails is tested every few seconds. After this without a test nobody uses it any more.
_GONE: Final = timedelta(minutes=3)
_FORGOTTEN: Final = timedelta(days=1)

_HERE: Final = re.compile(r"unix:.*|tcp:(localhost|127\.[0-9.]+|\[?::1\]?):\d+")


def place_of(settings: Settings) -> str:
    """Name the scanner that this process uses. One on this very host is another than that of any other.

    The containers of one task have one network, and its host name.
    """
    address = settings.clamd_address or ""
    return f"{socket.gethostname()} {address}" if _HERE.fullmatch(address) else address


def mine(uow: UnitOfWork) -> ScannerTest | None:
    """Return what was last found of this process's scanner."""
    return uow.session.get(ScannerTest, place_of(uow.settings), populate_existing=True)


def proven(settings: Settings) -> ColumnElement[bool]:
    """Say that this process's own scanner has lately passed its tests. Without a scanner it never has."""
    if not settings.clamd_address:
        return false()
    return exists().where(
        ScannerTest.place == place_of(settings),
        ScannerTest.failed.is_(None),
        ScannerTest.tested_at > func.now() - GOOD_FOR,
    )


def untested(uow: UnitOfWork) -> bool:
    """Whether nobody has tested this process's own scanner lately, with whatever result."""
    tested = exists().where(
        ScannerTest.place == place_of(uow.settings), ScannerTest.tested_at > func.now() - GOOD_FOR
    )
    return not uow.session.scalar(select(tested))


def failing(uow: UnitOfWork) -> str | None:
    """Return why another scanner that is in use has failed its last test; None if none has."""
    others = select(ScannerTest.failed).where(
        ScannerTest.place != place_of(uow.settings),
        ScannerTest.failed.is_not(None),
        ScannerTest.tested_at > func.now() - _GONE,
    )
    return uow.session.scalar(others.order_by(ScannerTest.place).limit(1))


def note(
    uow: UnitOfWork, engine: str, tested_at: datetime, passed_at: datetime | None, failed: str | None
) -> None:
    """Write down how this process's scanner did; forget those that nobody has tested for a day.

    ``engine`` names it and its signatures. ``failed``: why nothing may turn clean by it.
    """
    values = {"engine": engine, "tested_at": tested_at, "passed_at": passed_at, "failed": failed}
    uow.session.execute(
        insert(ScannerTest)
        .values(place=place_of(uow.settings), **values)
        .on_conflict_do_update(index_elements=["place"], set_=values)
    )
    uow.session.execute(delete(ScannerTest).where(ScannerTest.tested_at < func.now() - _FORGOTTEN))
