"""gunicorn: threads by the hundred, because a sender holds one for as long as its body lasts.

- Processes: one per core. Hashing and writing release the interpreter's lock, but each of the many
  small steps of a page waits for it behind all senders of its process, so senders are spread.
- Threads: a waiting one costs about 0.3 MB, its buffer once it receives up to 1 MiB more. All but
  `DIAGPORT_WEB_RESERVED_THREADS` may receive bodies; the surplus is told so and when to come again
  (`app.web.open_bodies`), which takes a reserved thread for milliseconds.
- Connections: whoever has said nothing yet is left in the kernel, kept-alive ones wait without a
  thread, refused senders are seen off by one thread for all (`app.web.lingering`).
- The end (docs/deploy/releases.md): told to stop, a process takes no more connections, lets go of those
  that can go on elsewhere, and gives the others `DIAGPORT_GRACEFUL_TIMEOUT` seconds.
"""

import ctypes
import os
import resource
import socket
import struct
import time
from typing import Any

from gunicorn.glogging import Logger  # type: ignore[import-untyped]
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

from app import log

# glibc gives every few threads a heap of their own, and so keeps what many of them once needed. Two are
# enough where bytes lie in buffers and hashing lets go of the GIL (mallopt(3), M_ARENA_MAX).
if hasattr(libc := ctypes.CDLL(None), "mallopt"):
    libc.mallopt(-8, 2)

bind = os.environ.get("DIAGPORT_BIND", "0.0.0.0:8000")  # in a container; `make run` sets loopback
workers = int(os.environ.get("DIAGPORT_WEB_PROCESSES") or max(2, len(os.sched_getaffinity(0))))
threads = int(os.environ.get("DIAGPORT_WEB_THREADS", "256"))  # as `Settings.web_threads`
worker_connections = 4096  # of one process: bodies, pages, and those that are kept alive
# Longer than whatever is in front keeps an idle connection: then it is never we who close one that it is
# just about to use, which its client would see as a 502. Idle ones cost a descriptor and a few kB.
keepalive = int(os.environ.get("DIAGPORT_KEEPALIVE", "125"))  # as `Settings.keepalive`
timeout = 120  # of a whole process that no longer beats, not of a request
graceful_timeout = int(os.environ.get("DIAGPORT_GRACEFUL_TIMEOUT", "110"))  # as `Settings.graceful_timeout`
backlog = 2048
forwarded_allow_ips = ""  # `DIAGPORT_PROXY_HOPS` decides what is believed, in ProxyFix
forwarder_headers = ""
control_socket_disable = True  # it would lie in the home directory, shared by every portal of the user
accesslog = None  # the application logs, with request ids
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108, PTH112
_deployment = os.environ.get("DIAGPORT_DEPLOYMENT") or os.environ.get("DIAGPORT_ENVIRONMENT", "production")
log.configure(os.environ.get("DIAGPORT_LOG_LEVEL", "INFO"), _deployment)  # as `Settings.deployment`

_SILENT_HEAD = 10  # seconds that a request may stop in the middle of its head

# A connection takes a descriptor, its body's file another; the usual soft limit of 1,024 is too few.
_, _most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (_most_files, _most_files))


class JsonLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's own words go the way of the application's."""

    def setup(self, cfg: Any) -> None:
        """Leave the writing to the root logger."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


logger_class = JsonLogger


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """A threaded worker that closes its door when it is told to stop.

    gunicorn's own leaves the listening socket open for as long as requests are under way: whoever
    connects meanwhile waits for nobody. A refused connection, a proxy tries elsewhere at once.
    """

    def set_accept_enabled(self, enabled: bool) -> None:
        """Listen, or not; once told to stop, never again."""
        super().set_accept_enabled(enabled)
        if enabled or self.alive or self.wsgi.extensions["diagport.bodies"].stopping:
            return
        self.wsgi.extensions["diagport.bodies"].stop(self.cfg.graceful_timeout)
        for listener in self.sockets:
            before = -1
            while self.nr_conns != before:  # who has connected already is served
                before = self.nr_conns
                self.accept(listener)
            listener.close()

    def murder_pending(self) -> None:
        """Wait for a first word only as long as for the rest of a head, however long kept ones may wait."""
        latest = time.monotonic() + _SILENT_HEAD
        for connection in reversed(self.pending_conns):  # the newest first
            if connection.timeout <= latest:
                break
            connection.timeout = latest
        super().murder_pending()


worker_class = Worker


def when_ready(server: Any) -> None:
    """Let connections cost no thread before they say something, nor for long if they then stop (tcp(7)).

    What is set here, every connection inherits; while a body arrives other timeouts count.
    """
    for listener in server.LISTENERS:
        if listener.sock.family in {socket.AF_INET, socket.AF_INET6}:
            listener.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, _SILENT_HEAD)
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", _SILENT_HEAD, 0))


def pre_request(worker: Any, req: Any) -> None:  # noqa: ARG001
    """Leave the answer to `Expect: 100-continue` to `app.web.connection`: a refusal costs no body."""
    req._expected_100_continue = False  # noqa: SLF001
