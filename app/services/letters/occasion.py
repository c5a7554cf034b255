"""What a mail is written from, and for whom."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.domain.events import MANDATORY, Event
from app.domain.policy import STAFF
from app.models import Delivery


@dataclass(frozen=True, slots=True)
class Occasion:
    """An event, and who reads of it.

    ``base_url`` is the configured one, never what a request said. Who was written to as the holder of a
    ticket has no account, so no page but the ticket's, whose address nobody else knows.
    """

    delivery: Delivery
    base_url: str
    told: Mapping[str, Any]  # what the words need beside rows; with the code of a mail that brings one
    watched: bool = False  # whether its reader watches the case that it is about

    @property
    def event(self) -> Event:
        return self.delivery.event

    @property
    def payload(self) -> Mapping[str, Any]:
        """What programs are told."""
        return self.delivery.record.payload if self.delivery.record else {}

    @property
    def for_staff(self) -> bool:
        """Whether nobody but staff reads it. Everybody else learns nobody's name there."""
        if self.delivery.account:
            return self.delivery.account.role in STAFF
        return self.delivery.channel is not None and self.delivery.channel.organisation_id is None

    @property
    def for_ticket(self) -> bool:
        """Whether it goes to an address that a ticket was sent to."""
        return self.delivery.account is None and self.delivery.channel is None

    @property
    def notices(self) -> str | None:
        """The page where its reader chooses what to hear of; None if there is no choice."""
        if self.delivery.account is None or self.event in MANDATORY:
            return None
        return f"{self.base_url}/account#notices"

    @property
    def why(self) -> str:
        """Why its reader gets it."""
        if self.delivery.channel:
            return (
                f"This goes to the channel {self.delivery.channel.name}. Your administrators look after it."
            )
        if self.delivery.account is None:
            return "You get this because this address was given for an upload ticket."
        if self.event in MANDATORY:
            return "Everybody whom it concerns gets this, whatever they chose to hear of."
        if self.watched:
            return "You get this because you watch its case."
        if self.for_staff:
            return "You get this because you chose to hear of such things at once."
        return "You get this because you manage the people of your organisation."
