"""The ways in which something may be told outside the portal."""

from datetime import timedelta
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

#: A channel that fails so often in a row, and for so long, is paused, and admins are told: many messages
#: that meet one short outage are none.
MAX_IN_A_ROW: Final = 20
FAILING_FOR: Final = timedelta(minutes=15)
