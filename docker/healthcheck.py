"""Says by its exit code whether this container does its work: `healthcheck.py [ROLE]`.

- web answers /healthz with 200;
- every other role (the word after `worker.py`) has touched ``ROLE.heartbeat`` in the directory
  DIAGPORT_HEARTBEATS lately: a loop that turns does, whether or not Redis or the database is there.

Without ROLE it is found in the command of process 1. Imports nothing of the application and needs
no packages: what is broken there must not look healthy here.
"""

import http.client
import os
import sys
import time
from pathlib import Path

STALE = 300.0  # seconds; a long job beats every 30, a test of a scanner that hangs takes longer
PATIENCE = 4.0  # seconds for the web's answer; whoever runs this waits for five


def role_of(command: bytes) -> str:
    """Return the role in what /proc/PID/cmdline holds: words that each end with a zero byte."""
    words = command.decode(errors="replace").split("\0")
    for place, word in enumerate(words[:-1]):
        if word.endswith("worker.py"):
            return words[place + 1]
    return "web"


def web_answers(bind: str) -> bool:
    """Ask the web that listens at ``bind``, ``ADDRESS:PORT``, on this host."""
    connection = http.client.HTTPConnection("127.0.0.1", int(bind.rpartition(":")[2]), timeout=PATIENCE)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def beats(role: str, directory: str) -> bool:
    """Whether the file of ``role`` was touched within STALE seconds."""
    try:
        touched = (Path(directory) / f"{role}.heartbeat").stat().st_mtime
    except OSError:
        return False
    return time.time() - touched < STALE


def main() -> int:
    """Return 0 if all is well, 1 if not; the line that it prints is kept by the container's engine."""
    role = sys.argv[1] if len(sys.argv) > 1 else role_of(Path("/proc/1/cmdline").read_bytes())
    if role == "web":
        well = web_answers(os.environ.get("DIAGPORT_BIND", "0.0.0.0:8000"))
    else:
        well = beats(role, os.environ.get("DIAGPORT_HEARTBEATS", ""))
    sys.stdout.write(f"{role}: {'well' if well else 'not well'}\n")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
