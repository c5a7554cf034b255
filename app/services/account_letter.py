"""The words of the mails about somebody's account. What people typed stands in them on one line, as text."""

from datetime import datetime
from typing import Any, Final

from app.domain.events import Event
from app.domain.policy import Role
from app.domain.ways_in import activation_url, reset_url

#: What Diagport is to people in a role; the sentence is begun.
_FOR: Final = {
    Role.CUSTOMER: ["to the support team: you can send them there, and see what becomes of them."],
    Role.ENGINEER: ["to the support team: you can see there what customers sent, and fetch it."],
    Role.ADMIN: [
        "to the support team: you can see there what customers sent, and look after",
        "who gets in.",
    ],
}


def words(event: Event, told: dict[str, Any], base_url: str) -> tuple[str, list[str]]:
    """Return subject and lines; ``told`` is what `accounts` or `forgotten` wrote down."""
    write = {
        Event.ACCOUNT_INVITED: _invited,
        Event.ACCOUNT_RESET: _reset,
        Event.ACCOUNT_CHANGED: _changed,
    }[event]
    return write(told, base_url)


def _invited(told: dict[str, Any], base_url: str) -> tuple[str, list[str]]:
    by = f"{told['by']} has invited you" if told["by"] else "You are invited"
    home = f" for {_line(told['organisation'])}" if told["organisation"] else ""
    return "Your invitation to Diagport", [
        "Hello,",
        "",
        f"{by} to Diagport{home}. Diagport is where diagnostics bundles go",
        *_FOR[told.get("role", Role.CUSTOMER)],
        "",
        "Open this page to choose how you sign in:",
        "",
        activation_url(base_url, told["code"]),
        "",
        f"The link works once, until {_when(told['until'])}.",
        "",
        "You did not expect this? Then do nothing: without you nothing comes of it.",
        "",
    ]


def _reset(told: dict[str, Any], base_url: str) -> tuple[str, list[str]]:
    asked = f" from the network address {told['address']}" if told["address"] else ""
    return "A new password for Diagport", [
        "Hello,",
        "",
        f"somebody has asked{asked} for a new password for your account.",
        *_what_to_do(told, base_url),
        "",
        "It was not you? Then do nothing: as long as nobody else reads your mail, nothing changes.",
        "",
    ]


def _what_to_do(told: dict[str, Any], base_url: str) -> list[str]:
    if told.get("code"):
        return [
            "Open this page to choose one:",
            "",
            reset_url(base_url, told["code"]),
            "",
            f"The link works once, until {_when(told['until'])}.",
            "If you sign in with a second step, you are asked for that as well.",
        ]
    if told.get("invited"):
        return [
            "",
            "But you have not set up your account yet. Use the link in your invitation.",
            "If it has expired, ask whoever invited you for a new one.",
        ]
    through = " or ".join(map(_line, told["providers"])) or "your company's own sign-in"
    return [
        "",
        f"But your account has no password here: you sign in through {through}.",
        "If that does not work, ask whoever looks after it.",
        "",
        "To sign in:",
        "",
        f"{base_url}/sign-in",
    ]


def _changed(told: dict[str, Any], base_url: str) -> tuple[str, list[str]]:
    return "Your Diagport account was changed", [
        "Hello,",
        "",
        "something about your account was changed:",
        "",
        f"  {_line(told['what'])}",
        "",
        f"When:  {_when(told['at'])}",
        *([f"From:  network address {told['address']}"] if told["address"] else []),
        *([f"By:    {told['by']}"] if told["by"] else []),
        "",
        "You know of it? Then there is nothing to do.",
        *_if_not(told, base_url),
        "",
    ]


def _if_not(told: dict[str, Any], base_url: str) -> list[str]:
    whom = "an administrator" if told.get("staff") else "your support contact"
    if told.get("left"):  # the mail goes to an address that the account has no more
        return [f"If not, tell {whom} at once."]
    return [f"If not, choose a new password at once, and tell {whom}:", "", f"{base_url}/reset"]


def _line(text: str) -> str:
    return " ".join(text.split())


def _when(moment: str) -> str:
    at = datetime.fromisoformat(moment)
    return f"{at.day} {at:%b %Y, %H:%M} UTC"
