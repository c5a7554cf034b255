"""A person at a server's console: pastes lines, and types what they ask for."""

import os
import pty
import select
import subprocess
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path

from tests.live import Live

SECONDS = 90


def paste(
    lines: str, directory: Path, environment: Mapping[str, str], answers: Mapping[str, str] | None = None
) -> str:
    """Run lines in a shell on a terminal of its own; return all that was shown there.

    Args:
        lines: as on the page.
        directory: where, and the home.
        environment: on top of PATH and HOME.
        answers: what to type when the terminal shows so, each once, in this order.

    Raises:
        AssertionError: it failed, asked for nothing that was expected, or did not end.
    """
    ours, its = pty.openpty()
    with closing(os.fdopen(ours, "rb", buffering=0)) as screen:
        shell = subprocess.Popen(
            ["setsid", "--ctty", "--wait", "bash", "-ec", lines],
            cwd=directory,
            env={"PATH": os.environ["PATH"], "HOME": str(directory), "TERM": "dumb", **environment},
            stdin=its,
            stdout=its,
            stderr=its,
        )
        os.close(its)
        shown = _type(screen.fileno(), list((answers or {}).items()))
        code = shell.wait(SECONDS)
    assert code == 0, f"{lines}\n{shown}"
    return shown


def _type(terminal: int, answers: list[tuple[str, str]]) -> str:
    shown, seen, deadline = "", 0, time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        piece = b""
        with suppress(OSError):  # everybody has left
            piece = os.read(terminal, 65536)
        if not piece:
            assert not answers, f"never asked: {answers}\n{shown}"
            return shown
        shown += piece.decode(errors="replace")
        if answers and answers[0][0] in shown[seen:]:
            os.write(terminal, f"{answers.pop(0)[1]}\n".encode())
            seen = len(shown)
    raise AssertionError(f"It did not end in {SECONDS} s:\n{shown}")


def make_ticket(live: Live, case: str) -> tuple[str, str]:
    """Make a ticket through the API; return its id and what is typed."""
    organisation = live.accounts["acme"]["organisation"]
    made = live.request(
        "POST", "/api/v1/cases", "engineer", json={"organisation": organisation, "reference": case}
    )
    assert made.status_code == 201, made.text
    ticket = live.request("POST", f"/api/v1/cases/{made.json()['id']}/tickets", "engineer", json={})
    assert ticket.status_code == 201, ticket.text
    return ticket.json()["id"], ticket.json()["code"]
