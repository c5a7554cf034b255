"""What each scanner was last found to do. There may be several: then each answers for itself alone.

Whoever uses a scanner knows it by its place. Processes that share one share its tests; one that nobody
else can reach, beside a worker, is tested by its own `worker.py gate`.
"""

import socket
from datetime import datetime, timedelta
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from sqlalchemy import ColumnElement, delete, exists, false, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from app.domain.verdict import Engine
from app.models import ScannerTest
from app.queries.gate import GOOD_FOR
from app.services.engine import named
from app.settings import Settings
from app.uow import UnitOfWork

#: One that fails is tested every few seconds. For so long after a test nobody need have begun the next,
_GONE: Final = timedelta(minutes=3)
#: and a test lasts no longer than this: then nobody uses it any more.
_LONGEST_TEST: Final = timedelta(minutes=10)
_FORGOTTEN: Final = timedelta(days=1)

_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")  # proc(5)


def place_of(settings: Settings) -> str:
    """Name the scanner that this process uses. One on this very host is another than that of any other.

    The containers of one task have one network, and its host name. A name may come back with the address
    that it was made of, for a task that has nothing to do with the first: it has been booted since, where
    each has a kernel of its own.
    """
    address = settings.clamd_address or ""
    if _is_here(address):
        return f"{socket.gethostname()} {_boot()} {address}"
    return address.lower()


@cache
def _boot() -> str:
    """Return what is another at each start of this host."""
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return "-"


def _is_here(address: str) -> bool:
    """Whether an address leads to this very host, whoever asks."""
    kind, _, where = address.partition(":")
    host = where.rpartition(":")[0].strip("[]").lower()
    if kind == "unix" or host.rstrip(".").partition(".")[0] in {"localhost", "ip6-localhost"}:
        return True
    try:  # also 127.1, and whatever else programs take for an address
        ip = ip_address(host if ":" in host else socket.inet_aton(host))
    except (OSError, ValueError):
        return False
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return ip.is_loopback or ip.is_unspecified


def locked(uow: UnitOfWork) -> ScannerTest:
    """Return what is known of this process's scanner, for this unit of work alone; a new row if nothing is.

    Nobody waits who has another scanner.
    """
    place = place_of(uow.settings)
    uow.session.execute(insert(ScannerTest).values(place=place).on_conflict_do_nothing())
    row = select(ScannerTest).where(ScannerTest.place == place).with_for_update()
    return uow.session.scalars(row.execution_options(populate_existing=True)).one()


def proven(settings: Settings, engine: Engine) -> ColumnElement[bool]:
    """Say that this process's own scanner has lately passed its tests, as the ``engine`` that it is now.

    Without a scanner it never has.
    """
    if not settings.clamd_address:
        return false()
    return exists().where(*_tested(settings, engine), ScannerTest.failed.is_(None))


def untested(uow: UnitOfWork, engine: Engine) -> bool:
    """Whether nobody has lately tested this process's own scanner as it is now, with whatever result."""
    return not uow.session.scalar(select(exists().where(*_tested(uow.settings, engine))))


def _tested(settings: Settings, engine: Engine) -> tuple[ColumnElement[bool], ...]:
    return (
        ScannerTest.place == place_of(settings),
        ScannerTest.engine == named(engine),
        ScannerTest.tested_at > func.now() - GOOD_FOR,
    )


def failing(uow: UnitOfWork) -> str | None:
    """Return why another scanner that is in use has failed its last test; None if none has.

    What a slow one was found to do counts while it is tested again, however long that takes.
    """
    others = select(ScannerTest.failed).where(
        ScannerTest.place != place_of(uow.settings),
        ScannerTest.failed.is_not(None),
        or_(
            func.coalesce(ScannerTest.ended_at, ScannerTest.tested_at) > func.now() - _GONE,
            ScannerTest.probing_since > func.now() - _LONGEST_TEST,
        ),
    )
    return uow.session.scalar(others.order_by(ScannerTest.place).limit(1))


def note(
    uow: UnitOfWork, engine: str, tested_at: datetime, passed_at: datetime | None, failed: str | None
) -> None:
    """Write down how this process's scanner did; forget those that nobody has tested for a day.

    ``engine`` names it and its signatures, ``tested_at`` is when the test began that ends here.
    ``failed``: why nothing may turn clean by it.
    """
    row = locked(uow)
    row.engine, row.tested_at, row.ended_at = engine, tested_at, uow.session.scalar(select(func.now()))
    row.passed_at, row.failed = passed_at, failed
    end(row, tested_at)
    uow.session.flush()
    last_seen = func.greatest(ScannerTest.tested_at, ScannerTest.probing_since)
    uow.session.execute(delete(ScannerTest).where(last_seen < func.now() - _FORGOTTEN))


def end(row: ScannerTest, began: datetime) -> None:
    """Note that the test that began then is no longer under way; one that began later is."""
    if row.probing_since == began:
        row.probing_since = None
