"""Slack and Teams: what is posted, and that no name that somebody typed does anything there (T18)."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from app.adapters import slack, teams
from app.adapters.chat import Chat
from app.adapters.guarded_http import GuardedHttp
from app.domain.channels import ChannelKind
from app.domain.errors import DeliveryGoneError, DeliveryRefusedError
from app.domain.events import FOR_CHANNELS, Event
from app.ports import Channel, Message
from tests.adapters.hook_sink import HookSink

EVIL = (
    "<!channel> @channel @HERE <https://evil.example|click> *b* _i_ [x](https://evil.example) & {{7*7}}.tgz"
)
MESSAGE = Message(
    key="cd" * 32,
    to="",
    subject="",
    text="",
    event="upload.clean",
    url="https://upload.example.com/files/7",
    payload={
        "id": "7",
        "filename": EVIL,
        "size": 1_234_567,
        "case": "CS-1",
        "organisation": "<@U123>",
        "uploaded_by": "a\nb@example.com",
        "sha256": "0" * 64,
    },
)
HTTP = GuardedHttp(loopback=True)


@pytest.fixture
def sink() -> Iterator[HookSink]:
    with HookSink() as sink:
        yield sink


def texts(of: object) -> list[str]:
    """Return every text in a posted document."""
    if isinstance(of, dict):
        return [text for value in of.values() for text in texts(value)]
    if isinstance(of, list):
        return [text for value in of for text in texts(value)]
    return [of] if isinstance(of, str) else []


def test_slack_gets_a_line_facts_and_a_link(sink: HookSink) -> None:
    Chat(HTTP, slack.compose).send(replace(MESSAGE, to=sink.url, kind=ChannelKind.SLACK))
    (got,) = sink.got
    assert got.headers["Content-Type"] == "application/json"
    posted = json.loads(got.body)
    first, facts, link = posted["blocks"]
    assert posted["text"] in first["text"]["text"]
    assert "*Case*\nCS-1" in [field["text"] for field in facts["fields"]]
    assert "*Size*\n1.235 MB" in [field["text"] for field in facts["fields"]]
    assert link["text"]["text"] == "<https://upload.example.com/files/7|Open in Diagport>"


def test_in_slack_no_name_links_mentions_or_calls_anybody() -> None:
    """T18."""
    posted = slack.compose(MESSAGE)
    ours = "<https://upload.example.com/files/7|Open in Diagport>"
    said = "\n".join(text for text in texts(posted) if text != ours)
    assert "<" not in said
    assert ">" not in said
    assert "@channel" not in said
    assert "@HERE" not in said
    assert "&lt;!channel&gt;" in said
    assert "&lt;@U123&gt;" in said
    assert "*Sent by*\na b@example.com" in said
    blocks: list[dict[str, Any]] = posted["blocks"]
    marked = [field for block in blocks for field in [block.get("text"), *block.get("fields", [])] if field]
    assert all(field["verbatim"] is True for field in marked if field["type"] == "mrkdwn")


def test_teams_gets_a_card_whose_runs_read_no_markdown(sink: HookSink) -> None:
    """T18."""
    Chat(HTTP, teams.compose).send(replace(MESSAGE, to=sink.url, kind=ChannelKind.TEAMS))
    posted = json.loads(sink.got[0].body)
    (attachment,) = posted["attachments"]
    assert posted["type"] == "message"
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert {block["type"] for block in card["body"]} == {"RichTextBlock"}
    assert {run["type"] for block in card["body"] for run in block["inlines"]} == {"TextRun"}
    assert ["File: ", EVIL] in [[run["text"] for run in block["inlines"]] for block in card["body"]]
    assert [action["url"] for action in card["actions"]] == ["https://upload.example.com/files/7"]
    assert "msteams" not in card  # without entities nothing becomes a mention


@pytest.mark.parametrize("event", [*FOR_CHANNELS, Event.CHANNEL_TEST])
@pytest.mark.parametrize("compose", [slack.compose, teams.compose])
def test_every_event_can_be_said_with_whatever_is_known(event: Event, compose: Any) -> None:
    for payload in ({}, MESSAGE.payload, {"name": "Ops", "reason": "x" * 5000, "waiting": 3}):
        posted = compose(replace(MESSAGE, event=str(event), payload=payload, url=None))
        assert max(map(len, texts(posted))) < 2000  # the most that Slack takes in a field
        assert json.loads(json.dumps(posted)) == posted


@pytest.mark.parametrize("channel", [Chat(HTTP, slack.compose), Chat(HTTP, teams.compose)])
def test_what_they_refuse_is_told_apart(sink: HookSink, channel: Channel) -> None:
    sink.answer = 404
    with pytest.raises(DeliveryRefusedError):
        channel.send(replace(MESSAGE, to=sink.url))
    sink.answer = 410
    with pytest.raises(DeliveryGoneError):
        channel.send(replace(MESSAGE, to=sink.url))
