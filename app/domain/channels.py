"""The ways in which something may be told outside the portal."""

from enum import StrEnum
from typing import Final


class ChannelKind(StrEnum):
    EMAIL = "email"
    SNS = "sns"  # a topic of Amazon's Simple Notification Service
    WEBHOOK = "webhook"
    SLACK = "slack"  # an incoming webhook of theirs
    TEAMS = "teams"


#: Kinds whose address is itself the secret: who knows it may post there.
SECRET_ADDRESS: Final = frozenset({ChannelKind.SLACK, ChannelKind.TEAMS})

#: A channel that fails so often in a row is paused, and admins are told.
MAX_IN_A_ROW: Final = 20
