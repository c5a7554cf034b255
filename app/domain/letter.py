"""What a mail says, in order, before it is written out. Its text and its HTML are made of the same."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import ClassVar

_COLUMN = 15  # characters, at which the values of facts begin in text, unless all labels are shorter


class Tone(StrEnum):
    """What sort of news it is."""

    PLAIN = "plain"
    GOOD = "good"
    WAIT = "wait"  # somebody has to do something
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Words:
    """A paragraph."""

    KIND: ClassVar = "words"
    words: str

    @property
    def text(self) -> str:
        return one_line(self.words)


@dataclass(frozen=True, slots=True)
class Facts:
    """Labels and values. A label may come again."""

    KIND: ClassVar = "facts"
    rows: tuple[tuple[str, str], ...]

    def aligned(self, column: int) -> str:
        """Return them as text, one a line, the values from ``column`` on."""
        return "\n".join(f"{f'{label}:':<{column - 1}} {one_line(value)}" for label, value in self.rows)


@dataclass(frozen=True, slots=True)
class Command:
    """A line to paste into a shell, and what it is for."""

    KIND: ClassVar = "command"
    lead: str
    command: str

    @property
    def line(self) -> str:
        """The command on one line; its blanks count."""
        return " ".join(self.command.splitlines())

    @property
    def text(self) -> str:
        return f"{one_line(self.lead)}:\n\n{self.line}"


@dataclass(frozen=True, slots=True)
class Link:
    """A page of the portal; in HTML it is a button."""

    KIND: ClassVar = "link"
    label: str
    url: str

    @property
    def text(self) -> str:
        return f"{one_line(self.label)}:\n\n{self.url}"


Block = Words | Facts | Command | Link


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One mail. ``why`` says why its reader gets it; ``notices`` is the page where that can be changed.

    ``stop`` is the page where its reader, without signing in, stops mails about such an event.
    """

    subject: str
    title: str
    blocks: tuple[Block, ...]
    why: str
    about: str = ""  # the name of what it is about, under the title
    case: str | None = None
    tone: Tone = Tone.PLAIN
    notices: str | None = None
    stop: str | None = None

    @property
    def text(self) -> str:
        """The mail as plain text, one paragraph a line. What people typed is never a line of its own."""
        labels = [label for block in self.blocks if isinstance(block, Facts) for label, _ in block.rows]
        column = min(max(map(len, labels), default=0) + 3, _COLUMN)
        parts = [block.aligned(column) if isinstance(block, Facts) else block.text for block in self.blocks]
        settings = [f"Choose what you hear of: {self.notices}"] if self.notices else []
        settings += [f"Stop mails like this: {self.stop}"] if self.stop else []
        return "\n\n".join([*parts, "\n".join(["-- ", one_line(self.why), *settings])]) + "\n"

    @property
    def preview(self) -> str:
        """What a list of mails shows beside the subject: how it begins."""
        return next((block.text for block in self.blocks if isinstance(block, Words)), self.title)

    @property
    def page(self) -> str | None:
        """The first page that it leads to."""
        return next((block.url for block in self.blocks if isinstance(block, Link)), None)


def one_line(text: str) -> str:
    """Return what somebody typed without line ends, so that it adds no line to a mail."""
    return " ".join(text.split())


def moment(at: datetime | str) -> str:
    """Return when something was or will be (a datetime, or RFC 3339), in UTC: people read mails anywhere."""
    at = datetime.fromisoformat(at) if isinstance(at, str) else at
    at = at.astimezone(UTC)
    return f"{at.day} {at:%b %Y, %H:%M} UTC"
