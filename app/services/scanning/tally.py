"""What many scans, side by side, have said of one bundle so far."""

from threading import Lock

from app.domain.verdict import Finding, StreamResult, StreamVerdict

MOST_FINDINGS = 1_000
_LONGEST_NAME = 160  # characters of a name within a sentence

_WORDS = {
    StreamResult.LIMIT: "{name} could not be scanned to its end: the scanner stopped at a limit ({detail}).",
    StreamResult.ENCRYPTED: "{name} is encrypted and could not be scanned ({detail}). Send it unencrypted.",
    StreamResult.ERROR: "The scanner gave no verdict on {name} ({detail}).",
}


class Tally:
    """Counts of members and bytes that the engine answered for, and what else it said."""

    def __init__(self) -> None:
        self.members = 0
        self.bytes = 0
        self.findings: list[Finding] = []
        self.failed = False  # an answer that is none: the engine may do better next time
        self._problems = 0
        self._first_problem = ""
        self._lock = Lock()

    @property
    def settled(self) -> bool:
        """Whether scanning on is useless."""
        return self.failed or len(self.findings) >= MOST_FINDINGS

    @property
    def crowded(self) -> bool:
        """Whether there are so many problems that finding the name of one more is not worth scans."""
        return self._problems >= MOST_FINDINGS

    @property
    def problem(self) -> str | None:
        """The first problem, in a sentence for people, and how many more there are."""
        if self._problems < 2:
            return self._first_problem or None
        return f"{self._first_problem} So it is with {self._problems - 1:,} more."

    def clean(self, members: int, size: int) -> None:
        """Count ``members`` entries of ``size`` bytes in all that are clean or have no content."""
        with self._lock:
            self.members += members
            self.bytes += size

    def bad(self, name: str, members: int, size: int, verdict: StreamVerdict) -> None:
        """Note a verdict that is not clean on an entry, or on ``members`` of them together.

        ``name`` is the entry's, or the first one's.
        """
        if verdict.result is StreamResult.INFECTED:
            with self._lock:
                self.members += members
                self.bytes += size
                if len(self.findings) < MOST_FINDINGS:
                    self.findings.append(Finding(name, verdict.detail))
            return
        self.failed = self.failed or verdict.result is StreamResult.ERROR
        self.doubt(_WORDS[verdict.result].format(name=quoted(name), detail=verdict.detail))

    def doubt(self, sentence: str) -> None:
        """Note a reason, in a sentence for people, why the bundle cannot be called clean."""
        with self._lock:
            self._problems += 1
            self._first_problem = self._first_problem or sentence


def quoted(name: str) -> str:
    """Return a member's name as it stands in a sentence."""
    if len(name) > _LONGEST_NAME:
        name = "\u2026" + name[1 - _LONGEST_NAME :]
    return f"\u201c{name}\u201d"
