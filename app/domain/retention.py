"""How long bundles are kept."""

from enum import StrEnum


class RetentionSince(StrEnum):
    """What the days of a retention are counted from."""

    RECEIVED = "received"
    DOWNLOADED = "downloaded"  # for the last time; from receiving, where nobody has
    CLOSED = "closed"  # the case; an open case keeps its bundles, and from receiving, where there is none
