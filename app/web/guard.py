"""What is looked at while stored bytes go out, and what ends it."""

from time import monotonic, sleep
from typing import NoReturn

from app.domain.errors import DependencyError, NotFoundError, PortalError
from app.domain.policy import Actor
from app.log import get_logger
from app.ports import Storage
from app.services import downloads, integrity
from app.services.downloads import Leave
from app.system import System
from app.web.outgoing import CutShortError

log = get_logger(__name__)

OBJECT_SECONDS = 0.1  # between two looks at the stored object, or more if its store says so
ROW_SECONDS = 2.0  # between two looks at the upload's row
FRESH = 0.1  # seconds for which a look at the row may count as the last one: bytes travel for longer
PATIENCE = 20.0  # seconds for which the last piece waits for a database that is away


class Guard:
    """Watches one download: the stored object's version, and whether there still is leave to fetch it.

    Make it before the leave is asked for the last time, and the download noted.
    It holds neither a connection to the database nor an open file between two looks.
    """

    def __init__(
        self, system: System, actor: Actor, request_id: str, leave: Leave, storage: Storage, key: str
    ) -> None:
        self._system = system
        self._actor = actor
        self._request_id = request_id
        self._leave = leave
        self._storage = storage
        self._key = key
        self._row_seen = monotonic()
        self._object_seconds = max(OBJECT_SECONDS, storage.look_seconds)
        self._object_due = self._row_seen + self._object_seconds
        self._row_due = self._row_seen + ROW_SECONDS

    def look(self) -> None:
        """Look if it is time to. Raises CutShortError."""
        now = monotonic()
        if now >= self._object_due:
            self._look_at_object()
            self._object_due = monotonic() + self._object_seconds
        if now >= self._row_due:
            self._row_due = now + ROW_SECONDS
            try:
                self._look_at_row()
            except DependencyError as error:  # the last look is what counts
                log.warning("download_not_watched", upload_id=self._leave.upload_id, **error.context)

    def look_last(self) -> None:
        """Look at everything now: after this the last piece goes out. Raises CutShortError."""
        if monotonic() - self._row_seen > FRESH:
            self._look_patiently()
        self._look_at_object()

    def _look_patiently(self) -> None:
        give_up = monotonic() + PATIENCE
        while True:
            try:
                return self._look_at_row()
            except DependencyError:
                if monotonic() > give_up:
                    self._cut("Nobody could say any more whether it may be fetched.")
                sleep(1)

    def _look_at_row(self) -> None:
        asked = monotonic()
        with self._system.work(self._actor, self._request_id) as uow:
            held = downloads.holds(uow, self._leave)
        if not held:
            self._cut("It may not be fetched any more.")
        self._row_seen = asked

    def _look_at_object(self) -> None:
        version = None
        try:
            file, version = self._storage.open(self._key)
            file.close()
        except NotFoundError:
            pass
        except DependencyError:
            self._cut("The storage does not answer.")
        if version != self._leave.version:
            self._changed(version)

    def _changed(self, found: str | None) -> NoReturn:
        why = "The stored file changed."
        try:
            failed = integrity.report(
                self._system.work, self._storage, self._leave.upload_id,
                self._leave.version, found,
            )  # fmt: skip
            if not failed and found is None:
                why = "It may not be fetched any more."  # deleted
        except DependencyError as error:
            log.error("changed_object_unreported", upload_id=self._leave.upload_id, **error.context)
        self._cut(why)

    def _cut(self, why: str) -> NoReturn:
        log.warning("download_cut", upload_id=self._leave.upload_id, why=why)
        try:
            with self._system.work(self._actor, self._request_id) as uow:
                downloads.note_cut(uow, self._leave, why)
        except PortalError as error:
            log.error("cut_unnoted", upload_id=self._leave.upload_id, **error.context)
        raise CutShortError(why)
