"""Why something was deleted, as it stands in its row and as people read it."""

from typing import Final

BY_SUPPORT: Final = "Deleted by support"
WITHDRAWN_BY: Final = "Withdrawn by "


def bare_reason(reason: str | None) -> str | None:
    """Return why, without saying again who it was; None where there was no more than that.

    Pages and mails say who deleted a bundle in a line of its own.
    """
    if not reason or reason == f"{BY_SUPPORT}.":
        return None
    if reason.startswith(WITHDRAWN_BY):
        return "It was withdrawn."
    return reason.removeprefix(f"{BY_SUPPORT}: ")
