"""What is written on a stored object of what is known of it, for rules of the store's own."""

from enum import StrEnum
from typing import Final

#: The name of the tag.
NAME: Final = "scan-status"


class ScanStatus(StrEnum):
    """What may go out of it: what has none of these, or another than the first two, is for workers alone."""

    CLEAN = "clean"  # all of it, to whoever may see it
    SALVAGE = "salvage"  # to staff, through the portal: what was released, or the rest of what is infected
    INFECTED = "infected"
    UNSCANNABLE = "unscannable"  # or not what was received
