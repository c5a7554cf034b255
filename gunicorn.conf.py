"""gunicorn: threads by the hundred, because a sender holds one for as long as its body lasts."""

import os
from typing import Any

from gunicorn.glogging import Logger  # type: ignore[import-untyped]

from app import log

bind = os.environ.get("DIAGPORT_BIND", "0.0.0.0:8000")  # in a container; `make run` sets loopback
worker_class = "gthread"
workers = int(os.environ.get("DIAGPORT_WEB_PROCESSES", "2"))
threads = int(os.environ.get("DIAGPORT_WEB_THREADS", "128"))
keepalive = 30
timeout = 120  # of a whole process that no longer beats, not of a request
graceful_timeout = 25  # seconds for requests under way when told to stop
backlog = 2048
forwarded_allow_ips = ""  # `DIAGPORT_PROXY_HOPS` decides what is believed, in ProxyFix
forwarder_headers = ""
control_socket_disable = True  # it would lie in the home directory, shared by every portal of the user
accesslog = None  # the application logs, with request ids
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108, PTH112
log.configure(os.environ.get("DIAGPORT_LOG_LEVEL", "INFO"))


class JsonLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's own words go the way of the application's."""

    def setup(self, cfg: Any) -> None:
        """Leave the writing to the root logger."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


logger_class = JsonLogger


def pre_request(worker: Any, req: Any) -> None:  # noqa: ARG001
    """Leave the answer to `Expect: 100-continue` to `app.web.connection`: a refusal costs no body."""
    req._expected_100_continue = False  # noqa: SLF001
