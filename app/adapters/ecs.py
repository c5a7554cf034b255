"""Protection of the ECS task that we run in: neither scaling in nor a release ends it meanwhile.

The agent's endpoint is ``$ECS_AGENT_URI/task-protection/v1/state``, a PUT of JSON; the task's role needs
``ecs:UpdateTaskProtection``.
"""

import json
import time
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from app.log import get_logger

log = get_logger(__name__)

MINUTES = 3  # that it lasts each time
_EVERY = 60.0  # seconds between two times
_TIMEOUT = 2.0  # seconds; the agent is on this very host
_MOST = 2000  # bytes of an answer that are logged


class TaskProtection:
    """Asks for protection whenever `renew` is called, once a minute at most.

    It is never given up: other containers of the task may be at work, and none knows of the others. Left
    alone it lapses by itself. A failure is logged once, and changes nothing: a scan that is cut short is
    handed on (docs/deploy/releases.md).
    """

    def __init__(self, agent: str) -> None:
        """Talk to the ECS agent at the URL ``agent``. Raises ValueError: that is none."""
        if urlsplit(agent).scheme not in {"http", "https"}:
            raise ValueError(f"ECS_AGENT_URI must be an address: {agent}")
        self._url = f"{agent.rstrip('/')}/task-protection/v1/state"
        # Whatever proxy leads out into the world: the agent is not out there.
        self._opener = build_opener(ProxyHandler({}))
        self._asked_at = float("-inf")
        self._failed = False

    def renew(self) -> None:
        """Ask for `MINUTES` from now on. Returns within seconds, whatever comes of it."""
        now = time.monotonic()
        if now - self._asked_at < _EVERY:
            return
        self._asked_at = now
        body = json.dumps({"ProtectionEnabled": True, "ExpiresInMinutes": MINUTES}).encode()
        request = Request(self._url, body, {"Content-Type": "application/json"}, method="PUT")  # noqa: S310
        try:
            with self._opener.open(request, timeout=_TIMEOUT) as answer:
                refused = _failure(answer.read(_MOST))
        except HTTPError as error:
            refused = f"{error}: {error.read(_MOST)!r}"
        except (OSError, HTTPException) as error:
            refused = str(error)
        if refused and not self._failed:
            log.warning("task_not_protected", why=refused)
        self._failed = bool(refused)


def _failure(answer: bytes) -> str:
    """Return what the agent has against it, in a 200 of its own; empty if nothing."""
    try:
        failure = json.loads(answer).get("failure")
    except (ValueError, AttributeError):  # no JSON, or no object
        return f"the agent answers {answer!r}"
    return json.dumps(failure) if failure else ""
