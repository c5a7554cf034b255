"""The mails about somebody's own account."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from app.domain.events import Event
from app.domain.letter import Block, Facts, Letter, Link, Tone, Words, moment, one_line
from app.domain.policy import Role
from app.domain.ways_in import activation_url, reset_url
from app.services.letters.occasion import Occasion

#: What Diagport is to people in a role; the sentence is begun.
_FOR: Final = {
    Role.CUSTOMER: "you can send them there, and see what becomes of them.",
    Role.ENGINEER: "you can see there what customers sent, and fetch it.",
    Role.ADMIN: "you can see there what customers sent, and look after who gets in.",
}

_WHY: Final = "You get this because it is about your own account. Such mails are always sent."


def write(occasion: Occasion) -> Letter:
    """Write the mail; ``told`` is what `accounts` or `forgotten` wrote down, with the code it brings."""
    match occasion.event:
        case Event.ACCOUNT_INVITED:
            return _invited(occasion)
        case Event.ACCOUNT_RESET:
            return _reset(occasion)
        case Event.ACCOUNT_NEW_DEVICE:
            return _new_device(occasion)
        case _:
            return _changed(occasion)


def _invited(occasion: Occasion) -> Letter:
    told = occasion.told
    by = f"{told['by']} has invited you" if told["by"] else "You are invited"
    home = f" for {told['organisation']}" if told["organisation"] else ""
    return Letter(
        subject="Your invitation to Diagport",
        title="Your invitation to Diagport",
        blocks=(
            Words(
                f"{by} to Diagport{home}. Diagport is where diagnostics bundles go to the support team: "
                f"{_FOR[told.get('role', Role.CUSTOMER)]}"
            ),
            Link("Choose how you sign in", activation_url(occasion.base_url, told["code"])),
            Words(f"The link works once, until {moment(told['until'])}."),
            Words("You did not expect this? Then do nothing: without you nothing comes of it."),
        ),
        why="You get this because somebody gave this address for an invitation.",
    )


def _reset(occasion: Occasion) -> Letter:
    told = occasion.told
    asked = f" from the network address {told['address']}" if told["address"] else ""
    return Letter(
        subject="A new password for Diagport",
        title="A new password",
        blocks=(
            Words(f"Somebody has asked{asked} for a new password for your account."),
            *_what_to_do(told, occasion.base_url),
            Words(
                "It was not you? Then do nothing: as long as nobody else reads your mail, nothing changes."
            ),
        ),
        why=_WHY,
    )


def _what_to_do(told: Mapping[str, Any], base_url: str) -> Iterator[Block]:
    if told.get("code"):
        yield Link("Choose a new password", reset_url(base_url, told["code"]))
        yield Words(
            f"The link works once, until {moment(told['until'])}. If you sign in with a second step, you "
            "are asked for that as well."
        )
    elif told.get("invited"):
        yield Words(
            "But you have not set up your account yet. Use the link in your invitation. If it has expired, "
            "ask whoever invited you for a new one."
        )
    else:
        through = " or ".join(map(one_line, told["providers"])) or "your company's own sign-in"
        yield Words(
            f"But your account has no password here: you sign in through {through}. If that does not work, "
            "ask whoever looks after it."
        )
        yield Link("Sign in", f"{base_url}/sign-in")


def _changed(occasion: Occasion) -> Letter:
    told = occasion.told
    facts = [("When", moment(told["at"]))]
    if told["address"]:
        facts.append(("From", f"network address {told['address']}"))
    if told["by"]:
        facts.append(("By", told["by"]))
    return Letter(
        subject="Your Diagport account was changed",
        title="Your account was changed",
        tone=Tone.WAIT,
        blocks=(
            Words(told["what"]),
            Facts(tuple(facts)),
            Words("You know of it? Then there is nothing to do."),
            *_if_not(told, occasion.base_url),
        ),
        why=_WHY,
    )


def _new_device(occasion: Occasion) -> Letter:
    seen = occasion.payload
    facts = [("Device", seen["device"]), ("When", moment(seen["at"]))]
    if seen.get("address"):
        facts.append(("From", f"network address {seen['address']}"))
    return Letter(
        subject="New sign-in to your Diagport account",
        title="New sign-in",
        about=seen["device"],
        tone=Tone.WAIT,
        blocks=(
            Words("Somebody signed in to your account from a device that was not seen before."),
            Facts(tuple(facts)),
            Words("It was you? Then there is nothing to do."),
            Words(
                "If not, end it on the page of your account, choose a new password there, and tell "
                f"{_whom(staff=occasion.for_staff)} at once."
            ),
            Link("See where you are signed in", f"{occasion.base_url}/account#sessions"),
        ),
        why=_WHY,
    )


def _if_not(told: Mapping[str, Any], base_url: str) -> Iterator[Block]:
    whom = _whom(staff=bool(told.get("staff")))
    if told.get("left"):  # the mail goes to an address that the account has no more
        yield Words(f"If not, tell {whom} at once.")
        return
    yield Words(f"If not, choose a new password at once, and tell {whom}.")
    yield Link("Choose a new password", f"{base_url}/reset")


def _whom(*, staff: bool) -> str:
    return "an administrator" if staff else "your support contact"
