"""What many scans, side by side, have said of one bundle so far."""

from collections.abc import Iterable, Mapping
from threading import Lock
from types import MappingProxyType
from typing import Protocol

from app.bundle.shard import Part
from app.bundle.table import Entry
from app.domain.verdict import Finding, Obstacle, StreamResult, StreamVerdict

MOST_FINDINGS = 1_000
_LONGEST_NAME = 160  # characters of a name within a sentence

_LIMITS = (  # what the engine's name for a limit contains
    ("MaxRecursion", Obstacle.TOO_DEEP),
    ("MaxScanTime", Obstacle.TOO_SLOW),
    ("MaxFiles", Obstacle.TOO_MANY_FILES),
    ("MaxScanSize", Obstacle.TOO_LARGE),
    ("MaxFileSize", Obstacle.TOO_LARGE),
    ("StreamMaxLength", Obstacle.TOO_LARGE),
)
_WORDS = {
    Obstacle.TOO_DEEP: "{name} holds archives within archives, too many levels deep ({detail}).",
    Obstacle.TOO_SLOW: "{name} took the scanner too long ({detail}).",
    Obstacle.TOO_MANY_FILES: "{name} holds too many files for the scanner ({detail}). Send it unpacked.",
    Obstacle.TOO_LARGE: "{name} is too large when expanded for the scanner ({detail}). Send it in parts.",
    Obstacle.LIMIT: "{name} could not be scanned to its end: the scanner stopped at a limit ({detail}).",
    Obstacle.ENCRYPTED: "{name} is encrypted and could not be scanned ({detail}). Send it unencrypted.",
    Obstacle.SCANNER_ERROR: "The scanner gave no verdict on {name} ({detail}).",
}


class Table(Protocol):
    """Takes in what lies in a bundle while it is scanned, such as `app.bundle.table.MemberTable`."""

    def restart(self) -> None:
        """Forget everything: the bundle is read from its beginning."""

    def add(self, entry: Entry, /) -> None:
        """Take in an entry, in the order of the walk; what has to be read first comes when it was."""

    def finding(self, member: str, entry: int | None, result: str, detail: str, /) -> None:
        """Take in a verdict that is not clean, from any thread; ``result`` is a StreamResult."""


class Tally:
    """Counts of entries and bytes that were read, and that were answered for, and what else was said.

    ``members_total`` and ``bytes_total`` are the reader's, who is one; all else may come from any
    thread. Bytes are those of contents. An archive that is opened here counts twice over: by its
    own bytes, answered for when it was sound to its end, and by those of what lies in it.
    """

    def __init__(
        self,
        table: Table | None,
        earlier: Iterable[Finding],
        doubts: Mapping[str, Obstacle] = MappingProxyType({}),
    ) -> None:
        """``earlier`` are the findings of passes before this one, which stand."""
        self.members_total = 0
        self.bytes_total = 0
        self.members = 0
        self.bytes = 0
        self.windowed = 0
        self.findings: dict[Finding, None] = {}
        self.failed = False  # an answer that is none: the engine may do better next time
        self.obstacle: Obstacle | None = None  # the first
        self._problems = 0
        self._first_problem = ""
        self._table = table
        self._lock = Lock()
        self.doubts: dict[str, Obstacle] = {}  # what no further pass can make good
        for finding in earlier:
            self._found(finding)
        for sentence, obstacle in doubts.items():
            self.doubt(obstacle, sentence)

    @property
    def covered(self) -> bool:
        """Whether all that was read was answered for."""
        return (self.members, self.bytes) == (self.members_total, self.bytes_total)

    @property
    def settled(self) -> bool:
        """Whether scanning on is useless."""
        return self.failed or self.full

    @property
    def full(self) -> bool:
        """Whether there is no room for one more finding."""
        return len(self.findings) >= MOST_FINDINGS

    @property
    def crowded(self) -> bool:
        """Whether there are so many problems that finding the name of one more is not worth scans."""
        return self._problems >= MOST_FINDINGS

    @property
    def problem(self) -> str | None:
        """The first problem, in a sentence for people, and how many more there are."""
        if self._problems < 2:
            return self._first_problem or None
        return f"{self._first_problem} There are {self._problems - 1:,} more such problems."

    def clean(self, members: int, size: int) -> None:
        """Count ``members`` entries of ``size`` bytes in all that are clean or have no content."""
        with self._lock:
            self.members += members
            self.bytes += size

    def bad(self, part: Part, size: int, verdict: StreamVerdict) -> None:
        """Note a verdict that is not clean on ``part``, of ``size`` bytes."""
        if verdict.result is StreamResult.INFECTED:
            with self._lock:
                self.members += part.entries
                self.bytes += size
                self._found(Finding(part.name, verdict.detail, part.entry))
            return
        self.failed = self.failed or verdict.result is StreamResult.ERROR
        obstacle = obstacle_of(verdict)
        self.doubt(obstacle, _WORDS[obstacle].format(name=quoted(part.name), detail=verdict.detail))
        if self._table and not self.crowded:
            self._table.finding(part.name, part.entry, verdict.result, verdict.detail)

    def doubt(self, obstacle: Obstacle, sentence: str) -> None:
        """Note a reason, in a sentence for people, why the bundle cannot be called clean."""
        with self._lock:
            if sentence in self.doubts:
                return
            if obstacle is not Obstacle.SCANNER_ERROR and len(self.doubts) < MOST_FINDINGS:
                self.doubts[sentence] = obstacle
            self._problems += 1
            if self.obstacle is None:
                self.obstacle, self._first_problem = obstacle, sentence

    def _found(self, finding: Finding) -> None:
        if finding in self.findings or self.full:
            return
        self.findings[finding] = None
        if self._table:
            self._table.finding(finding.member, finding.entry, StreamResult.INFECTED, finding.signature)


def obstacle_of(verdict: StreamVerdict) -> Obstacle:
    """Return what a verdict that is neither clean nor a virus means for the bundle."""
    if verdict.result is StreamResult.ENCRYPTED:
        return Obstacle.ENCRYPTED
    if verdict.result is StreamResult.LIMIT:
        return next((known for word, known in _LIMITS if word in verdict.detail), Obstacle.LIMIT)
    return Obstacle.SCANNER_ERROR


def quoted(name: str) -> str:
    """Return a member's name as it stands in a sentence."""
    if len(name) > _LONGEST_NAME:
        name = "\u2026" + name[1 - _LONGEST_NAME :]
    return f"\u201c{name}\u201d"
