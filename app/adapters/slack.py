"""Slack, through an incoming webhook of theirs; also what speaks the same, such as Mattermost."""

import re
from typing import Any

from app.adapters import chat
from app.ports import Message

_ALL = re.compile(r"@(?=(?:channel|here|everyone|group)\b)", re.IGNORECASE)
_JOINER = "\u2060"  # no width: it reads as it was typed, and calls nobody


def compose(message: Message) -> dict[str, Any]:
    """Return the message in Block Kit; ``text`` is what a notification on a phone shows."""
    title = escape(chat.title(message))
    blocks: list[dict[str, Any]] = [{"type": "section", "text": _mrkdwn(f"*{title}*")}]
    if facts := chat.facts(message):
        fields = [_mrkdwn(f"*{label}*\n{escape(value)}") for label, value in facts]
        blocks.append({"type": "section", "fields": fields})
    if message.url:
        blocks.append({"type": "section", "text": _mrkdwn(f"<{message.url}|Open in Diagport>")})
    return {"text": title, "blocks": blocks, "unfurl_links": False, "unfurl_media": False}


def _mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text, "verbatim": True}  # verbatim: no names become mentions


def escape(text: str) -> str:
    """Return what somebody typed as mrkdwn that only shows it: no link, no mention, nobody called."""
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(sign, entity)
    return _ALL.sub(f"@{_JOINER}", text)
