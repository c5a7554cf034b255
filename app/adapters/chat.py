"""What a chat is told: a line, and a few facts."""

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
