"""Reading a few stored objects again: what changed or vanished is found before somebody asks for it."""

from app.log import get_logger
from app.services import integrity
from app.services.integrity import Stored
from app.services.scanning import due
from app.system import System

log = get_logger(__name__)

_BYTES = 2 * 10**9  # read per run; one object that is larger has a run of its own


def recheck_stored(system: System) -> None:
    """Compare some stored objects with their rows, as long as nobody waits for a scan."""
    with system.work() as uow:
        objects = integrity.sample(uow)
    left = _BYTES
    for stored in objects:
        if stored.size > left and left < _BYTES:
            continue
        if _busy(system):
            return
        left -= stored.size
        _recheck(system, stored)


def _busy(system: System) -> bool:
    with system.work() as uow:
        return due.others_first(uow)


def _recheck(system: System, stored: Stored) -> None:
    try:
        storage = system.adapters.store(stored.storage_name)
        same, found = integrity.check(storage, stored)
    except OSError as error:  # a bad disk, or one that is away: nobody can say what the bytes are
        log.error("stored_object_unreadable", upload_id=stored.upload_id, why=str(error))
        return
    if not same:
        integrity.report(system.work, storage, stored.upload_id, stored.version, found)
