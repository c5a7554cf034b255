"""The local stack with the real PostgreSQL, Redis, clamd, mail sink and portal."""

import http.client
import json
import os
import signal
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

import clamd
import psutil
import psycopg
import pytest
import redis

from app.cli.dev import ROOT
from app.cli.dev.clamav import finds_eicar
from app.cli.dev.lock import stop, take
from app.cli.dev.ports import free_port
from app.cli.dev.process import Process
from app.cli.dev.services import Services


def eventually(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "that did not happen in time"
        time.sleep(0.02)


def restart_after_crash(process: Process) -> None:
    process.kill()
    assert not process.running
    process.start()
    process.wait_ready()


def sql(services: Services, statement: str) -> list[tuple[object, ...]]:
    url = services.database_url.replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def send(services: Services, subject: str) -> None:
    message = EmailMessage()
    message["Subject"] = subject
    message.set_content("Häh? https://portal.test/")
    with smtplib.SMTP("127.0.0.1", services.smtp_port, timeout=10) as smtp:
        smtp.send_message(message, "portal@x.test", ["ann@x.test"])


def caught(services: Services) -> list[dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", services.mail_port, timeout=10)
    try:
        connection.request("GET", "/messages")
        messages: list[dict[str, str]] = json.loads(connection.getresponse().read())
        return messages
    finally:
        connection.close()


def test_what_was_stored_survives_crashes_and_the_next_run(tmp_path: Path) -> None:
    with Services(tmp_path, fast=True, names=("redis", "mail", "postgres")) as services:
        sql(services, "CREATE TABLE kept AS SELECT 42 AS answer")
        with redis.Redis.from_url(services.redis_url) as connection:
            connection.set("kept", "42")
        send(services, "Kept")
        for process in services:
            restart_after_crash(process)
        assert sql(services, "SELECT answer FROM kept") == [(42,)]
        assert [mail["subject"] for mail in caught(services)] == ["Kept"]
    assert not any(process.running for process in services)

    with Services(tmp_path, fast=True, names=("redis", "mail", "postgres")) as services:
        assert sql(services, "SELECT answer FROM kept") == [(42,)]
        with redis.Redis.from_url(services.redis_url) as connection:
            assert connection.get("kept") == b"42"
        send(services, "Newer")
        newest = caught(services)[-1]
        assert (newest["to"], newest["subject"]) == ("ann@x.test", "Newer")
        assert newest["text"].strip() == "Häh? https://portal.test/"


def test_clamd_finds_eicar_and_admits_to_know_nothing_else(tmp_path: Path) -> None:
    with Services(tmp_path, fast=True, names=("clamd",)) as services:
        assert finds_eicar(services.clamd_socket)
        assert "/" not in clamd.ClamdUnixSocket(str(services.clamd_socket)).version()
        leftover = services.directory / "clamav" / "tmp" / "half-scanned"
        leftover.touch()
        restart_after_crash(services["clamd"])
        assert finds_eicar(services.clamd_socket)
        assert not leftover.exists()


def test_sockets_of_a_deep_directory_lie_elsewhere(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    with Services(deep, fast=True, names=("redis",)) as services:
        elsewhere = Path(services.clamd_address.removeprefix("unix:")).parents[1]
        assert not elsewhere.is_relative_to(tmp_path)
    assert not elsewhere.exists()


def make_run(directory: Path, port: int, output: Path) -> "subprocess.Popen[bytes]":
    """Do what `make run` does, without make and elsewhere."""
    command = [sys.executable, "-m", "app.cli.dev", "run", "--port", str(port)]
    command += ["--directory", str(directory)]
    with output.open("wb") as file:
        return subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=file)


class Stack:
    """A running stack in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self.output = directory / "output"
        self.start()

    def start(self) -> None:
        self.popen = make_run(self.directory, self.port, self.output)
        eventually(lambda: self.said(f"Ready: http://127.0.0.1:{self.port}\n"), 90)

    def said(self, text: str) -> bool:
        """Say whether it printed `text`; fails when it ended without."""
        output = self.output.read_text()
        assert text in output or self.popen.poll() is None, output
        return text in output

    def below(self) -> list[psutil.Process]:
        return psutil.Process(self.popen.pid).children(recursive=True)

    def scan_worker(self) -> psutil.Process | None:
        return next((each for each in self.below() if each.cmdline()[-2:] == ["worker.py", "scan"]), None)


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    stack = Stack(tmp_path)
    yield stack
    stop(tmp_path)
    stack.popen.wait(60)
    os.close(take(tmp_path / "children.lock", wait=30))


def gone(processes: list[psutil.Process]) -> bool:
    return all(not each.is_running() or each.status() == psutil.STATUS_ZOMBIE for each in processes)


def test_the_stack_runs_alone_restarts_what_dies_and_leaves_nothing(stack: Stack) -> None:
    output = stack.directory / "second"
    assert make_run(stack.directory, stack.port, output).wait(30) == 1
    assert "already running" in output.read_text()

    demo = stack.directory / "demo.json"
    assert demo.stat().st_mode & 0o777 == 0o600
    assert json.loads(demo.read_text())["url"] == f"http://127.0.0.1:{stack.port}"

    worker = stack.scan_worker()
    assert worker is not None
    worker.kill()
    eventually(lambda: stack.said("scan ended"))
    eventually(lambda: stack.scan_worker() is not None)

    below = stack.below()
    stack.popen.send_signal(signal.SIGINT)
    assert stack.popen.wait(60) == 0
    assert gone(below)


def test_a_killed_supervisor_leaves_no_orphan_and_the_next_one_takes_over(stack: Stack) -> None:
    below = stack.below()
    key = (stack.directory / "secret.key").read_text()
    stack.popen.kill()
    stack.popen.wait()
    stack.start()
    assert gone(below)
    assert (stack.directory / "secret.key").read_text() == key


def test_a_taken_port_is_said(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        output = tmp_path / "output"
        assert make_run(tmp_path, taken.getsockname()[1], output).wait(60) == 1
    assert "is taken by another program" in output.read_text()
    assert "Traceback" not in output.read_text()
