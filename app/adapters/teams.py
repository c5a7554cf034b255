"""Microsoft Teams, through a webhook of Workflows: an Adaptive Card in a message."""

from typing import Any

from app.adapters import chat
from app.ports import Message


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
