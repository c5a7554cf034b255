"""One trace from the request over the job to the scanner; what a collector that is away costs. F24."""

import json
import logging
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from app import tracing
from app.cli.dev import ROOT
from app.domain.jobs import QueueName
from tests.factories.bundles import make_tgz
from tests.live import Live, eventually
from tests.otlp import Collector, attributes, collector

NAMES = (
    "PUT /upload/<path:filename>",
    "seal upload",
    "scan upload",
    "scanner stream",
    "write verdict",
    "send message",
)


@pytest.fixture
def sink() -> Iterator[Collector]:
    with collector() as running:
        yield running
        tracing.stop()


def test_one_trace_from_the_request_to_the_scanner(sink: Collector, make_live: Callable[..., Live]) -> None:
    live = make_live(DIAGPORT_OTLP_ENDPOINT=sink.url)
    content = make_tgz({"etc/secret-member": b"web-01\n" * 999, "b": bytes(2_000_000)})
    upload = live.put(content, "secret-name.tgz?case=CS-SECRET")
    assert live.settled(upload["id"])["state"] == "clean"

    for name in NAMES:
        eventually(partial(sink.named, name), name, 20)
    (sealing,) = sink.named("seal upload")
    found = {name: sink.named(name, sealing.trace_id) for name in NAMES}
    assert all(found.values()), {name: len(spans) for name, spans in found.items()}
    (request,), (scan,) = found["PUT /upload/<path:filename>"], found["scan upload"]
    assert (sealing.parent_span_id, scan.parent_span_id) == (request.span_id, sealing.span_id)
    assert {span.parent_span_id for span in found["scanner stream"]} == {scan.span_id}
    said = attributes(request)
    assert said["http.request.method"] == "PUT"
    assert said["http.route"] == "/upload/<path:filename>"
    assert said["http.response.status_code"] == 201
    assert attributes(scan)["diagport.upload_id"] == upload["id"]
    assert attributes(scan)["diagport.verdict"] == "clean"
    streams = [attributes(span) for span in found["scanner stream"]]
    assert {stream["diagport.verdict"] for stream in streams} == {"clean"}
    assert sum(int(stream["diagport.bytes"]) for stream in streams) >= 2_000_000
    ((trace,),) = live.sql("SELECT trace FROM upload WHERE id = %s", upload["id"])
    assert trace.startswith(f"00-{sealing.trace_id.hex()}-{sealing.span_id.hex()}-")
    (record,) = [
        line
        for line in live.application[QueueName.SCAN].log.read_text().splitlines()
        if "scan_done" in line and upload["id"] in line
    ]
    assert json.loads(record)["trace_id"] == sealing.trace_id.hex()
    secrets = [b"secret", b"CS-SECRET", live.accounts["acme"]["email"].encode(), b"Bearer"]
    assert [secret for secret in secrets if secret in sink.raw] == []
    assert sink.named("GET /readyz") == sink.named("GET /metrics") == []


def test_errors_are_named_by_kind_and_not_in_their_words(sink: Collector) -> None:
    tracing.start(sink.url, "test", "development")

    def work() -> None:
        with tracing.span("work", size=3), tracing.span("inner"):
            raise ValueError("of customer Secret")

    with pytest.raises(ValueError, match="customer"):
        work()
    tracing.flush()
    (work,), (inner,) = sink.named("work"), sink.named("inner")
    assert inner.parent_span_id == work.span_id
    assert attributes(work) == {"diagport.size": 3, "error.type": "ValueError"}
    assert b"Secret" not in sink.raw


def test_records_name_the_trace(sink: Collector) -> None:
    from structlog.contextvars import get_contextvars

    tracing.start(sink.url, "test", "development")
    with tracing.span("work"):
        assert get_contextvars()["trace_id"] == (tracing.traceparent() or "").split("-")[1]
    assert "trace_id" not in get_contextvars()


@pytest.mark.parametrize("answers", [False, True])
def test_a_collector_that_is_away_costs_a_warning(answers: bool, caplog: pytest.LogCaptureFixture) -> None:
    """``answers``: somebody takes the connection and then says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        if not answers:
            server.close()
        tracing.start(f"http://127.0.0.1:{port}", "test", "development", hurried=True)
        tracing._SELDOM._last = -1e9
        begun = time.monotonic()
        for _ in range(3):
            with tracing.span("work"):
                pass
        tracing.flush()
        tracing.flush()
        tracing.stop()
        assert time.monotonic() - begun < 4 * tracing.HURRIED
    said = [record for record in caplog.records if record.name.startswith("opentelemetry")]
    assert [record.levelno for record in said] == [logging.WARNING]


def test_forks_do_not_ask_one_by_one_for_a_collector_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "_state", tracing._State())
    tracing.prepare()
    for may in (True, False):
        tracing.start("http://127.0.0.1:1", "test", "development", hurried=True)
        assert tracing.on() is may
        with tracing.span("work"):
            pass
        tracing.stop()
    monkeypatch.setattr(tracing, "_REST", 0.0)
    tracing.start("http://127.0.0.1:1", "test", "development", hurried=True)
    assert tracing.on()
    tracing.stop()


def test_without_an_endpoint_nothing_of_it_is_imported() -> None:
    """T5: memory that every web process would pay. redis itself takes a part of the SDK if it finds it."""
    code = (
        "import sys, app.web, app.bootstrap, app.jobs.worker;"
        "print(any(name.startswith(('opentelemetry.exporter', 'google.protobuf')) for name in sys.modules))"
    )
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert out.stdout == "False\n"
    with tracing.span("work", size=1) as span:
        span.note(more=2)
        assert tracing.traceparent() is None
