"""Requests of this process that write to resumable uploads, and how one makes way for another.

What is right is decided in Postgres (`app.services.intake.writing`); this only sees to it that
who was overtaken notices at once, instead of at the next offset that it wants to note.
"""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from time import monotonic
from uuid import UUID

import structlog
from flask import current_app, request

from app.db import Database
from app.domain.errors import (
    BadRequestError,
    DependencyError,
    LockedError,
    NotFoundError,
    StateConflictError,
    TruncatedBodyError,
)
from app.models import Upload
from app.ports import Sink
from app.queries import transfers
from app.services.intake import writing
from app.services.intake.records import OvertakenError
from app.web.body import Body
from app.web.context import store_of, system, work

log = structlog.get_logger(__name__)

PATIENCE_SECONDS = 5.0  # for whoever was asked to make way
_LOOK_SECONDS = 0.02
_BACK_OFF_SECONDS = 30.0  # longest pause before another try to listen


class Writer:
    """One request that writes, and its body until somebody else asks for the upload."""

    def __init__(self, upload_id: UUID, epoch: int, body: Body, connection: socket.socket | None) -> None:
        self.epoch = epoch
        self._upload_id = upload_id
        self.length = body.length
        self.stopped = False
        self._body = body
        self._connection = connection

    def readinto(self, buffer: memoryview, /) -> int:
        """See `app.web.body.Body`. Ends early once the writer was asked to stop.

        Raises:
            BadRequestError: cut short; what came may be made durable.
            OvertakenError, GoneError: nothing more may: it is no longer this writer's.
        """
        try:
            if self.stopped:
                raise TruncatedBodyError("Another request asked for this upload. Ask where to go on.")
            return self._body.readinto(buffer)
        except BadRequestError:
            # By whom, only the row knows. Where nobody is locked out, what this writer made durable
            # now could take the place of what the next one has been told is there.
            with work() as uow:
                writing.check_newest(uow, self._upload_id, self.epoch)
            raise

    def stop(self) -> None:
        """Let the body end here; a read that waits returns at once."""
        self.stopped = True
        if self._connection is not None:
            with suppress(OSError):  # it has ended already
                socket.socket.shutdown(self._connection, socket.SHUT_RD)  # TLS, if any, stays


class Writers:
    """All of this process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._open: dict[UUID, Writer] = {}
        self._listens = False

    @contextmanager
    def writing(self, upload_id: UUID, epoch: int, body: Body) -> Iterator[Writer]:
        """Count the current request among the writers while the block lasts."""
        connection = request.environ.get("gunicorn.socket")
        writer = Writer(upload_id, epoch, body, connection)
        self.stop(upload_id, epoch)
        with self._lock:
            before = self._open.get(upload_id)
            if before is None or before.epoch < epoch:
                self._open[upload_id] = writer
            else:  # it claimed later, and came here sooner
                writer.stopped = True
        if connection is not None:  # under another server there is nothing that could be shut
            self._listen()
        try:
            yield writer
        finally:
            with self._lock:
                if self._open.get(upload_id) is writer:
                    del self._open[upload_id]

    def stop(self, upload_id: UUID, epoch: int) -> None:
        """Stop who writes to that upload since before ``epoch``."""
        with self._lock:  # as long as that is held, its connection serves no other request
            writer = self._open.get(upload_id)
            if writer is not None and writer.epoch < epoch:
                writer.stop()

    def _listen(self) -> None:
        with self._lock:
            if self._listens:
                return
            self._listens = True
        threading.Thread(target=self._hear, name="writers", daemon=True).start()

    def _hear(self) -> None:
        """Stop writers as they are told to, for as long as the process lives."""
        pause = 1.0
        while True:
            try:
                for word in self._database.listen(writing.CHANNEL):
                    pause = 1.0
                    upload_id, _, epoch = word.partition(" ")
                    with suppress(ValueError):  # somebody else's word
                        self.stop(UUID(upload_id), int(epoch))
            except DependencyError as error:
                log.warning("not_listening", again_in=pause, **error.context)
            time.sleep(pause)
            pause = min(pause * 2, _BACK_OFF_SECONDS)


def writers() -> Writers:
    """Return those of this process."""
    kept: Writers = current_app.extensions.setdefault("diagport.writers", Writers(system().database))
    return kept


@contextmanager
def when_free(
    open_sink: Callable[[], AbstractContextManager[Sink]], writer: Writer | None = None
) -> Iterator[Sink]:
    """Enter ``open_sink()`` as soon as nobody else writes.

    Raises:
        LockedError: somebody still does, after `PATIENCE_SECONDS`.
        OvertakenError: ``writer`` was, while it waited.
    """
    give_up = monotonic() + PATIENCE_SECONDS
    with ExitStack() as stack:
        while True:
            try:
                sink = stack.enter_context(open_sink())
                break
            except LockedError:
                if writer and writer.stopped:
                    raise OvertakenError from None
                if monotonic() >= give_up:
                    raise
            time.sleep(_LOOK_SECONDS)
        yield sink


def asked(upload: Upload) -> Upload:
    """Return the upload with an offset to go on from, now that its sender asks for one.

    A writer from whom nothing came for a while has most likely lost its sender: it notes what it
    has, and stops. From any other the durable offset is what can be told.
    """
    if _nobody_writes(upload):
        return upload
    with work() as uow:
        if not writing.stop_silent(uow, upload):
            return upload
    writers().stop(upload.id, upload.writer_epoch + 1)
    give_up = monotonic() + PATIENCE_SECONDS
    while not _nobody_writes(upload) and monotonic() < give_up:
        time.sleep(_LOOK_SECONDS)
    with work() as uow:
        return transfers.own(uow.session, uow.actor, upload.id)


class _FreeError(Exception):
    """Nobody else holds the object."""


def _nobody_writes(upload: Upload) -> bool:
    def leave() -> None:
        raise _FreeError

    try:
        # Any offset would do, and none but 0 makes an object.
        with store_of(upload).append(upload.storage_key, max(upload.received_bytes, 1), confirm=leave):
            return True
    except LockedError:
        return False
    except (_FreeError, NotFoundError, StateConflictError):
        return True
