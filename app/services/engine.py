"""What the scanner last said of itself, so that no page has to wait for it; and whether that will do."""

import re
from datetime import timedelta
from typing import Final

from sqlalchemy import and_, func, select, true
from sqlalchemy.dialects.postgresql import insert

from app.domain.verdict import Engine
from app.models import EngineStatus
from app.uow import UnitOfWork

#: The first release of each series without the holes that are known: what a bundle holds could
#: write beyond the engine's memory (CVE-2025-20260, CVE-2026-20339, CVE-2026-20345). Older series
#: get no more fixes, newer ones began after them.
_FIXED: Final = {(1, 4): 6, (1, 5): 4}


#: For so long the newest signatures that answered are said to be in use, though older ones answer too.
_LATELY: Final = timedelta(seconds=60)


def named(engine: Engine) -> str:
    """Name engine and signatures: what was tested, and what a verdict is by, up to 200 characters."""
    return f"{engine.name}, {engine.signatures or 'test signatures'}"[:200]


def report(uow: UnitOfWork, engine: Engine) -> None:
    """Replace the one row, unless a scanner with newer signatures has answered within a minute.

    Where workers have a scanner each, those load new signatures minutes apart, and must not overwrite each
    other in turn: what is ready would be scanned again for the one, and again for the other.
    """
    values = {
        "engine": engine.name,
        "signatures": engine.signatures,
        "signatures_at": engine.signatures_at,
        "seen_at": func.now(),
    }
    other = insert(EngineStatus).values(id=1, **values)
    older = and_(
        EngineStatus.signatures_at > other.excluded.signatures_at,  # null where either has no date
        EngineStatus.seen_at > func.now() - _LATELY,
    )
    uow.session.execute(
        other.on_conflict_do_update(index_elements=["id"], set_=values, where=older.is_not(true()))
    )


def silent_for(uow: UnitOfWork, seconds: float) -> bool:
    """Whether no scanner, one having answered once, has done so for so long."""
    seen = select(EngineStatus.seen_at < func.now() - timedelta(seconds=seconds)).where(EngineStatus.id == 1)
    return bool(uow.session.scalar(seen))


def weakness(engine: Engine) -> str | None:
    """Return why this engine must not be given what strangers send, in a sentence for people."""
    version = re.fullmatch(r"ClamAV (\d+)\.(\d+)\.(\d+)", engine.name)
    if version is None:
        return f"Nobody can tell whether {engine.name} has known security holes."
    major, minor, patch = map(int, version.groups())
    series = (major, minor)
    if series > max(_FIXED) or patch >= _FIXED.get(series, patch + 1):
        return None
    fixed = " or ".join(f"{major}.{minor}.{patch}" for (major, minor), patch in _FIXED.items())
    return f"{engine.name} has known security holes. Install {fixed} or newer."


def doubts(uow: UnitOfWork, engine: Engine) -> str | None:
    """Return why nothing may turn clean by this engine and its signatures, in a sentence for people.

    Outside production the local test signatures will do; every page says that they are in use.
    """
    if uow.settings.environment == "production":
        if engine.test_only:
            return "The scanner has test signatures only. Give it real ones, with freshclam."
        if weak := weakness(engine):
            return weak
    if engine.test_only:
        return None
    if engine.signatures_at is None:
        return "Nobody can tell how old the scanner's signatures are."
    oldest = uow.session.scalar(select(func.now() - timedelta(seconds=uow.settings.signatures_max_age)))
    if oldest is None or engine.signatures_at < oldest:
        return f"The scanner's signatures are too old: they are of {engine.signatures_at:%-d %B %Y}."
    return None
