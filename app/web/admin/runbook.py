"""The runbook for what is red, read out of docs/operations/health.md: the same words in both places.

Of Markdown it knows what that file needs: sections (``##``), paragraphs, lists, code. Whatever else
stands in it is shown as it stands.
"""

import re
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby
from typing import Final

from app.bootstrap import ROOT

FILE: Final = ROOT / "docs" / "operations" / "health.md"

_CODE = re.compile(r"`([^`]+)`")
_LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")
_ITEM = re.compile(r"(?:-|\d+\.) ")


@dataclass(frozen=True, slots=True)
class Block:
    """``kind`` is "text", "list" or "code"; each of ``lines`` is a paragraph, an item or a line.

    Of text and items each is pieces, every second of which is code.
    """

    kind: str
    lines: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    anchor: str
    blocks: list[Block] = field(default_factory=list)


@cache
def sections() -> tuple[Section, ...]:
    """Return the runbook; nothing where the file did not come along with the program."""
    try:
        return parse(FILE.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ()


def parse(text: str) -> tuple[Section, ...]:
    """Return the sections of a Markdown text; what comes before the first is left out."""
    _, *parts = re.split(r"^## ", text, flags=re.MULTILINE)
    found = []
    for part in parts:
        title, _, body = part.partition("\n")
        found.append(Section(title.strip(), anchor_of(title), _blocks(body)))
    return tuple(found)


def anchor_of(title: str) -> str:
    """Return the name under which a section is linked to, as readers of Markdown make it."""
    return re.sub(r"[^a-z0-9-]", "", title.strip().lower().replace(" ", "-"))


def _blocks(body: str) -> list[Block]:
    blocks = []
    for number, chunk in enumerate(re.split(r"^```[a-z]*\n", body, flags=re.MULTILINE)):
        if number % 2:
            blocks.append(Block("code", tuple((line,) for line in chunk.splitlines())))
        else:
            blocks += _prose(chunk)
    return blocks


def _prose(chunk: str) -> list[Block]:
    made: list[tuple[str, str]] = []
    for paragraph in re.split(r"\n\s*\n", chunk.strip()):
        for line in paragraph.splitlines():
            if _ITEM.match(line):
                made.append(("list", _ITEM.sub("", line, count=1)))
            elif made and line is not paragraph.splitlines()[0]:
                made[-1] = made[-1][0], f"{made[-1][1]} {line.strip()}"
            else:
                made.append(("text", line.strip()))
    return [
        Block(kind, tuple(_pieces(text) for _, text in group))
        for kind, group in groupby(made, key=lambda one: one[0])
        if kind == "list" or made != [("text", "")]
    ]


def _pieces(text: str) -> tuple[str, ...]:
    return tuple(_CODE.split(_LINK.sub(r"\1", text)))
