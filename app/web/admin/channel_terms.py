"""What an admin types about a channel: the form, and the words around it."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final
from uuid import UUID

from flask import request
from flask_wtf import FlaskForm
from wtforms import HiddenField, SelectField, StringField
from wtforms.fields.choices import SelectChoice

from app.domain import naming
from app.domain.channels import ChannelKind
from app.domain.errors import BadRequestError, InvalidInputError
from app.domain.events import FOR_CHANNELS, Event
from app.domain.headlines import headline
from app.models import Channel, Delivery, Organisation
from app.services.channels import Terms

#: Kind -> (name, what it is for, label of its address, what to type there).
KINDS: Final[dict[ChannelKind, tuple[str, str, str, str]]] = {
    ChannelKind.WEBHOOK: (
        "Webhook",
        "A program of yours gets signed JSON over HTTPS.",
        "Address",
        "It must begin with https:// and be on the public Internet.",
    ),
    ChannelKind.SNS: (
        "Amazon SNS",
        "A topic gets JSON, with attributes to filter by.",
        "Topic",
        "Its ARN, for example arn:aws:sns:eu-central-1:123456789012:bundles.",
    ),
    ChannelKind.SLACK: (
        "Slack",
        "A message in a channel of Slack, or of what takes the same.",
        "Address of the incoming webhook",
        "Slack gives it to you. Whoever knows it can post there.",
    ),
    ChannelKind.TEAMS: (
        "Microsoft Teams",
        "A card in a channel of Teams.",
        "Address of the workflow",
        "Teams gives it to you. Whoever knows it can post there.",
    ),
    ChannelKind.EMAIL: (
        "Mail",
        "A mailbox that several people read.",
        "Mail address",
        "For example support@example.com.",
    ),
}

#: Every event in a few words, as the log and the dead letters show it.
WORDS: Final[dict[Event, str]] = {
    Event.UPLOAD_STARTED: "A large upload began",
    Event.UPLOAD_RECEIVED: "A bundle arrived",
    Event.UPLOAD_EXPIRING: "An unfinished upload is soon given up",
    Event.UPLOAD_REJECTED: "A bundle was not accepted",
    Event.UPLOAD_CLEAN: "A bundle is ready",
    Event.UPLOAD_INFECTED: "A virus was found",
    Event.UPLOAD_UNSCANNABLE: "A bundle needs review",
    Event.UPLOAD_RELEASED: "A bundle was released after review",
    Event.UPLOAD_RECALLED: "A virus was found later",
    Event.UPLOAD_INTEGRITY_FAILED: "Stored bytes changed",
    Event.UPLOAD_DOWNLOADED: "A bundle was downloaded for the first time",
    Event.UPLOAD_ASSIGNED: "A bundle was assigned",
    Event.UPLOAD_DELETION_DUE: "A bundle is soon deleted",
    Event.UPLOAD_DELETED: "A bundle was deleted",
    Event.TICKET_ISSUED: "An upload ticket",
    Event.TICKET_USED: "A ticket was used",
    Event.TICKET_EXPIRING: "A ticket expires soon",
    Event.ACCOUNT_INVITED: "An invitation",
    Event.ACCOUNT_RESET: "A link for a new password",
    Event.ACCOUNT_CHANGED: "An account was changed",
    Event.ACCOUNT_NEW_DEVICE: "A sign-in from a new device",
    Event.QUOTA_NEAR: "Storage is nearly used up",
    Event.GATE_CLOSED: "The virus check stopped",
    Event.GATE_OPENED: "The virus check works again",
    Event.QUEUE_STUCK: "Work is piling up",
    Event.CHANNEL_PAUSED: "A channel was paused",
    Event.CHANNEL_TEST: "A test",
    Event.DIGEST: "A daily digest",
}

#: Each event is a field of its own, so that `access` keeps what was ticked. Never the address.
KEEPS: Final = ("id", "kind", "name", "organisation", *FOR_CHANNELS)
#: What is ticked to begin with.
USUAL: Final = frozenset({Event.UPLOAD_CLEAN, Event.UPLOAD_INFECTED, Event.UPLOAD_UNSCANNABLE})


class ChannelForm(FlaskForm):  # type: ignore[misc]
    id = HiddenField()  # chosen beforehand: a form sent twice makes one channel
    kind = HiddenField()
    name = StringField("Name", filters=[naming.plain_text])
    address = StringField("Address")
    organisation = SelectField("Whose bundles", validate_choice=False)

    def offer(self, kind: ChannelKind, organisations: list[Organisation]) -> None:
        """Set the choices, and call the address what it is."""
        each = [SelectChoice(str(one.id), one.name) for one in organisations]
        self.organisation.choices = [SelectChoice("", "Everybody's"), *each]
        self.address.label.text = KINDS[kind][2]

    def terms(self) -> Terms:
        """Return what was typed, yet to be judged. Raises InvalidInputError."""
        try:
            organisation = UUID(self.organisation.data) if self.organisation.data else None
        except ValueError as error:
            raise InvalidInputError("Choose whose bundles from the list.") from error
        return Terms(
            name=self.name.data or "",
            address=self.address.data or "",
            organisation_id=organisation,
            events=ticked(),
        )

    def new_id(self) -> UUID:
        """Raises InvalidInputError: the form was not ours."""
        with suppress(ValueError):
            return UUID(self.id.data or "")
        raise InvalidInputError("Reload the page, and fill in the form again.")


def kind_of(said: str | None) -> ChannelKind:
    """Raises BadRequestError: there is no such kind."""
    try:
        return ChannelKind(said or "")
    except ValueError as error:
        raise BadRequestError(f"kind is one of {', '.join(ChannelKind)}.") from error


def ticked(source: Mapping[str, str] | None = None) -> set[str]:
    """Return the events that were ticked, in the request or in what was kept of one."""
    typed = request.form if source is None else source
    return {str(event) for event in FOR_CHANNELS if event in typed}


def standing(channel: Channel) -> dict[str, Any]:
    """Return what the form of a channel shows; never its address."""
    return {"name": channel.name, "organisation": str(channel.organisation_id or "")}


def told(delivery: Delivery) -> str:
    """Return what a message says, on one line."""
    if delivery.record is None or not delivery.record.payload:
        return WORDS[delivery.event]
    return headline(delivery.event, delivery.record.payload, staff=True)
