"""The mails about the portal itself: the virus check, queues, channels, and how full it is."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from app.domain.events import Event
from app.domain.letter import Block, Facts, Letter, Link, Tone, Words
from app.services.letters.occasion import Occasion


class _About(NamedTuple):
    title: str
    words: str
    tone: Tone
    page: str  # path
    button: str


_EVENTS: Final[dict[Event, _About]] = {
    Event.GATE_OPENED: _About(
        "Virus check works again",
        "The scanner has passed its tests again. What waited is checked now, the longest waiting first.",
        Tone.GOOD,
        "/",
        "Open Diagport",
    ),
    Event.GATE_CLOSED: _About(
        "Virus check stopped",
        "The virus check is stopped, because the scanner cannot be relied on. Bundles still arrive, and "
        "wait. Nothing becomes ready until the scanner passes its tests. It is tested again several times "
        "a minute.",
        Tone.BAD,
        "/admin/health",
        "Open the health page",
    ),
    Event.QUEUE_STUCK: _About(
        "Work is piling up",
        "Work waits for longer than it should. Perhaps no worker runs, or one does the same thing for ever. "
        "Nothing is lost: it goes on when a worker takes it.",
        Tone.BAD,
        "/admin/health",
        "Open the health page",
    ),
    Event.CHANNEL_PAUSED: _About(
        "Channel paused",
        "A channel is paused, for the reason given here. What it should hear of waits. Put right what is "
        "wrong, send a test, and resume it.",
        Tone.BAD,
        "/admin/channels",
        "Open the channel",
    ),
    Event.CHANNEL_TEST: _About(
        "This is a test",
        "Somebody has asked Diagport to send a test here. It has arrived. There is nothing to do.",
        Tone.GOOD,
        "/",
        "Open Diagport",
    ),
    Event.QUOTA_NEAR: _About(
        "Storage nearly full",
        "Most of the agreed storage is used. When it is full, no more bundles are taken until older ones "
        "are deleted or more is agreed.",
        Tone.WAIT,
        "/files",
        "Open the bundles",
    ),
}


def write(occasion: Occasion) -> Letter:
    """Write the mail about an event that concerns no single bundle."""
    about, facts = _EVENTS[occasion.event], tuple(_facts({**occasion.payload, **occasion.told}))
    name = occasion.payload.get("organisation") if occasion.event is Event.QUOTA_NEAR else None
    blocks: list[Block] = [Words(about.words)]
    if facts:
        blocks.append(Facts(facts))
    return Letter(
        subject=f"{about.title}: {name}" if name else about.title,
        title=about.title,
        about=name or "",
        tone=about.tone,
        blocks=(*blocks, Link(about.button, f"{occasion.base_url}{_page(occasion, about)}")),
        why=occasion.why,
        notices=occasion.notices,
    )


def _page(occasion: Occasion, about: _About) -> str:
    """Return the path of the page about it: of a channel its own."""
    channel = occasion.told.get("channel") if occasion.event is Event.CHANNEL_PAUSED else None
    return f"{about.page}/{channel}" if channel else about.page


def _facts(said: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Give what is known of `payloads.ServiceFacts` and `payloads.QuotaFacts`."""
    if said.get("name"):
        yield "What", said["name"]
    if said.get("reason"):
        yield "Why", said["reason"]
    if said.get("waiting") is not None:
        yield "Waiting", f"{said['waiting']:,}"
    if said.get("oldest") is not None:
        yield "Longest", f"for {max(1, round(said['oldest'] / 60)):,} min"
    if said.get("percent") is not None:
        yield "Used", f"{said['percent']}%"
    for label, used, of, unit in (
        ("Stored", "used_bytes", "quota_bytes", "bytes"),
        ("Bundles", "used_uploads", "quota_uploads", "bundles"),
    ):
        if said.get(of) is not None:
            yield label, f"{said.get(used, 0):,} of {said[of]:,} {unit}"
