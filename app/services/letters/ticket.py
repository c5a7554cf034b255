"""The mails about a ticket: the one that brings it, and those to whoever made it."""

from collections.abc import Iterator, Mapping
from typing import Any

from app.domain.events import Event
from app.domain.letter import Block, Command, Facts, Letter, Link, Tone, Words, moment
from app.domain.ways_in import ticket_curl, ticket_url
from app.services.letters.occasion import Occasion


def write(occasion: Occasion) -> Letter:
    """Write the mail about one event of a ticket."""
    return _issued(occasion) if occasion.event is Event.TICKET_ISSUED else _to_its_maker(occasion)


def _issued(occasion: Occasion) -> Letter:
    """``told`` is what `services.tickets` wrote down, the code included."""
    told, base_url = occasion.told, occasion.base_url
    case, code = told["case"], told["code"]
    return Letter(
        subject=f"[{case}] Send us a diagnostics bundle",
        title="Send us a diagnostics bundle",
        case=case,
        blocks=(
            Words(f"Support asks you for a diagnostics bundle for case {case} of {told['organisation']}."),
            Words("You need no account. Open this page, and choose the file."),
            Link("Send the bundle", ticket_url(base_url, code)),
            Command("From a machine without a browser", ticket_curl(base_url, case, code)),
            Facts(tuple(_terms(told))),
            Words(
                "Whoever has this ticket can send bundles for this case, and see what became of those. It "
                "opens nothing else. Pass it on only to whom you want to do that."
            ),
        ),
        why=occasion.why,
    )


def _terms(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    uploads = told["uploads"]
    most = f", {told['bytes']:,} bytes in all" if told["bytes"] else ""
    yield "Ticket", told["code"]
    yield "Good for", f"{uploads} upload{'' if uploads == 1 else 's'}{most}"
    yield "Good until", told["until"]
    if told["narrowed"]:
        yield "Only from", "the network addresses that support was told of"


def _to_its_maker(occasion: Occasion) -> Letter:
    ticket = occasion.payload
    used, case = occasion.event is Event.TICKET_USED, ticket["case"]
    title = "Your ticket was used" if used else "Your ticket ends soon"
    return Letter(
        subject=f"[{case}] {title}",
        title=title,
        case=case,
        tone=Tone.GOOD if used else Tone.WAIT,
        blocks=(
            Words(
                "A diagnostics bundle came with an upload ticket that you made. It is checked for viruses "
                "next."
                if used
                else "An upload ticket that you made ends soon. If something is still to come with it, make "
                "a new one on the page of the case."
            ),
            Facts(
                (
                    ("Case", case),
                    ("Organisation", ticket["organisation"]),
                    ("Ticket", f"{ticket['hint']}…"),
                    ("Used", f"{ticket['used_uploads']:,} of {ticket['max_uploads']:,} uploads"),
                    ("Good until", moment(ticket["expires_at"])),
                )
            ),
            *_page(occasion, ticket.get("upload")),
        ),
        why="You get this because you made the ticket.",
        notices=occasion.notices,
    )


def _page(occasion: Occasion, upload: str | None) -> Iterator[Block]:
    """Lead to the bundle that came, or to the case."""
    case_id = occasion.delivery.record.case_id if occasion.delivery.record else None
    if upload:
        yield Link("Open the bundle", f"{occasion.base_url}/files/{upload}")
    elif case_id:
        yield Link("Open the case", f"{occasion.base_url}/cases/{case_id}")
