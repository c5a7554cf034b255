"""scripts/smoke.py against a portal that works, and against what is none. T1, T2."""

import hashlib
import http.server
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message

import pytest

from app.cli.dev import ROOT
from scripts.smoke import Answer, Portal, SmokeError, infected_upload
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


def test_where_something_must_be_sent_a_token_must_be_there(live: Live) -> None:
    done = smoke(live.url, "--must-send")
    assert done.returncode == 1
    assert "there is no SMOKE_TOKEN" in done.stderr


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


class Deaf(Portal):
    """Takes the bundle, finds no virus in it, and does not take it back."""

    def ask(self, method: str, path: str, body: bytes | None = None, *, signed: bool = False) -> Answer:
        assert signed, path
        said = {"id": "7", "sha256": hashlib.sha256(body or b"").hexdigest(), "state": "clean"}
        status = {"PUT": 201, "GET": 200, "DELETE": 500}[method]
        return Answer(status, Message(), json.dumps(said).encode())


def test_a_failure_is_not_hidden_by_the_next_one() -> None:
    """T1: that a virus was passed is what must be read first."""
    with pytest.raises(
        SmokeError, match=r"^7 became clean instead of infected; and then: DELETE .* answers 500"
    ):
        infected_upload(Deaf("http://127.0.0.1", "token"), 0.2)


def test_nobody_there_fails() -> None:
    done = smoke("http://127.0.0.1:9", "--patience", "0.2")
    assert done.returncode == 1
    assert "no answer" in done.stderr
