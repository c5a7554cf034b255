"""Web tasks and workers that a release replaces, one after the other."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection

from app.cli.dev.ports import free_port
from app.cli.dev.process import Process
from app.domain.jobs import QueueName
from tests.faults.lab import Lab
from tests.faults.nginx import Nginx
from tests.live import eventually


@dataclass
class Task:
    """One web task at ``port``."""

    process: Process
    port: int


class Fleet:
    """Two web tasks behind nginx, two workers for scans, one of everything else."""

    def __init__(self, make_lab: Callable[..., Lab], nginx: Nginx) -> None:
        self.nginx = nginx
        self.lab = make_lab(
            DIAGPORT_BASE_URL=nginx.url, DIAGPORT_PROXY_HOPS="1", DIAGPORT_GRACEFUL_TIMEOUT="40"
        )
        self.live = self.lab.live
        self._number = 0
        self._started: list[Process] = []
        self.tasks = [Task(self.lab["web"], self.live.application.port), self.new_task()]
        nginx.point_at(task.port for task in self.tasks)
        self.live.url, self.live.application.port = nginx.url, nginx.port
        self.workers = [
            (self.lab["scan"], QueueName.SCAN),
            (self.new_worker(QueueName.SCAN), QueueName.SCAN),
            (self.lab["deliver"], QueueName.DELIVER),
        ]

    def _start(self, name: str, *argv: str, **environment: str) -> Process:
        self._number += 1
        process = self.live.application.python(f"{name}-{self._number}", *argv)
        process.environment = {**process.environment, **environment}
        self._started.append(process)
        process.start()
        return process

    def new_task(self) -> Task:
        port = free_port()
        argv = ("-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app")
        task = Task(self._start("web", *argv, DIAGPORT_BIND=f"127.0.0.1:{port}"), port)
        eventually(lambda: healthy(port), "a healthy task", 30)
        return task

    def new_worker(self, queue: QueueName) -> Process:
        worker = self._start(queue, "worker.py", queue)
        eventually(lambda: self.live.application._registered(queue, worker.pid), "a worker that listens", 30)
        return worker

    def replace(self, old: Task, meanwhile: Callable[[], None], *, tell: bool) -> None:
        """Start another task, and end the old one: taken off nginx's list before, if it is told."""
        new = self.new_task()
        self.tasks.append(new)
        self.nginx.point_at(task.port for task in self.tasks)
        self.tasks.remove(old)
        if tell:
            self.nginx.point_at(task.port for task in self.tasks)
        old.process.ask_to_stop()
        meanwhile()
        ends_well(old.process)
        if not tell:
            self.nginx.point_at(task.port for task in self.tasks)

    def replace_workers(self) -> None:
        for old, queue in self.workers:
            self.new_worker(queue)
            old.ask_to_stop()
            ends_well(old)

    def close(self) -> None:
        for process in self._started:
            process.ask_to_stop()
        for process in self._started:
            process.stop()


def healthy(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


def ends_well(process: Process) -> None:
    assert process.popen
    assert process.popen.wait(40) == 0, process.log.read_text()[-2000:]
