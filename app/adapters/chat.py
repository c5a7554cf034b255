"""Chats with an incoming webhook, and what they are told: a line, and a few facts."""

import json
from collections.abc import Callable
from typing import Any

from app.adapters import hook
from app.adapters.guarded_http import GuardedHttp
from app.domain.events import Event
from app.domain.headlines import headline
from app.ports import Message

_LONGEST = 200  # characters of what somebody typed

#: Of a payload (`domain.payloads`) what is worth reading, in this order.
_LABELS = {
    "filename": "File",
    "case": "Case",
    "organisation": "Organisation",
    "uploaded_by": "Sent by",
    "size": "Size",
    "findings": "Viruses",
    "name": "What",
    "reason": "Why",
    "waiting": "Waiting",
}


class Chat:
    """An incoming webhook. Its address is the secret: whoever knows it posts there."""

    def __init__(self, http: GuardedHttp, compose: Callable[[Message], dict[str, Any]]) -> None:
        self._http, self._compose = http, compose

    def send(self, message: Message) -> None:
        """Post the message; see the port."""
        body = json.dumps(self._compose(message)).encode()
        hook.post(self._http, message.to, body, {"Content-Type": "application/json"})


def title(message: Message) -> str:
    """Return what happened, on one line."""
    return headline(Event(message.event), message.payload, staff=True)


def facts(message: Message) -> list[tuple[str, str]]:
    """Return (label, value) of what is known, each value on one line."""
    known = ((label, name, message.payload.get(name)) for name, label in _LABELS.items())
    return [(label, _text(name, value)) for label, name, value in known if value]


def _text(name: str, value: object) -> str:
    if name == "size" and isinstance(value, int):
        return _size(value)
    line = " ".join(str(value).split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _size(size: float) -> str:
    """Return a number of bytes as people say it, in powers of 1,000."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.4g} {unit}"
        size /= 1000
    return f"{size:.4g} TB"
