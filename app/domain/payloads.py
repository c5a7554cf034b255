"""What an event says, to programs: one shape per kind of subject, each with a version.

A field may be added to a version; to rename or to remove one takes the next. Moments are RFC 3339
strings, sizes are bytes, ids are UUIDs as strings, organisations are named by their slug.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Final


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadFacts:
    """Of an upload, as it was when the event happened."""

    VERSION: ClassVar[int] = 1

    id: str
    filename: str
    size: int | None
    sha256: str | None
    state: str
    reason: str | None
    case: str | None
    organisation: str
    uploaded_by: str
    created_at: str | None
    sealed_at: str | None
    findings: int = 0  # how many
    expires_at: str | None = None
    assignee: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TombstoneFacts:
    """Of an upload that was deleted: the receipt of deletion."""

    VERSION: ClassVar[int] = 1

    id: str
    sha256: str | None
    organisation: str
    deleted_at: str
    deleted_by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketFacts:
    """Of a ticket; never its code."""

    VERSION: ClassVar[int] = 1

    id: str
    case: str
    organisation: str
    hint: str
    expires_at: str
    used_uploads: int
    max_uploads: int
    upload: str | None = None  # the one that was sent with it just now


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaFacts:
    """Of an organisation that has used up ``percent`` of what it may store."""

    VERSION: ClassVar[int] = 1

    organisation: str
    percent: int
    used_bytes: int
    quota_bytes: int | None
    used_uploads: int
    quota_uploads: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceFacts:
    """Of a device from which somebody signed in for the first time."""

    VERSION: ClassVar[int] = 1

    account: str  # mail address
    device: str
    address: str | None
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceFacts:
    """Of a part of the portal itself: the gate, a queue, a channel."""

    VERSION: ClassVar[int] = 1

    name: str
    reason: str | None = None
    waiting: int | None = None  # how many
    oldest: float | None = None  # seconds


Payload = UploadFacts | TombstoneFacts | TicketFacts | QuotaFacts | DeviceFacts | ServiceFacts


#: Fields that name staff: who is told of one organisation's alone learns nobody's name.
_STAFFS_OWN: Final = frozenset({"assignee", "deleted_by"})


def for_outsiders(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return a payload as a channel of one organisation gets it."""
    return {name: None if name in _STAFFS_OWN else value for name, value in payload.items()}


def as_json(payload: Payload) -> dict[str, Any]:
    """Return the payload's fields by name."""
    return asdict(payload)
