"""Title, opening and tone of the mails about a bundle: as support should read them, and as customers."""

from typing import Final, NamedTuple

from app.domain.events import Event
from app.domain.letter import Tone


class Opening(NamedTuple):
    title: str
    words: str
    tone: Tone = Tone.PLAIN


_STAFF: Final[dict[Event, Opening]] = {
    Event.UPLOAD_STARTED: Opening(
        "On its way", "A large diagnostics bundle is on its way. It is checked when it has arrived whole."
    ),
    Event.UPLOAD_RECEIVED: Opening(
        "Received", "A diagnostics bundle has arrived whole. It is checked for viruses next."
    ),
    Event.UPLOAD_EXPIRING: Opening(
        "Not finished", "A diagnostics bundle was begun, is not finished, and is soon given up.", Tone.WAIT
    ),
    Event.UPLOAD_REJECTED: Opening(
        "Not accepted",
        "What arrived was not accepted, for the reason given here. Its sender knows.",
        Tone.BAD,
    ),
    Event.UPLOAD_CLEAN: Opening(
        "Ready", "A diagnostics bundle has arrived and was scanned. It is ready to download.", Tone.GOOD
    ),
    Event.UPLOAD_INFECTED: Opening(
        "Virus found",
        "A diagnostics bundle was stopped: the scanner found a virus in it. Nobody can download it.",
        Tone.BAD,
    ),
    Event.UPLOAD_UNSCANNABLE: Opening(
        "Needs review",
        "A diagnostics bundle could not be checked completely. Nobody can download it before an engineer "
        "has looked at it.",
        Tone.WAIT,
    ),
    Event.UPLOAD_RELEASED: Opening(
        "Released",
        "A diagnostics bundle that could not be checked completely was reviewed and released. It can be "
        "downloaded, but it is not known to be clean.",
        Tone.WAIT,
    ),
    Event.UPLOAD_RECALLED: Opening(
        "Virus found later",
        "Newer signatures found a virus in a diagnostics bundle that was ready before. Nobody can "
        "download it any more. Whoever has it should delete it.",
        Tone.BAD,
    ),
    Event.UPLOAD_INTEGRITY_FAILED: Opening(
        "Stored bytes changed",
        "The stored bytes of a diagnostics bundle are not those that were received. Nobody can download "
        "it. Somebody or something has written to the storage: find out who.",
        Tone.BAD,
    ),
    Event.UPLOAD_DOWNLOADED: Opening("Downloaded", "A diagnostics bundle was downloaded for the first time."),
    Event.UPLOAD_ASSIGNED: Opening("Assigned", "A diagnostics bundle has somebody who looks after it."),
    Event.UPLOAD_DELETION_DUE: Opening(
        "Deleted soon",
        "A diagnostics bundle has been kept for as long as was agreed, and is deleted at the time given "
        "here. If it is still needed, open its page before then and keep it longer.",
        Tone.WAIT,
    ),
    Event.UPLOAD_DELETED: Opening(
        "Deleted", "A diagnostics bundle was deleted, with everything that was made of it here."
    ),
}

#: What customers read of a bundle that could not be checked, and what where they can help.
WAIT_FOR_SUPPORT: Final = (
    "Your diagnostics bundle could not be checked completely. Support looks at it before anybody opens it. "
    "There is nothing that you have to do."
)
SEND_AGAIN: Final = (
    "Your diagnostics bundle could not be checked completely. Support looks at it before anybody opens it. "
    "You can help with what the reason given here asks for."
)

_CUSTOMERS: Final[dict[Event, Opening]] = {
    Event.UPLOAD_RECEIVED: Opening(
        "Received",
        "Your diagnostics bundle has arrived whole. It is checked for viruses next, and another mail "
        "says how that went.",
    ),
    Event.UPLOAD_EXPIRING: Opening(
        "Not finished",
        "You began to send a diagnostics bundle and have not finished. Go on with it, or cancel it.",
        Tone.WAIT,
    ),
    Event.UPLOAD_REJECTED: Opening(
        "Not accepted",
        "What you sent was not accepted, for the reason given here. Support does not get it. Put that "
        "right, and send it again.",
        Tone.BAD,
    ),
    Event.UPLOAD_CLEAN: Opening(
        "Checked",
        "Your diagnostics bundle was checked. No virus was found, and support has it now.",
        Tone.GOOD,
    ),
    Event.UPLOAD_INFECTED: Opening(
        "Virus found",
        "The scanner found a virus in your diagnostics bundle, so support does not get it. Remove the "
        "files that are named here, pack the bundle again, and send it anew.",
        Tone.BAD,
    ),
    Event.UPLOAD_UNSCANNABLE: Opening(
        "Needs review",
        WAIT_FOR_SUPPORT,
        Tone.WAIT,
    ),
    Event.UPLOAD_RELEASED: Opening(
        "Reviewed",
        "Your diagnostics bundle could not be checked completely. Support has reviewed it, and can work "
        "with it now.",
        Tone.GOOD,
    ),
    Event.UPLOAD_RECALLED: Opening(
        "Virus found later",
        "Newer signatures found a virus in a diagnostics bundle that you sent. Nobody can open it any "
        "more. Look at the machine that it comes from.",
        Tone.BAD,
    ),
    Event.UPLOAD_INTEGRITY_FAILED: Opening(
        "Needs review",
        "Something is wrong with our copy of your diagnostics bundle. Nobody can open it, and support "
        "looks into it. Keep your own copy for now.",
        Tone.WAIT,
    ),
    Event.UPLOAD_DOWNLOADED: Opening(
        "Support has begun", "Support has begun to work with your diagnostics bundle.", Tone.GOOD
    ),
    Event.UPLOAD_ASSIGNED: Opening(
        "Assigned", "Somebody at support looks after your diagnostics bundle now."
    ),
    Event.UPLOAD_DELETION_DUE: Opening(
        "Deleted soon",
        "Your diagnostics bundle has been kept for as long as was agreed, and is deleted at the time "
        "given here. If support should keep it longer, ask for that before then. Your own "
        "copy is not touched.",
        Tone.WAIT,
    ),
    Event.UPLOAD_DELETED: Opening(
        "Deleted",
        "Your diagnostics bundle was deleted, with everything that was made of it here. This mail is the "
        "receipt: keep it if you have to show that.",
    ),
}


def opening(event: Event, *, staff: bool) -> Opening:
    """Return how the mail about ``event`` begins."""
    return _STAFF[event] if staff else _CUSTOMERS.get(event, _STAFF[event])
