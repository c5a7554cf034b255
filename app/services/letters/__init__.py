"""The words of the mails: `bundle`, `ticket`, `account`, `digest` and `portal` have those of their events."""

from collections.abc import Sequence
from dataclasses import replace

from app.domain.events import Event
from app.domain.letter import Letter
from app.models import Delivery, Notice, Upload
from app.ports import Message
from app.services.letters import account, bundle, digest, html, portal, ticket
from app.services.letters.occasion import Occasion


def compose(
    delivery: Delivery,
    upload: Upload | None,
    base_url: str,
    code: str | None = None,
    notices: Sequence[Notice] = (),
    *,
    unsubscribe: str | None = None,
    watched: bool = False,
) -> Message:
    """Write the mail. ``base_url`` is the configured one, never what a request said.

    ``code`` is the ticket's, or the link's, of a mail that brings one; ``notices`` is what a daily mail
    tells, ``unsubscribe`` the address where its reader stops such mails, and ``watched`` whether they
    watch its case. It is of the same thread as the other mails of its case, or without a case of its bundle.
    """
    occasion = Occasion(delivery, base_url, delivery.told | {"code": code}, watched)
    letter = replace(write(occasion, upload, notices), stop=unsubscribe)
    case_id = delivery.record.case_id if delivery.record else None
    return Message(
        key=delivery.dedupe_key,
        to=delivery.recipient,
        subject=letter.subject,
        text=letter.text,
        html=html.render(letter),
        thread=str(case_id or delivery.upload_id or "") or None,
        event=str(delivery.event),
        unsubscribe=unsubscribe,
        url=letter.page,
    )


def write(occasion: Occasion, upload: Upload | None, notices: Sequence[Notice] = ()) -> Letter:
    """Find the words of an event."""
    if occasion.event is Event.DIGEST:
        return digest.write(occasion, notices)
    subject = occasion.event.partition(".")[0]
    if upload is not None and subject == "upload":
        return bundle.write(occasion, upload)
    write_of = {"ticket": ticket.write, "account": account.write}.get(subject, portal.write)
    return write_of(occasion)
