"""In-memory stand-ins for the ports."""

import threading
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from app.domain.errors import (
    DependencyError,
    FetchError,
    NotFoundError,
    PortalError,
    ScannerUnavailableError,
)
from app.domain.jobs import QUEUE_OF, JobName, QueueName
from app.domain.verdict import Engine, StreamResult, StreamVerdict
from app.ports import Fetched, Message
from app.ports.queue import FailedJob, QueueServer, QueueState, WorkerState


class FakeScanner:
    """Finds MARKER; ``answers`` gives other verdicts for other words. ``down``: nobody answers."""

    MARKER = b"fake-malware"

    def __init__(self) -> None:
        self.down = False
        self.answers = {self.MARKER: StreamVerdict(StreamResult.INFECTED, "Fake.Malware")}
        self.streams: list[int] = []  # bytes of each
        self._lock = threading.Lock()

    def scan(self, chunks: Iterable[bytes | memoryview]) -> StreamVerdict:
        """Look at the whole stream at once. Raises ScannerUnavailableError while ``down``."""
        if self.down:
            raise ScannerUnavailableError("The virus scanner cannot be reached.")
        data = b"".join(chunks)
        with self._lock:
            self.streams.append(len(data))
        return next((verdict for word, verdict in self.answers.items() if word in data), CLEAN)

    def engine(self) -> Engine:
        """Name the engine. Raises ScannerUnavailableError while ``down``."""
        if self.down:
            raise ScannerUnavailableError("The virus scanner cannot be reached.")
        return Engine("Fake 1.0", "1", datetime.now(UTC))


class FakeQueue:
    """Keeps the bells that were rung, in order. ``down``: nobody hears."""

    def __init__(self) -> None:
        self.down = False
        self.rung: list[tuple[JobName, str]] = []
        self.listening = dict.fromkeys(QueueName, 1)
        self.broken: dict[str, FailedJob] = {}  # by id

    def enqueue(self, job: JobName, argument: str) -> None:
        """Keep it. Raises DependencyError while ``down``."""
        self.check()
        self.rung.append((job, argument))

    def waiting(self, job: JobName) -> int:
        """Count the bells in the job's queue. Raises DependencyError while ``down``."""
        self.check()
        return sum(QUEUE_OF[rung] is QUEUE_OF[job] for rung, _ in self.rung)

    def workers(self) -> dict[QueueName, int]:
        """Return ``listening``. Raises DependencyError while ``down``."""
        self.check()
        return dict(self.listening)

    def queues(self) -> dict[QueueName, QueueState]:
        """Count the bells of each queue; ``broken`` jobs failed. Raises DependencyError while ``down``."""
        self.check()
        return {name: self._state(name) for name in QueueName}

    def _state(self, name: QueueName) -> QueueState:
        failed = [job for job in self.broken.values() if job.queue is name]
        depth = sum(QUEUE_OF[job] is name for job, _ in self.rung)
        return QueueState(depth, 7.0 if depth else None, len(failed), failed)

    def crew(self) -> list[WorkerState]:
        """Name one worker for each that listens. Raises DependencyError while ``down``."""
        self.check()
        return [
            WorkerState(f"{name}-{number}", name, "idle", None, None)
            for name, count in self.listening.items()
            for number in range(count)
        ]

    def server(self) -> QueueServer:
        """Name a server. Raises DependencyError while ``down``."""
        self.check()
        return QueueServer("8.0.0", 1_500_000, 0)

    def failed(self, job_id: str) -> FailedJob:
        """Return one of ``broken``. Raises NotFoundError; DependencyError while ``down``."""
        self.check()
        if job_id not in self.broken:
            raise NotFoundError("No such job has failed lately.")
        return self.broken[job_id]

    def forget(self, job_id: str) -> None:
        """Drop one of ``broken``. Raises DependencyError while ``down``."""
        self.check()
        self.broken.pop(job_id, None)

    def check(self) -> None:
        """Raises DependencyError while ``down``."""
        if self.down:
            raise DependencyError("The job queue is away.")


class FakeMailer:
    """Keeps the mails that were sent; raises ``error`` instead while there is one."""

    def __init__(self) -> None:
        self.error: PortalError | None = None
        self.sent: list[Message] = []

    def send(self, message: Message) -> None:
        """Keep it, or raise ``error``."""
        if self.error:
            raise self.error
        self.sent.append(message)


class FakeFetcher:
    """Gives what lies in ``pages``, by address; raises FetchError for any other. ``asked``: in order."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes] = {}
        self.asked: list[str] = []

    def get(self, url: str, bearer: str | None = None) -> Fetched:  # noqa: ARG002  # the port's
        """Return the page."""
        self.asked.append(url)
        if url not in self.pages:
            raise FetchError("Nobody is there.")
        return Fetched(200, self.pages[url])

    def post(self, url: str, form: str, headers: Mapping[str, str]) -> Fetched:  # noqa: ARG002  # the port's
        """Return the page, whatever is sent."""
        return self.get(url)


CLEAN = StreamVerdict(StreamResult.CLEAN)
