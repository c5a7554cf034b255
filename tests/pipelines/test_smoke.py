"""scripts/smoke.py against a portal that works, and against what is none. T1, T2."""

import http.server
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from app.cli.dev import ROOT
from tests.live import Live


def smoke(url: str, *more: str, token: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / "smoke.py"), url, *more]
    environment = {**os.environ, "SMOKE_TOKEN": token}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100, check=False)


def test_a_working_portal_passes(live: Live) -> None:
    """T1, T2: a clean bundle comes back, the test virus is found, withheld and taken back."""
    done = smoke(live.url, "--patience", "60", token=live.accounts["globex"]["token"])
    assert done.returncode == 0, done.stderr
    assert "healthy, sign-in page, closed doors, clean upload" in done.stdout
    sent = dict(re.findall(r"(clean|infected) upload ([0-9a-f-]{36})", done.stdout))
    assert live.get(f"/api/v1/uploads/{sent['clean']}", "admin").json()["state"] == "clean"
    assert live.get(f"/api/v1/uploads/{sent['infected']}", "admin").json()["state"] == "deleted"


def test_without_a_token_nothing_is_sent(live: Live) -> None:
    done = smoke(live.url)
    assert done.returncode == 0, done.stderr
    assert "nothing was sent" in done.stdout


def test_a_token_that_is_refused_fails(live: Live) -> None:
    done = smoke(live.url, token="dgp_of-nobody")
    assert done.returncode == 1
    assert "PUT /upload/smoke-clean.tgz answers 401" in done.stderr


@contextmanager
def something_else(pages: dict[str, tuple[int, bytes]]) -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = pages.get(self.path, (404, b""))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


HEALTHY = {"/healthz": (200, b"{}"), "/readyz": (200, b'{"status": "ready"}')}


@pytest.mark.parametrize(
    ("pages", "said"),
    [
        ({}, "/healthz answers 404"),
        ({"/healthz": (200, b"{}"), "/readyz": (200, b'{"status": "degraded"}')}, "/readyz says degraded"),
        ({"/healthz": (200, b"{}"), "/readyz": (503, b"{}")}, "/readyz answers 503"),
        (HEALTHY, "/sign-in answers 404"),
        ({**HEALTHY, "/sign-in": (200, b"Welcome to nginx")}, "/sign-in shows no form"),
        ({**HEALTHY, "/sign-in": (200, b"<form>csrf")}, "Content-Security-Policy"),
    ],
)
def test_what_is_no_portal_fails(pages: dict[str, tuple[int, bytes]], said: str) -> None:
    with something_else(pages) as url:
        done = smoke(url, "--patience", "0.2")
    assert done.returncode == 1
    assert said in done.stderr


def test_nobody_there_fails() -> None:
    done = smoke("http://127.0.0.1:9", "--patience", "0.2")
    assert done.returncode == 1
    assert "no answer" in done.stderr
