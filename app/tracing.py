"""Traces, from request to job to scanner, for an OpenTelemetry collector (OTLP over HTTP).

Where no endpoint is set nothing is imported for it, and every call here does nothing. Spans
carry ids, sizes and verdicts: no query strings, names of files or people, or texts of errors.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from mmap import mmap
from struct import Struct
from time import monotonic
from typing import TYPE_CHECKING, Final

from app import log as logs

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.trace import Span as OtelSpan

#: Longest that one attempt to reach the collector may take where somebody waits for it, seconds. Less than
#: the exporter's first pause, so that there is no second attempt.
HURRIED: Final = 0.7
_PATIENT: Final = 3.0  # where nobody does but a process that is told to stop
_QUEUE: Final = 2048  # spans that wait; more are dropped
_QUIET: Final = 60.0  # seconds between two words about a collector that is away
_REST: Final = 30.0  # seconds in which forks do not try one again that did not answer
_TIME: Final = Struct("d")

Value = str | int | float | bool


@dataclass(slots=True)
class _State:
    provider: "TracerProvider | None" = None
    failed_at: mmap | None = None  # by this host's monotonic clock; shared by forks


_state: Final = _State()


class Span:
    """What happens now. ``otel`` is None where nobody wants to know."""

    __slots__ = ("_otel",)

    def __init__(self, otel: "OtelSpan | None" = None) -> None:
        self._otel = otel

    def note(self, **values: Value | None) -> None:
        """Add attributes: ``size`` as ``diagport.size``, what has a dot as it is; not those that are None."""
        if self._otel is not None:
            for name, value in values.items():
                if value is not None:
                    self._otel.set_attribute(name if "." in name else f"diagport.{name}", value)

    def failed(self, kind: str) -> None:
        """Say that it went wrong, and by which kind of error."""
        if self._otel is not None:
            from opentelemetry.trace import StatusCode

            self._otel.set_status(StatusCode.ERROR)
            self._otel.set_attribute("error.type", kind)


_NOTHING: Final = Span()


def prepare() -> None:
    """Import what `start` needs, so that forks need not, and let them tell each other of failures."""
    import opentelemetry.exporter.otlp.proto.http.trace_exporter
    import opentelemetry.sdk.trace.export  # noqa: F401

    _state.failed_at = mmap(-1, _TIME.size)
    _state.failed_at[:] = _TIME.pack(-_REST)


def start(endpoint: str, role: str, environment: str, *, hurried: bool = False) -> None:
    """Send the spans of this process to a collector. After a fork, in the child: it has a thread.

    ``hurried``: somebody waits for `flush`, so a collector that does not answer is given up at once, and
    while it rests nothing is traced.
    """
    if _state.failed_at and monotonic() - _TIME.unpack(_state.failed_at[:])[0] < _REST:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult

    stop()
    logging.getLogger(OTLPSpanExporter.__module__).addFilter(_SELDOM)
    resource = {
        "service.name": f"diagport-{role}",
        "service.namespace": "diagport",
        "deployment.environment.name": environment,
    }
    _state.provider = TracerProvider(resource=Resource.create(resource))

    class Exporter(OTLPSpanExporter):
        def export(self, spans: "Sequence[ReadableSpan]") -> "SpanExportResult":
            result = super().export(spans)
            if _state.failed_at and result is not SpanExportResult.SUCCESS:
                _state.failed_at[:] = _TIME.pack(monotonic())
            return result

    exporter = Exporter(f"{endpoint}/v1/traces", timeout=HURRIED if hurried else _PATIENT)
    batch = _QUEUE if hurried else _QUEUE // 4
    _state.provider.add_span_processor(BatchSpanProcessor(exporter, _QUEUE, max_export_batch_size=batch))


def on() -> bool:
    """Whether anybody wants to know."""
    return _state.provider is not None


def flush() -> None:
    """Send what waits to be sent, before the process ends without a word. One that fails is no error."""
    if _state.provider is not None:
        _state.provider.force_flush()


def stop() -> None:
    """Send what waits to be sent, and begin no more spans."""
    provider, _state.provider = _state.provider, None
    if provider is not None:
        provider.shutdown()


@contextmanager
def span(name: str, parent: str | None = None, **values: Value | None) -> Iterator[Span]:
    """Say what happens within; ``parent`` (W3C traceparent) is of another process. See `Span.note`."""
    if _state.provider is None:
        yield _NOTHING
        return
    from opentelemetry.trace import format_trace_id
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier = {"traceparent": parent}
    context = TraceContextTextMapPropagator().extract(carrier) if parent else None
    tracer = _state.provider.get_tracer("diagport")
    with tracer.start_as_current_span(
        # messages of errors may hold anything
        name,
        context,
        record_exception=False,
        set_status_on_exception=False,
    ) as otel:
        began = Span(otel)
        began.note(**values)
        with logs.bound(trace_id=format_trace_id(otel.get_span_context().trace_id)):
            try:
                yield began
            except Exception as error:
                began.failed(type(error).__name__)
                raise


def traceparent() -> str | None:
    """Return what happens now as a W3C traceparent, for another process to go on with."""
    if _state.provider is None:
        return None
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return carrier.get("traceparent")


class _Seldom(logging.Filter):
    """Lets one word a minute through, as a warning: without its collector the portal works as well."""

    def __init__(self) -> None:
        super().__init__()
        self._last = -_QUIET

    def filter(self, record: logging.LogRecord) -> bool:
        if monotonic() - self._last < _QUIET:
            return False
        self._last = monotonic()
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        return True


_SELDOM: Final = _Seldom()
