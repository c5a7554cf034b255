"""What is worth telling somebody, and the words for it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.domain.policy import Role


class Event(StrEnum):
    UPLOAD_CLEAN = "upload.clean"
    UPLOAD_INFECTED = "upload.infected"


@dataclass(frozen=True, slots=True)
class Audience:
    """Who hears of an event: every active account with one of ``roles``, and maybe the sender."""

    roles: frozenset[Role]
    uploader: bool


AUDIENCE: Final[dict[Event, Audience]] = {
    Event.UPLOAD_CLEAN: Audience(roles=frozenset({Role.ENGINEER}), uploader=False),
    Event.UPLOAD_INFECTED: Audience(roles=frozenset({Role.ENGINEER}), uploader=True),
}
