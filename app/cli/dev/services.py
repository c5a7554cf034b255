"""What the portal needs beside itself, started privately: for `make run` and for the tests."""

import shutil
import sys
import tempfile
from pathlib import Path

import redis

from app.cli.dev.account import account, private
from app.cli.dev.clamav import SYSTEM_SIGNATURES, clamav, freshclam, system_signatures
from app.cli.dev.ports import free_port, listens
from app.cli.dev.postgres import database_url, postgres
from app.cli.dev.process import Group, Process, program

SOCKET_ROOM = 80  # of the 107 bytes that a socket's path may have; the rest is for names below
MAIL_PORT = 8025


class Services(Group):
    """redis, clamd, mail and postgres under `directory`, reachable from this machine alone.

    Addresses stay the same from start to end, data from run to run. `fast` is for tests: no safety
    against power cuts, EICAR's signature alone, any free ports. `names` takes a part only::

        with Services(tmp_path, fast=True, names=("redis",)) as services:
            services["redis"].kill()

    Raises:
        ProcessFailedError: one is not installed, or did not start.
    """

    def __init__(self, directory: Path, *, fast: bool = False, names: tuple[str, ...] = ()) -> None:
        self.directory = directory.resolve()
        self.directory.mkdir(parents=True, exist_ok=True)
        self._sockets = self.directory / "sockets"
        self._far_sockets = len(bytes(self._sockets)) > SOCKET_ROOM
        if self._far_sockets:
            self._sockets = Path(tempfile.mkdtemp(prefix="diagport-"))
            self._sockets.chmod(0o711)  # each service may enter its own directory below
        self.database_url = database_url(self._sockets / "postgres")
        self.redis_url = f"unix://{self._sockets}/redis/redis.sock"
        self.clamd_socket = self._sockets / "clamd" / "clamd.sock"
        self.clamd_address = f"unix:{self.clamd_socket}"
        self.smtp_port = free_port()
        self.mail_port = free_port(None if fast else MAIL_PORT)
        self.mail_url = f"http://127.0.0.1:{self.mail_port}"
        logs, scanner = self.directory / "log", self.directory / "clamav"
        borrowed = not fast and system_signatures()
        signatures = SYSTEM_SIGNATURES if borrowed else scanner / "signatures"
        fetched = not fast and not borrowed
        self.freshclam = freshclam(scanner, logs / "freshclam.log", signatures) if fetched else None
        everything = [
            self._redis(logs / "redis.log"),
            clamav(scanner, self.clamd_socket, logs / "clamd.log", signatures),
            self._mail(logs / "mail.log"),
            postgres(self.directory, self._sockets / "postgres", logs / "postgres.log", fast=fast),
        ]
        super().__init__(process for process in everything if not names or process.name in names)

    def _redis(self, log: Path) -> Process:
        data, sockets = self.directory / "redis", self._sockets / "redis"
        owner = account("redis", self.directory)

        def prepare() -> None:
            private(data, owner)
            private(sockets, owner)

        options: list[str | Path] = ["--port", "0", "--unixsocket", sockets / "redis.sock", "--dir", data]
        options += ["--appendonly", "yes", "--save", "", "--maxmemory-policy", "noeviction"]
        return Process(
            "redis",
            [program("redis-server"), *options],
            log,
            ready=self._redis_answers,
            account=owner,
            prepare=prepare,
        )

    def _redis_answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.redis_url) as connection:
                return bool(connection.ping())
        except redis.RedisError:
            return False

    def _mail(self, log: Path) -> Process:
        sink = Path(__file__).with_name("mailsink.py")
        ports = [str(self.smtp_port), str(self.mail_port)]
        return Process(
            "mail",
            [sys.executable, "-P", sink, self.directory / "mail", *ports],
            log,
            ready=lambda: listens(self.smtp_port) and listens(self.mail_port),
        )

    def stop(self) -> None:
        super().stop()
        if self._far_sockets:
            shutil.rmtree(self._sockets, ignore_errors=True)
