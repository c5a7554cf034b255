"""What programs are told: a CloudEvents 1.0 event in JSON, the same for webhooks and topics."""

import json
from typing import Any, Final

from app.ports import Message

CONTENT_TYPE: Final = "application/cloudevents+json"


def envelope(message: Message, source: str) -> dict[str, Any]:
    """Return the event. ``source`` is the portal's base URL: with the id, it names the event for ever.

    ``dataversion`` is an extension attribute: the version of the shape of ``data`` (`domain.payloads`).
    """
    about = message.payload.get("id")
    attributes = {
        "specversion": "1.0",
        "id": message.key,
        "source": source,
        "type": f"diagport.{message.event}",
        "subject": str(about) if about else None,
        "time": message.at.isoformat() if message.at else None,
        "datacontenttype": "application/json",
        "dataversion": message.version,
        "data": {**message.payload, "url": message.url},
    }
    return {name: value for name, value in attributes.items() if value is not None}


def as_text(message: Message, source: str) -> str:
    """Return the event as JSON in ASCII."""
    return json.dumps(envelope(message, source), separators=(",", ":"))
