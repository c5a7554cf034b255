"""Logging: one JSON object a line on stdout, with request_id, job_id and actor bound."""

import logging
import sys

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

_SECRET_WORDS = ("password", "token", "secret", "authorization", "cookie")


def _redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    for key in event:
        if any(word in key.lower() for word in _SECRET_WORDS):
            event[key] = "[redacted]"
    return event


def configure(level: str = "INFO", deployment: str = "") -> None:
    """Send everything, the libraries' records included, through one JSON renderer.

    Every line names the ``deployment``, if there is one, as ``environment``, as metrics do.
    """

    def name_deployment(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {"environment": deployment, **event} if deployment else event

    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        name_deployment,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(default=str),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)


def get_logger(name: str) -> FilteringBoundLogger:
    """Return the logger of a module."""
    logger: FilteringBoundLogger = structlog.get_logger(name)
    return logger


bind = structlog.contextvars.bind_contextvars
bound = structlog.contextvars.bound_contextvars
unbind_all = structlog.contextvars.clear_contextvars
