"""Microsoft Teams, through a webhook of Workflows: an Adaptive Card in a message."""

import json
from typing import Any

from app.adapters import chat, hook
from app.adapters.guarded_http import GuardedHttp
from app.ports import Message


class Teams:
    """The address is the secret: whoever knows it posts there."""

    def __init__(self, http: GuardedHttp) -> None:
        self._http = http

    def send(self, message: Message) -> None:
        """Post the message; see the port."""
        body = json.dumps(compose(message)).encode()
        hook.post(self._http, message.to, body, {"Content-Type": "application/json"})


def compose(message: Message) -> dict[str, Any]:
    """Return the message. What somebody typed stands in text runs, where no Markdown is read."""
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [
            _line(_run(chat.title(message), weight="Bolder", size="Medium")),
            *(_line(_run(f"{label}: ", isSubtle=True), _run(value)) for label, value in chat.facts(message)),
        ],
    }
    if message.url:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Open in Diagport", "url": message.url}]
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": card,
    }
    return {"type": "message", "attachments": [attachment]}


def _line(*runs: dict[str, Any]) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": list(runs)}


def _run(text: str, **looks: object) -> dict[str, Any]:
    return {"type": "TextRun", "text": text, **looks}
