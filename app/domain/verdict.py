"""What a scan can say about one stream of bytes, and about a whole bundle."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class StreamResult(StrEnum):
    """The scanner's answer about one stream. Everything that is not CLEAN is not clean."""

    CLEAN = "clean"
    INFECTED = "infected"
    LIMIT = "limit"  # Heuristics.Limits.*: the engine stopped before the end
    ENCRYPTED = "encrypted"  # Heuristics.Encrypted.*: the engine could not look inside
    ERROR = "error"  # an ERROR reply, silence, a timeout, or words nobody knows


@dataclass(frozen=True, slots=True)
class StreamVerdict:
    """``detail`` is the signature's name, or the scanner's own words."""

    result: StreamResult
    detail: str = ""


class Obstacle(StrEnum):
    """Why a bundle could not be proven clean, for programs; ``reason`` says it to people."""

    TOO_LARGE = "too_large"  # expands to more bytes, or more times its own size, than allowed
    TOO_MANY_FILES = "too_many_files"
    TOO_DEEP = "too_deep"  # archives within archives beyond what the engine follows
    PATH_TOO_LONG = "path_too_long"
    TOO_SLOW = "too_slow"
    ENCRYPTED = "encrypted"
    DAMAGED = "damaged"
    MALFORMED = "malformed"
    LIMIT = "limit"  # the engine stopped at one of its own
    SCANNER_ERROR = "scanner_error"
    SCANNER_CRASH = "scanner_crash"
    NOT_COVERED = "not_covered"  # bytes were read that nobody answered for


class Verdict(StrEnum):
    """What a scan says of a bundle; the values equal the upload states they lead to."""

    CLEAN = "clean"
    INFECTED = "infected"
    UNSCANNABLE = "unscannable"


@dataclass(frozen=True, slots=True)
class Finding:
    """``member`` is the path as it stands in the archive, display only.

    ``entry`` is the number of the bundle's own entry that it is, or lies in, from 0 in the order
    of the tar; None where it belongs to none (data after the end).
    """

    member: str
    signature: str
    entry: int | None = None


@dataclass(frozen=True, slots=True)
class Engine:
    """Who scanned.

    ``signatures`` and ``signatures_at`` are None for a database without a version: the local
    EICAR-only one used where no real signatures can be had.
    """

    name: str  # "ClamAV 1.4.6"
    signatures: str | None = None  # "27450"
    signatures_at: datetime | None = None

    @property
    def test_only(self) -> bool:
        return self.signatures is None


@dataclass(frozen=True, slots=True)
class ScanReport:
    """One whole pass over a stored bundle.

    ``members_*`` count every entry of the tar (those without content count as scanned);
    ``bytes_expanded`` are the bytes of members' contents, of archives within the archive that
    were opened too, and ``bytes_scanned`` those of them that the engine answered CLEAN or
    INFECTED for.
    ``windowed`` members were larger than the engine takes, and scanned in overlapping windows.
    ``complete``: the scan reached every byte and there is no doubt but the findings, so that all
    other members are proven clean.
    ``sha256`` and ``size`` are those of the stored object as it was read.
    """

    verdict: Verdict
    engine: Engine
    sha256: str
    size: int
    reason: str | None = None  # a sentence for people, set when UNSCANNABLE
    obstacle: Obstacle | None = None  # the same for programs
    findings: tuple[Finding, ...] = field(default=())
    members_total: int = 0
    members_scanned: int = 0
    bytes_expanded: int = 0
    bytes_scanned: int = 0
    windowed: int = 0
    complete: bool = False
    seconds: float = 0.0
