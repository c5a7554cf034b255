"""The portal's own processes, run against given services: for `make run` and for end-to-end tests."""

import http.client
import secrets
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import redis

from app.cli.dev import ROOT
from app.cli.dev.ports import free_port
from app.cli.dev.postgres import LOGIN, portal_url
from app.cli.dev.process import Group, Process
from app.cli.dev.services import Services
from app.domain.jobs import QueueName
from app.settings import Settings


class Application(Group):
    """web, scan, deliver and scheduler, to be reached at `url`; data and logs go under `directory`.

    `settings` are DIAGPORT_ variables that shall differ from what follows from `services`, for
    example a DIAGPORT_DATABASE_URL of a test's own. The database must have been migrated.
    """

    def __init__(
        self,
        services: Services,
        directory: Path,
        *,
        port: int | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            "DIAGPORT_ENVIRONMENT": "development",
            "DIAGPORT_SECRET_KEY": secrets.token_urlsafe(48),
            "DIAGPORT_BASE_URL": self.url,
            "DIAGPORT_BIND": f"127.0.0.1:{self.port}",
            "DIAGPORT_DATABASE_URL": portal_url(services.database_url),
            "DIAGPORT_MIGRATION_URL": services.database_url,
            "DIAGPORT_DATABASE_LOGIN": LOGIN,
            "DIAGPORT_REDIS_URL": services.redis_url,
            "DIAGPORT_CLAMD_ADDRESS": services.clamd_address,
            "DIAGPORT_STORAGE_ROOT": str(directory / "storage"),
            "DIAGPORT_SMTP_HOST": "127.0.0.1",
            "DIAGPORT_SMTP_PORT": str(services.smtp_port),
            **(settings or {}),
        }
        self.storage = Path(self.environment["DIAGPORT_STORAGE_ROOT"])
        self.storage.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._logs = directory / "log"
        web = self.python("web", "-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app")
        web.ready = lambda: self.get("/healthz")[0] == http.HTTPStatus.OK
        workers = [self._worker(queue) for queue in QueueName]
        super().__init__([web, *workers, self.python("scheduler", "worker.py", "scheduler")])

    def python(self, name: str, *arguments: str | Path) -> Process:
        """Describe a Python program run with the portal's environment, in the repository."""
        return Process(
            name,
            [sys.executable, *arguments],
            self._logs / f"{name}.log",
            environment=self.environment,
            directory=ROOT,
            death_signal=signal.SIGKILL,  # its services die too: there is nothing left to finish
        )

    def settings(self) -> Settings:
        """Return what the portal's processes read from their environment."""
        given = ((name.removeprefix("DIAGPORT_").lower(), value) for name, value in self.environment.items())
        return Settings.model_validate(
            {name: value for name, value in given if name in Settings.model_fields}
        )

    def _worker(self, queue: QueueName) -> Process:
        worker = self.python(queue, "worker.py", queue)
        worker.ready = lambda: self._registered(queue, worker.pid)
        return worker

    def _registered(self, queue: QueueName, pid: int) -> bool:
        """Say whether RQ lists the worker by its process id; a killed one stays listed for a while."""
        url = self.environment["DIAGPORT_REDIS_URL"]
        try:
            with redis.Redis.from_url(url, decode_responses=True) as connection:
                workers = connection.smembers(f"rq:workers:{queue}")
                return any(connection.hget(worker, "pid") == str(pid) for worker in workers)
        except redis.RedisError:
            return False

    def get(self, path: str) -> tuple[int, bytes]:
        """Return status and body of the portal's answer to a GET; status 0 when there is none."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path, headers={"Accept": "application/json"})
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            connection.close()
