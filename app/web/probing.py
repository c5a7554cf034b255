"""Asking several things at once, each of which may be away: no page waits for the slowest."""

import threading
from collections.abc import Callable, Mapping
from contextvars import copy_context
from time import monotonic
from typing import Any, Final

from flask import current_app

from app.domain.errors import DependencyError, PortalError
from app.log import get_logger

log = get_logger(__name__)

#: Seconds that whoever asks waits, all in all.
PATIENCE: Final = 2.0


class _Question:
    """One call in a thread of its own. What hangs ends by itself, by the adapters' own patience."""

    def __init__(self, probe: Callable[[], Any]) -> None:
        self._probe = probe
        self._done = threading.Event()
        self._answer: Any = None
        context = copy_context()  # so that what it logs names the request
        threading.Thread(target=context.run, args=(self._ask,), name="probe", daemon=True).start()

    @property
    def over(self) -> bool:
        return self._done.is_set()

    def answer(self, seconds: float) -> Any:
        """Return what it said, or the error; one of ours if it says nothing within ``seconds``."""
        if not self._done.wait(seconds):
            return DependencyError("No answer in time.")
        return self._answer

    def _ask(self) -> None:
        try:
            self._answer = self._probe()
        except PortalError as error:
            self._answer = error
        except Exception:
            log.exception("probe_failed")
            self._answer = DependencyError("It failed in a way that nobody expected: see the log.")
        finally:
            self._done.set()


class Prober:
    """Of one web process. Never asks the same thing twice at once, so what hangs holds one thread each."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._lock = threading.Lock()
        self._asked: dict[str, _Question] = {}

    def ask(self, probes: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
        """Return the answer of each, or the `PortalError` that it ended with."""
        asked = {name: self._question(name, probe) for name, probe in probes.items()}
        deadline = monotonic() + self._patience
        return {name: each.answer(max(0.0, deadline - monotonic())) for name, each in asked.items()}

    def _question(self, name: str, probe: Callable[[], Any]) -> _Question:
        with self._lock:
            asked = self._asked.get(name)
            if asked is None or asked.over:
                asked = self._asked[name] = _Question(probe)
            return asked


def prober() -> Prober:
    """Return this process's."""
    found: Prober = current_app.extensions.setdefault("diagport.prober", Prober())
    return found
